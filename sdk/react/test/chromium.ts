// Debian's Chromium with test/page.tsx on a page of the server's origin.
import { build } from 'esbuild'
import type { Browser, Page } from 'playwright-core'
import { url } from '../../typescript/test/clinic.js'

export { launch } from '../../typescript/test/chromium.js'

export async function pageScript(): Promise<string> {
  const define = { 'process.env.NODE_ENV': '"development"' }
  const entryPoints = [`${import.meta.dirname}/page.tsx`]
  const result = await build({ entryPoints, bundle: true, platform: 'browser', format: 'iife', target: 'es2022', jsx: 'automatic', define, write: false })
  return result.outputFiles[0]!.text
}

/** The page; what it says on its console as an error fails the test that asks for `complaints`. */
export async function visit(browser: Browser, script: string): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext()
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
  page.on('pageerror', (error) => complaints.push(error.message))
  const body = '<!doctype html><title>Chart</title><div id="root"></div>'
  await page.route(`${url()}/page`, (route) => route.fulfill({ contentType: 'text/html', body }))
  await page.goto(`${url()}/page`)
  await page.evaluate(script)
  return { page, complaints }
}
