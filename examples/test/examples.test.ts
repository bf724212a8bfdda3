// Each example is built and used as its README says, against a real server.
import { execFile, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { promisify } from 'node:util'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
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

test.each([
  ['says what it knows of a recording', undefined, /^A recording was made \(session-audio, audio\/wav, \d+ bytes\)\.\nIt was not transcribed/],
  ['gives the sound to a recogniser', `printf '%s bytes heard' "$(wc -c | tr -d ' ')"`, /^\d+ bytes heard$/],
])('node-scribe drafts a note that %s', async (_name, command, expected) => {
  const directory = await mkdtemp(join(tmpdir(), 'bonfire-scribe-'))
  const clinical = await clientOf('clinician')
  const upload = async () => (await clinical.files.upload({ patientId, kind: 'session-audio', file: new Blob([new Uint8Array(await sound())], { type: 'audio/wav' }) })).id
  const env = {
    ...process.env,
    ...{ BONFIRE_URL: url(), BONFIRE_TOKEN: await tokenOf('scribe'), PATIENT_IDS: patientId, CURSOR_FILE: join(directory, 'cursors.json') },
    ...(command && { TRANSCRIBE_COMMAND: command }),
  }
  const before = await upload() // while nobody was there
  const scribe = spawn(process.execPath, [at('node-scribe/scribe.js')], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise((resolve) => scribe.on('close', resolve))
  let said = ''
  scribe.stdout.setEncoding('utf8').on('data', (words) => (said += words))
  try {
    const drafts = (id: string) => [...said.matchAll(/^drafted (\S+) from (\S+)$/gm)].filter((line) => line[2] === id)
    await expect.poll(() => drafts(before).length, { timeout: 60_000 }).toBe(1)
    const after = await upload()
    await expect.poll(() => drafts(after).length, { timeout: 60_000 }).toBe(1)
    const text = 'query ($id: ID!) { note(id: $id) { text status sources { file { id } } } }'
    const { note } = await query<{ note: { text: string; status: string; sources: { file: { id: string } }[] } }>('clinician', text, { id: drafts(after)[0]![1] })
    expect(note.text).toMatch(expected)
    expect(note).toMatchObject({ status: 'DRAFT', sources: [{ file: { id: after } }] })
  } finally {
    scribe.kill('SIGTERM')
    expect(await ended).toBe(0)
    await rm(directory, { recursive: true, force: true })
  }
})
