// The recorder in a real browser with a made-up microphone, over a line that is cut.
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { transform } from 'esbuild'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Recorder, RecorderState } from '../src/index.js'
import { clientScript, launch, visit as visitPage } from './chromium.js'
import { clientOf, expectStored, newChart, query, strangerId, tokenOf, url } from './clinic.js'
import { Line } from './line.js'

declare global {
  var take: Recorder
  var states: RecorderState[]
  var saved: Promise<{ id: string }>
}

const run = promisify(execFile)
const patientId = await newChart()
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
  await visitPage(page, line.url, script)
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
/** The README's. */
declare const visit: (ended: Promise<void>) => Promise<{ resourceType: string }>
declare const leftovers: () => Promise<void>

const begin = (options: { mimeType?: string; kind?: string } = {}) =>
  page.evaluate(async (options) => {
    globalThis.take = clinic().recorder({ kind: 'session-audio', title: 'First visit', onState: seen, ...options })
    await take.start()
  }, { patientId, ...options })

/** After a reload. */
const goOn = () =>
  page.evaluate(async () => {
    const [left] = await clinic().recordings.pending()
    globalThis.take = clinic().recordings.resume({ recordingId: left!.recordingId, continueRecording: true, onState: seen })
    await take.start()
    return left!
  })

const state = (): Promise<RecorderState> => page.evaluate(() => take.state)
const captured = (seconds: number) => page.waitForFunction((seconds) => take.state.capturedSeconds >= seconds, seconds, { polling: 100, timeout: 0 })

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

/** What stands in the browser's storage, as text. */
async function kept(): Promise<{ text: string; files: number; extractable: boolean[]; items: number }> {
  return page.evaluate(async () => {
    const texts: string[] = []
    let files = 0
    const walk = async (directory: FileSystemDirectoryHandle): Promise<void> => {
      for await (const [name, entry] of directory as unknown as AsyncIterable<[string, FileSystemHandle]>) {
        texts.push(name)
        if (entry.kind === 'directory') await walk(entry as FileSystemDirectoryHandle)
        else {
          files++
          texts.push(new TextDecoder('latin1').decode(await (await (entry as FileSystemFileHandle).getFile()).arrayBuffer()))
        }
      }
    }
    await walk(await navigator.storage.getDirectory())
    const db = await new Promise<IDBDatabase>((resolve) => {
      const request = indexedDB.open('bonfire-recordings')
      request.onsuccess = () => resolve(request.result)
    })
    const extractable: boolean[] = []
    for (const name of db.objectStoreNames) {
      const rows = await new Promise<Record<string, unknown>[]>((resolve) => {
        const request = db.transaction(name).objectStore(name).getAll()
        request.onsuccess = () => resolve(request.result)
      })
      for (const value of rows.flatMap((row) => Object.values(row))) {
        if (value instanceof CryptoKey) extractable.push(value.extractable)
        else texts.push(value instanceof ArrayBuffer ? new TextDecoder('latin1').decode(value) : String(value))
      }
    }
    db.close()
    return { text: texts.join('\n'), files, extractable, items: localStorage.length + sessionStorage.length }
  })
}

const stopped = () => page.evaluate(() => take.stop().then((media) => media as { id: string; resourceType: string }))

/** As Safari before 26: nothing can be written to a file outside a worker. */
async function withoutFiles() {
  await page.addInitScript(() => Reflect.deleteProperty(FileSystemFileHandle.prototype, 'createWritable'))
  await page.reload()
}

/** What Safari writes: a header, and then fragments of half a second. */
async function fragmentedMp4(): Promise<Buffer[]> {
  const file = join(directory, 'safari.mp4')
  const options = ['-t', '10', '-c:a', 'aac', '-movflags', 'empty_moov+default_base_moof', '-frag_duration', '500000']
  await run('ffmpeg', ['-v', 'error', '-y', '-i', join(directory, 'tone.wav'), ...options, file])
  const bytes = await readFile(file)
  const starts = [0]
  for (let at = 0; at < bytes.length; at += bytes.readUInt32BE(at)) {
    if (['moof', 'mfra'].includes(bytes.toString('latin1', at + 4, at + 8))) starts.push(at)
  }
  return starts.map((start, i) => bytes.subarray(start, starts[i + 1]))
}

/** Runs in the page: a MediaRecorder that knows MP4 alone, and writes these fragments one by one. */
function asSafari(fragments: string[]) {
  Object.assign(globalThis, { given: 0 })
  class Safari extends EventTarget {
    static isTypeSupported = (type: string) => type.startsWith('audio/mp4')
    state: RecordingState = 'inactive'
    mimeType: string
    #timer: ReturnType<typeof setInterval> | undefined
    constructor(readonly stream: MediaStream, { mimeType }: MediaRecorderOptions) {
      super()
      if (!Safari.isTypeSupported(mimeType!)) throw new DOMException('of that it knows nothing', 'NotSupportedError')
      this.mimeType = mimeType!
    }
    start(timeslice: number) {
      this.state = 'recording'
      this.#timer = setInterval(() => this.requestData(), timeslice)
    }
    requestData() {
      const next = fragments.shift()
      if (next) (globalThis as unknown as { given: number }).given++
      const data = new Blob(next ? [Uint8Array.from(atob(next), (c) => c.charCodeAt(0))] : [], { type: this.mimeType })
      this.dispatchEvent(new BlobEvent('dataavailable', { data }))
    }
    stop() {
      clearInterval(this.#timer)
      this.state = 'inactive'
      this.requestData()
      this.dispatchEvent(new Event('stop'))
    }
  }
  Object.assign(globalThis, { MediaRecorder: Safari })
}

/** Holds the stored sound against what the recorder said it had captured. */
async function expectWhole(documentId: string, seconds: number) {
  const sound = await decoded(documentId)
  expect(Math.abs(sound.seconds - seconds)).toBeLessThan(0.1)
  return sound
}

/** The tone of the made-up microphone rises by 20 Hz a second: through these stretches, nothing is left out. */
function expectRising(pitch: (at: number) => number, stretches: [from: number, to: number][]) {
  for (const [from, to] of stretches) {
    const begun = pitch(from)
    for (let at = from; at + 0.5 <= to; at += 0.5) expect(Math.abs(pitch(at) - begun - 20 * (at - from))).toBeLessThan(10)
  }
}

/** Records across two reloads of the tab, the network being away around the first one; times in seconds. */
async function interrupted(part: number, away: number) {
  await begin()
  await captured(part)
  line.down = true
  line.cut()
  await captured(part + away / 2)
  const dark = await state()
  expect(dark).toMatchObject({ phase: 'recording', online: false })
  expect(dark.localSeconds).toBeGreaterThan(away / 2 - 1.5)
  await page.reload()
  const first = await goOn()
  expect(first.capturedSeconds).toBeGreaterThanOrEqual(dark.capturedSeconds)
  await captured(first.capturedSeconds + away / 2)
  line.down = false
  await captured(first.capturedSeconds + part)
  await page.reload()
  const second = await goOn()
  await captured(second.capturedSeconds + part)
  const { id } = await stopped()
  const end = await state()
  expect(end).toMatchObject({ phase: 'done', localSeconds: 0, durableSeconds: end.capturedSeconds, parts: [], error: null })
  const { seconds, pitch } = await expectWhole(id, end.capturedSeconds)
  expectRising(pitch, [[0.5, first.capturedSeconds], [first.capturedSeconds + 0.5, second.capturedSeconds], [second.capturedSeconds + 0.5, seconds - 0.5]])
  return { seconds, first, second }
}

describe('a recording in Chromium', () => {
  test('is sent while it goes on, and is a Media when it ends', async () => {
    await begin()
    await page.waitForFunction(() => take.state.durableSeconds > 1)
    expect(await state()).toMatchObject({ phase: 'recording', online: true, error: null })
    await page.evaluate(() => take.pause())
    const paused = await state()
    await page.evaluate(() => take.resume())
    await captured(paused.capturedSeconds + 2)
    const media = await stopped()
    const end = await state()
    expect(media).toMatchObject({ resourceType: 'Media', subject: { reference: `Patient/${patientId}` } })
    expect(end).toMatchObject({ phase: 'done', localSeconds: 0, durableSeconds: end.capturedSeconds })
    const { pitch, seconds } = await expectWhole(media.id, end.capturedSeconds)
    expect(Math.abs(pitch(0.5) - 420)).toBeLessThan(15)
    expect(seconds).toBeGreaterThan(3)
    expect(await page.evaluate(() => clinic().recordings.pending())).toEqual([])
    expect(await kept()).toMatchObject({ files: 0 })
  })

  test('with the tab reloaded twice and the network away: every captured second is in the file', async () => {
    await interrupted(4, 4)
  })

  test.runIf(process.env.BONFIRE_CHAOS)('of two minutes, the tab reloaded twice and the network away for one: every captured second is in the file', async () => {
    const { seconds, first, second } = await interrupted(30, 60)
    console.log(`${seconds.toFixed(2)} s stored; reloaded after ${first.capturedSeconds.toFixed(2)} s and ${second.capturedSeconds.toFixed(2)} s`)
    expect(seconds).toBeGreaterThan(120)
  }, 400_000)

  test('lies on the device as noise, and not at all once it is forgotten', async () => {
    line.down = true // nothing is sent, all is kept
    await begin()
    await captured(2)
    const { text, files, extractable, items } = await kept()
    expect(files).toBeGreaterThan(1)
    expect(text).not.toMatch(new RegExp(`${patientId}|First visit|session-audio|OpusHead|webm|clinician`))
    expect(extractable).toEqual([false])
    expect(items).toBe(0)
    await page.reload()
    const refused = await page.evaluate(() => clinic().signOut().catch((error: { code: string }) => error.code))
    expect(refused).toBe('UNSENT_RECORDINGS')
    await page.evaluate(() => clinic().signOut({ discardUnsent: true }))
    expect(await kept()).toMatchObject({ files: 0, extractable: [] })
    expect(await page.evaluate(() => clinic().recordings.pending())).toEqual([])
  })

  test.each(['files', 'a database'])('kept in %s and finished on another device: what this one still has becomes a second file', async (place) => {
    if (place === 'a database') await withoutFiles()
    await begin()
    await page.waitForFunction(() => take.state.durableSeconds > 2)
    const { uploadId } = await state()
    line.down = true
    line.cut()
    const dark = await state()
    await captured(dark.capturedSeconds + 2)
    const elsewhere = await (await clientOf('clinician')).uploads.finish({ uploadId: uploadId! })
    await page.reload() // the second file's pieces are the first session's and the next one's
    line.down = false
    const left = await goOn()
    await captured(left.capturedSeconds + 2)
    const { id } = await stopped()
    const end = await state()
    expect(end.parts).toEqual([elsewhere.id])
    const [first, rest] = [await decoded(elsewhere.id), await decoded(id)]
    // The piece that was cut in two is in both.
    expect(first.seconds + rest.seconds).toBeGreaterThanOrEqual(end.capturedSeconds - 0.1)
    expect(first.seconds + rest.seconds).toBeLessThan(end.capturedSeconds + 1.2)
  })

  test('goes on in one tab at a time', async () => {
    await begin()
    await captured(1)
    const { recordingId } = await state()
    const other = await newPage()
    const seen = await other.evaluate(async (recordingId) => {
      const [left] = await clinic().recordings.pending()
      const refused = await clinic().recordings.resume({ recordingId }).stop().catch((error: { code: string }) => error.code)
      return { left, refused }
    }, recordingId)
    expect(seen).toMatchObject({ left: { recordingId, active: true }, refused: 'CONFLICT' })
    await page.close()
    const media = await other.evaluate((recordingId) => clinic().recordings.resume({ recordingId }).stop(), recordingId)
    expect(media).toMatchObject({ resourceType: 'Media' })
  })

  test('in MP4 becomes one file for each time the tab was opened', async () => {
    await begin({ mimeType: 'audio/mp4' })
    await captured(2.5)
    await page.reload()
    const left = await goOn()
    await captured(left.capturedSeconds + 2)
    const { id } = await stopped()
    const end = await state()
    const files = await (await clientOf('clinician')).files.list({ patientId, first: 2 })
    const found = await Promise.all(files.nodes.map((file) => decoded(file.id)))
    expect(files.nodes.map((file) => file.id)).toContain(id)
    expect(Math.abs(found[0]!.seconds + found[1]!.seconds - end.capturedSeconds)).toBeLessThan(1)
  })

  test('without a file system, in a database alone', async () => {
    await withoutFiles()
    line.down = true
    await begin()
    await captured(2)
    expect(await kept()).toMatchObject({ files: 0 })
    await page.reload()
    line.down = false
    const left = await goOn()
    await captured(left.capturedSeconds + 1)
    const { id } = await stopped()
    await expectWhole(id, (await state()).capturedSeconds)
  })

  test('on a device without room goes on, and says so', async () => {
    const devtools = await context.newCDPSession(page)
    await devtools.send('Storage.overrideQuotaForOrigin', { origin: line.url, quotaSize: 1 })
    await begin()
    await page.waitForFunction(() => take.state.error?.code === 'DEVICE_FULL')
    await page.waitForFunction(() => take.state.durableSeconds > 2)
    const { id } = await stopped()
    await expectWhole(id, (await state()).capturedSeconds)
  })

  test('goes on with another microphone when the first is lost', async () => {
    await page.evaluate(async (patientId) => {
      const given = await navigator.mediaDevices.getUserMedia({ audio: true })
      const original = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices)
      const handed = [given]
      navigator.mediaDevices.getUserMedia = async (wanted) => handed.shift() ?? original(wanted)
      globalThis.take = clinic().recorder({ patientId, kind: 'session-audio', onState: seen })
      await take.start()
      await new Promise((resolve) => setTimeout(resolve, 1500))
      for (const track of given.getTracks()) track.stop() // as an unplugged one does
    }, patientId)
    await page.waitForFunction(() => take.state.phase === 'paused' && take.state.error?.code === 'MICROPHONE')
    const lost = await state()
    await page.evaluate(() => take.resume())
    await captured(lost.capturedSeconds + 1)
    expect(await state()).toMatchObject({ phase: 'recording', error: null })
    const { id } = await stopped()
    await expectWhole(id, (await state()).capturedSeconds)
  })

  test('whose upload token is refused goes on with the login', async () => {
    let refused = 0
    page.on('response', (response) => void (response.status() === 401 && refused++))
    await begin()
    await page.waitForFunction(() => take.state.durableSeconds > 1)
    await page.route('**/uploads/**', (route) => {
      const headers = route.request().headers()
      const name = 'bonfire-upload-token'
      return route.continue({ headers: name in headers ? { ...headers, [name]: 'of another time' } : headers })
    })
    const { uploadId, capturedSeconds } = await state()
    await page.waitForFunction((seconds) => take.state.durableSeconds > seconds, capturedSeconds + 2)
    const { id } = await stopped()
    const end = await state()
    expect(refused).toBeGreaterThan(0)
    expect(end).toMatchObject({ phase: 'done', uploadId, parts: [], error: null })
    await expectWhole(id, end.capturedSeconds)
  })

  test.runIf(process.env.BONFIRE_CHAOS)('whose upload expires behind its back: what is on the device becomes a file', async () => {
    const kind = `short-${Date.now()}`
    const declare = 'mutation ($input: SetKindInput!) { setKind(input: $input) { version } }'
    await query('admin', declare, { input: { code: kind, display: 'Short', category: 'media', resourceType: 'Media', contentTypes: ['audio/webm', 'video/webm'], maxSize: 1 << 20, uploadTtlSeconds: 60 } })
    await begin({ kind })
    await page.waitForFunction(() => take.state.durableSeconds > 1)
    const { uploadId } = await state()
    line.down = true
    line.cut()
    const dark = await state()
    const clinical = await clientOf('clinician')
    const expired = async () => (await clinical.uploads.resume({ uploadId: uploadId! }).catch((error: { code: string }) => error)) as { code: string }
    await expect.poll(async () => (await expired()).code, { timeout: 120_000, interval: 1000 }).toMatch(/EXPIRED/)
    line.down = false
    await page.waitForFunction((before) => take.state.uploadId !== before, uploadId)
    const { id } = await stopped()
    const end = await state()
    expect(end).toMatchObject({ phase: 'done', localSeconds: 0, parts: [], error: null })
    const { seconds } = await decoded(id)
    expect(seconds).toBeGreaterThanOrEqual(end.capturedSeconds - dark.durableSeconds - 0.1)
  }, 200_000)

  test('asks for what the microphone has given when the page is frozen, and when it goes', async () => {
    const asked: string[] = []
    await page.exposeFunction('asked', (during: string) => void asked.push(during))
    await page.evaluate(() => {
      const original = MediaRecorder.prototype.requestData
      MediaRecorder.prototype.requestData = function () {
        ;(globalThis as unknown as { asked(during: string): void }).asked(window.event?.type ?? '')
        original.call(this)
      }
    })
    await begin()
    await captured(1)
    // Chromium freezes no page that listens: this is what it would say.
    await page.evaluate(() => ['visibilitychange', 'freeze'].forEach((name) => document.dispatchEvent(new Event(name))))
    await expect.poll(() => asked).toEqual(['visibilitychange', 'freeze'])
    const before = await state()
    await page.reload()
    await expect.poll(() => asked).toContain('beforeunload')
    const [left] = await page.evaluate(() => clinic().recordings.pending())
    expect(left!.capturedSeconds).toBeGreaterThanOrEqual(before.capturedSeconds)
  })

  test('as the README shows it', async () => {
    const readme = await readFile(join(import.meta.dirname, '../README.md'), 'utf8')
    const [, shown] = /^## Recording\n.*?^```ts\n(.*?)^```$/ms.exec(readme)!
    await page.addScriptTag({ content: (await transform(shown!, { loader: 'ts' })).code })
    const media = await page.evaluate(async (patientId) => {
      Object.assign(globalThis, { clinical: clinic(), patientId, encounterId: undefined })
      return visit(new Promise((resolve) => setTimeout(resolve, 2_000)))
    }, patientId)
    expect(media).toMatchObject({ resourceType: 'Media', subject: { reference: `Patient/${patientId}` } })
    await begin()
    await captured(1)
    await page.reload()
    await page.addScriptTag({ content: (await transform(shown!, { loader: 'ts' })).code })
    await page.evaluate(() => {
      Object.assign(globalThis, { clinical: clinic() })
      return leftovers()
    })
    expect(await page.evaluate(() => clinic().recordings.pending())).toEqual([])
  })

  test('by Safari is the MP4 that it wrote, byte for byte', async () => {
    await withoutFiles()
    const fragments = await fragmentedMp4()
    await page.evaluate(asSafari, fragments.map((bytes) => bytes.toString('base64')))
    await begin()
    await captured(2)
    const { id } = await stopped()
    const given = await page.evaluate(() => (globalThis as unknown as { given: number }).given)
    const media = await (await clientOf('clinician')).files.get({ fileId: id })
    expect(media).toMatchObject({ resourceType: 'Media', contentType: 'audio/mp4' })
    await expectStored(await clientOf('clinician'), id, Buffer.concat(fragments.slice(0, given)))
    expect((await decoded(id)).seconds).toBeGreaterThan(1)
  })

  test('that the server refuses ends at once; one that is cancelled leaves nothing', async () => {
    const refused = await page.evaluate(async (patientId) => {
      globalThis.take = clinic().recorder({ patientId, kind: 'session-audio' })
      await take.start()
      await new Promise<void>((resolve) => take.subscribe(({ phase }) => phase === 'failed' && resolve()))
      return take.state.error!.code
    }, strangerId)
    expect(refused).toBe('NOT_FOUND')
    await page.evaluate(async () => {
      for (const { recordingId } of await clinic().recordings.pending()) await clinic().recordings.discard({ recordingId })
    })
    await begin()
    await page.waitForFunction(() => take.state.durableSeconds > 0)
    const { uploadId } = await state()
    await page.evaluate(() => take.cancel())
    expect(await state()).toMatchObject({ phase: 'idle' })
    expect(await kept()).toMatchObject({ files: 0 })
    const left = await (await clientOf('clinician')).uploads.pending({ patientId })
    expect(left.map(({ id }) => id)).not.toContain(uploadId)
  })
})
