import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { clientOf, patientId, tokenOf } from '../../typescript/test/clinic.js'
import { launch, pageScript, visit } from './chromium.js'
import type {} from './page.js'

let browser: Browser
let script: string
let token: string
beforeAll(async () => {
  browser = await launch('--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream')
  script = await pageScript()
  token = await tokenOf('clinician')
}, 60_000)
afterAll(() => browser?.close())

test('useUpload shows how far it is, what the file became, and why it was refused', async () => {
  const { page, complaints } = await visit(browser, script)
  await page.evaluate(([token, patientId]) => react.upload(token!, patientId!), [token, patientId])
  await page.getByText('idle').waitFor()
  await page.getByText('Upload', { exact: true }).click()
  await page.getByText('done 13 DocumentReference').waitFor()
  await page.getByText('Upload as a photo').click()
  await page.getByText('failed CONTENT_REJECTED').waitFor()
  expect(complaints).toEqual([])
  await page.context().close()
})

test('useRecorder records a visit, and saves it when the screen goes away', async () => {
  const { page, complaints } = await visit(browser, script)
  const newest = async () => (await (await clientOf('clinician')).files.list({ patientId, first: 1, filter: { kinds: ['session-audio'] } })).nodes[0]?.id
  await page.evaluate(([token, patientId]) => react.visit(token!, patientId!), [token, patientId])
  await page.getByText('Record').click()
  await page.getByText('recording 1').waitFor()
  await page.getByText('Pause').click()
  await page.getByText(/^paused/).waitFor()
  await page.getByText('Go on').click()
  await page.getByText(/^recording/).waitFor()
  await page.getByText('Stop').click()
  await page.getByText(/^done \d+ Media/).waitFor()
  const first = await newest()

  await page.getByText('Record').click()
  await page.getByText('recording 1').waitFor()
  await page.getByText('Leave').click()
  await expect.poll(newest, { timeout: 20_000 }).not.toBe(first)
  expect(complaints).toEqual([])
  await page.context().close()
})

test('useSignedUrl has the next link before one expires, and none of another document', async () => {
  const clinical = await clientOf('clinician')
  const file = new Blob(['Sleeps badly.'], { type: 'text/plain' })
  const [one, two] = await Promise.all([1, 2].map(() => clinical.files.upload({ patientId, file, kind: 'intake-form' })))
  const { page, complaints } = await visit(browser, script)
  await page.evaluate(([token, id]) => react.link(token!, id!, 4), [token, one!.id])
  await page.waitForFunction(() => new Set(urls).size > 1) // strict mode asks twice at first
  await page.waitForFunction(() => new Set(urls).size > 2)
  const last = await page.locator('output').textContent()
  expect((await fetch(last!)).status).toBe(200)
  expect(await page.evaluate(() => localStorage.length + sessionStorage.length)).toBe(0)
  await page.evaluate(([token, id]) => react.link(token!, id!, 60), [token, two!.id])
  await page.waitForFunction((last) => ![last, 'loading', ''].includes(document.querySelector('output')?.textContent ?? ''), last)
  await page.evaluate(([token]) => react.link(token!, '00000000-0000-7000-8000-00000000ffff', 60), [token])
  await page.getByText('NOT_FOUND').waitFor()
  expect(complaints).toEqual([])
  await page.context().close()
})
