// The recorder in a real browser with a made-up microphone, over a line that is cut.
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Recorder, RecorderState } from '../src/index.js'
import { clientScript, launch, visit } from './chromium.js'
import { clientOf, patientId, tokenOf, url } from './clinic.js'
import { Line } from './line.js'

declare global {
  var take: Recorder
  var states: RecorderState[]
  var saved: Promise<{ id: string }>
}

const run = promisify(execFile)
let directory: string
let browser: Browser
let script: string
let token: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bonfire-recorder-'))
  // A tone that rises by 20 Hz a second from 400: where in time a sound was made can be heard.
  const tone = ['-f', 'lavfi', '-i', `aevalsrc='0.5*sin(2*PI*(400*t+10*t*t))':d=120:s=48000`, '-ac', '1']
  await run('ffmpeg', ['-v', 'error', ...tone, join(directory, 'tone.wav')])
  browser = await launch('--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', `--use-file-for-fake-audio-capture=${directory}/tone.wav`)
  script = await clientScript()
  token = await tokenOf('clinician')
}, 60_000)
afterAll(async () => {
  await browser?.close()
  await rm(directory, { recursive: true, force: true })
})

let line: Line
let context: BrowserContext
let page: Page
beforeEach(async () => {
  line = await Line.to(url())
  context = await browser.newContext({ bypassCSP: true }) // the page only lends its origin
  page = await newPage()
})
afterEach(async () => {
  await context.close()
  await line.close()
})

async function newPage(): Promise<Page> {
  const page = await context.newPage()
  await page.addInitScript(clinicOnPage, { target: new URL(url()).origin, token })
  await visit(page, line.url, script)
  return page
}

/** What an application does with the client. */
function clinicOnPage({ target, token }: { target: string; token: string }) {
  const overLine: typeof fetch = async (input, init) => {
    const response = await fetch(input, init)
    return new Response((await response.text()).replaceAll(target, location.origin), { status: response.status })
  }
  Object.assign(globalThis, {
    states: [],
    clinic: () => bonfire.createClinical({ url: location.origin, token, fetch: overLine }),
    seen: (state: RecorderState) => states.push(state),
  })
}
declare const clinic: () => ReturnType<typeof bonfire.createClinical>
declare const seen: (state: RecorderState) => void

const begin = (mimeType?: string) =>
  page.evaluate(async ({ patientId, mimeType }) => {
    globalThis.take = clinic().recorder({ patientId, kind: 'session-audio', title: 'First visit', mimeType, onState: seen })
    await take.start()
  }, { patientId, mimeType })

/** After a reload. */
const goOn = () =>
  page.evaluate(async () => {
    const [left] = await clinic().recordings.pending()
    globalThis.take = clinic().recordings.resume({ recordingId: left!.recordingId, continueRecording: true, onState: seen })
    await take.start()
    return left!
  })

const state = (): Promise<RecorderState> => page.evaluate(() => take.state)
const captured = (seconds: number) => page.waitForFunction((seconds) => take.state.capturedSeconds >= seconds, seconds, { polling: 100 })

async function decoded(documentId: string): Promise<{ seconds: number; pitch: (at: number) => number; type: string }> {
  const clinical = await clientOf('clinician')
  const link = await clinical.files.signedUrl({ documentId, expiresIn: 60 })
  const response = await fetch(link.url)
  const file = join(directory, `${documentId}.bin`)
  await writeFile(file, new Uint8Array(await response.arrayBuffer()))
  const pcm = await run('ffmpeg', ['-v', 'error', '-xerror', '-i', file, '-f', 's16le', '-ac', '1', '-ar', '48000', '-'], { encoding: 'buffer', maxBuffer: 1 << 28 })
  expect(pcm.stderr.toString()).toBe('')
  const samples = new Int16Array(pcm.stdout.buffer, pcm.stdout.byteOffset, pcm.stdout.length >> 1)
  const pitch = (at: number) => {
    let rises = 0
    const from = Math.round(at * 48000)
    for (let i = from; i < from + 24000; i++) if (samples[i]! < 0 && samples[i + 1]! >= 0) rises++
    return rises * 2
  }
  return { seconds: samples.length / 48000, pitch, type: response.headers.get('content-type') ?? '' }
}

describe('a recording in Chromium', () => {
  test('is sent while it goes on, and is a Media when it ends', async () => {
    await begin()
    await captured(4)
    await page.waitForFunction(() => take.state.durableSeconds > 1)
    expect(await state()).toMatchObject({ phase: 'recording', online: true, error: null })
    const media = await page.evaluate(() => take.stop())
    const end = await state()
    expect(media).toMatchObject({ resourceType: 'Media', subject: { reference: `Patient/${patientId}` } })
    expect(end).toMatchObject({ phase: 'done', localSeconds: 0, durableSeconds: end.capturedSeconds })
    const sound = await decoded((media as { id: string }).id)
    console.log(end, sound.seconds)
    expect(Math.abs(sound.seconds - end.capturedSeconds)).toBeLessThan(0.1)
    expect(await page.evaluate(() => clinic().recordings.pending())).toEqual([])
  })

  test('survives reloads of the tab while the network is away', async () => {
    await begin()
    await captured(3)
    line.down = true
    line.cut()
    await captured(6)
    const first = await state()
    expect(first.localSeconds).toBeGreaterThan(1.5)
    line.down = false
    await page.reload()
    const left = await goOn()
    console.log(first, left)
    await captured(left.capturedSeconds + 3)
    await page.reload()
    const second = await goOn()
    await captured(second.capturedSeconds + 2)
    const media = await page.evaluate(() => take.stop())
    const end = await state()
    const sound = await decoded((media as { id: string }).id)
    console.log(end, sound.seconds)
    expect(Math.abs(sound.seconds - end.capturedSeconds)).toBeLessThan(0.1)
    for (const at of [0.5, 2, 4]) console.log(at, sound.pitch(at))
  })
})
