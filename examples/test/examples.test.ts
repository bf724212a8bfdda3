// Each example is built and used as its README says, against a real server.
import { execFile, spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { promisify } from 'node:util'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { launch } from '../../sdk/typescript/test/chromium.js'
import { clientOf, patientId, query, tokenOf, url } from '../../sdk/typescript/test/clinic.js'

const run = promisify(execFile)
const at = (path: string) => join(import.meta.dirname, '..', path)
const types: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' }

let browser: Browser
beforeAll(async () => void (browser = await launch('--autoplay-policy=no-user-gesture-required')))
afterAll(() => browser?.close())

/** Builds an example and opens it on the server's own origin. */
async function built(example: string): Promise<{ page: Page; complaints: string[] }> {
  await run('npm', ['run', 'build'], { cwd: at(example) })
  const page = await (await browser.newContext()).newPage()
  const complaints: string[] = []
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
  page.on('pageerror', (error) => complaints.push(error.message))
  await page.route(`${url()}/example/**`, async (route) => {
    const path = new URL(route.request().url()).pathname.slice('/example/'.length) || 'index.html'
    await route.fulfill({ contentType: types[extname(path)] ?? '', body: await readFile(at(`${example}/dist/${path}`)) })
  })
  await page.goto(`${url()}/example/`)
  return { page, complaints }
}

/** A second of silence. */
async function sound(): Promise<Buffer> {
  const options = { encoding: 'buffer', maxBuffer: 1 << 24 } as const
  return (await run('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'anullsrc=r=8000:cl=mono', '-t', '1', '-f', 'wav', '-'], options)).stdout
}

test('apollo-react uploads, lists and plays', async () => {
  const { page, complaints } = await built('apollo-react')
  await page.getByLabel('Token').fill(await tokenOf('clinician'))
  await page.getByLabel('Patient').fill(patientId)
  await page.getByText('Open chart').click()
  await page.getByLabel('Add a file').setInputFiles({ name: 'first-visit.wav', mimeType: 'audio/wav', buffer: await sound() })
  await page.getByText('Stored').waitFor()
  await page.getByText('first-visit.wav').click()
  await page.waitForFunction(() => (document.querySelector('audio')?.duration ?? 0) > 0.9)
  await page.getByText('Sign out').click()
  await page.getByText('Open chart').waitFor()
  expect(complaints).toEqual([])
  await page.context().close()
})

test('uppy uploads to the tus endpoint and leaves no name behind', async () => {
  const { page, complaints } = await built('uppy')
  await page.getByLabel('Token').fill(await tokenOf('clinician'))
  await page.getByLabel('Patient').fill(patientId)
  await page.getByLabel('File').setInputFiles({ name: 'intake of somebody.txt', mimeType: 'text/plain', buffer: Buffer.from('Sleeps badly.') })
  await page.getByRole('button', { name: 'Upload' }).click()
  await page.getByText(/^DocumentReference /).waitFor()
  const id = (await page.locator('output').textContent())!.split(' ')[1]!
  expect(await (await clientOf('clinician')).files.get({ fileId: id })).toMatchObject({ title: 'intake of somebody.txt', size: 13 })
  expect(await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }))).not.toContain('somebody')
  expect(complaints).toEqual([])
  await page.context().close()
})

/** A scribe at work, with what it has drafted so far. Ends well, or the test fails. */
async function withScribe(settings: Record<string, string>, use: (drafts: (id: string) => string[]) => Promise<void>) {
  const env = { ...process.env, ...{ BONFIRE_URL: url(), BONFIRE_TOKEN: await tokenOf('scribe') }, ...settings }
  const scribe = spawn(process.execPath, [at('node-scribe/scribe.js')], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise((resolve) => scribe.on('close', resolve))
  let said = ''
  scribe.stdout.setEncoding('utf8').on('data', (words) => (said += words))
  try {
    await use((id) => [...said.matchAll(/^drafted (\S+) from (\S+)$/gm)].filter((line) => line[2] === id).map((line) => line[1]!))
  } finally {
    scribe.kill('SIGTERM')
    expect(await ended).toBe(0)
  }
}

async function record(): Promise<string> {
  const file = new Blob([new Uint8Array(await sound())], { type: 'audio/wav' })
  return (await (await clientOf('clinician')).files.upload({ patientId, kind: 'session-audio', file })).id
}

async function expectDraft(id: string, from: string, words: RegExp) {
  const text = 'query ($id: ID!) { note(id: $id) { text status sources { file { id } } } }'
  const { note } = await query<{ note: { text: string; status: string; sources: { file: { id: string } }[] } }>('clinician', text, { id })
  expect(note.text).toMatch(words)
  expect(note).toMatchObject({ status: 'DRAFT', sources: [{ file: { id: from } }] })
}

const patience = { timeout: 60_000 }

test.each([
  ['says what it knows of a recording', undefined, /^A recording was made \(session-audio, audio\/wav, \d+ bytes\)\.\nIt was not transcribed/],
  ['gives the sound to a recogniser', `printf '%s bytes heard' "$(wc -c | tr -d ' ')"`, /^\d+ bytes heard$/],
])('node-scribe drafts a note that %s', async (_name, command, expected) => {
  const directory = await mkdtemp(join(tmpdir(), 'bonfire-scribe-'))
  const before = await record() // while nobody was there
  const settings = { PATIENT_IDS: patientId, CURSOR_FILE: join(directory, 'cursors.json'), ...(command && { TRANSCRIBE_COMMAND: command }) }
  await withScribe(settings, async (drafts) => {
    await expect.poll(() => drafts(before).length, patience).toBe(1)
    const after = await record()
    await expect.poll(() => drafts(after).length, patience).toBe(1)
    await expectDraft(drafts(after)[0]!, after, expected)
  })
  await rm(directory, { recursive: true, force: true })
})

test('node-scribe is told by the webhook, and by nobody else', async () => {
  const { port, secret } = inject('webhook')
  const address = `http://127.0.0.1:${port}/`
  const listening = () => fetch(address).then((response) => response.status, () => 0)
  const settings = { WEBHOOK_SECRET: secret, PORT: String(port), TRANSCRIBE_COMMAND: 'printf heard' }
  await withScribe(settings, async (drafts) => {
    await expect.poll(listening, patience).toBe(405)
    const recording = await record()
    await expect.poll(() => drafts(recording).length, patience).toBe(1)
    await expectDraft(drafts(recording)[0]!, recording, /^heard$/)

    const body = JSON.stringify({ id: 'again', type: 'file.created', subject: recording, patient: patientId })
    const told = async (key: string, at: Date, text = body) => {
      const seconds = String(Math.floor(at.getTime() / 1000))
      const signature = `v1,${createHmac('sha256', key).update(`again.${seconds}.${body}`).digest('base64')}`
      const headers = { 'Webhook-Id': 'again', 'Webhook-Timestamp': seconds, 'Webhook-Signature': signature }
      return (await fetch(address, { method: 'POST', headers, body: text })).status
    }
    const now = new Date()
    expect(await told('another secret of the same length!!', now)).toBe(401)
    expect(await told(secret, new Date(now.getTime() - 6 * 60_000))).toBe(401)
    expect(await told(secret, now, body.replace('created', 'updated'))).toBe(401)
    expect(await told(secret, now, 'x'.repeat(1 << 17))).toBe(413)
    expect(await told(secret, now)).toBe(204) // of an event it does not know: the same draft
    expect(await told(secret, now)).toBe(204) // of one it does: nothing
    expect(drafts(recording)).toEqual(Array(2).fill(drafts(recording)[0]))
  })
})
