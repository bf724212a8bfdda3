// A page in Debian's Chromium with the client on it, as `bonfire`.
import { build } from 'esbuild'
import { chromium, type Browser, type Page } from 'playwright-core'
import type * as client from '../src/index.js'

declare global {
  var bonfire: typeof client
}

const quiet = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync',
  // A page that a test makes up has no address, and may not open sockets to this machine.
  '--disable-features=LocalNetworkAccessChecks']

export function launch(...args: string[]): Promise<Browser> {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: [...quiet, ...args] })
}

/** The client as one script. */
export async function clientScript(): Promise<string> {
  const contents = `import * as bonfire from './index.js'; globalThis.bonfire = bonfire`
  const resolveDir = `${import.meta.dirname}/../src`
  const result = await build({ stdin: { contents, resolveDir }, bundle: true, platform: 'browser', format: 'iife', target: 'es2022', write: false })
  return result.outputFiles[0]!.text
}

/** Puts the client on an empty page of this origin, now and after each reload; the page itself needs no network. */
export async function visit(page: Page, origin: string, script: string): Promise<void> {
  await page.addInitScript(script)
  await page.route(`${origin}/page`, (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>Visit</title>' }))
  await page.goto(`${origin}/page`)
}
