import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { beforeAll, describe, expect, test } from 'vitest'
import { ClinicalError, createClinical, type Clinical, type Progress, type Uploadable } from '../src/index.js'
import { bytes, clientOf, expectStored, newChart, strangerId, tokenOf, url } from './clinic.js'

const patientId = await newChart()
const MiB = 1 << 20
let clinical: Clinical
beforeAll(async () => {
  clinical = await clientOf('clinician')
})

/** A stream that gives `pieces`, with a pause before each but the first. */
async function* slowly(pieces: Uint8Array[], ms: number) {
  for (const [i, piece] of pieces.entries()) {
    if (i > 0) await new Promise((resolve) => setTimeout(resolve, ms))
    yield piece
  }
}

const text = (words: string) => new Blob([words], { type: 'text/plain' })

describe('what can be uploaded', () => {
  const data = bytes(300_001)
  const inputs: Record<string, () => Uploadable> = {
    File: () => new File([data], 'form.bin'),
    Blob: () => new Blob([data]),
    Uint8Array: () => data,
    'part of an array': () => new Uint8Array([9, ...data, 9]).subarray(1, data.length + 1),
    ReadableStream: () => new Blob([data]).stream(),
    'Node stream': () => Readable.from([Buffer.from(data.subarray(0, 7)), Buffer.from(data.subarray(7))]),
    'async generator': () => slowly([data.subarray(0, 100), data.subarray(100)], 1),
  }
  test.each(Object.keys(inputs))('%s: the same bytes come back', async (name) => {
    const binary = await clinical.files.upload({ patientId, kind: 'raw', category: 'raw', file: inputs[name]!() })
    expect(binary.resourceType).toBe('Binary')
    await expectStored(clinical, binary.id, data)
  })

  test('a file on disk, as a stream', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'bonfire-client-'))
    try {
      await writeFile(join(directory, 'form'), data)
      const binary = await clinical.files.upload({ patientId, kind: 'raw', file: createReadStream(join(directory, 'form')), size: data.length })
      await expectStored(clinical, binary.id, data)
    } finally {
      await rm(directory, { recursive: true })
    }
  })

  // tus-js-client's own stream sources never end in the middle case.
  test.each([-1, 0, 1])('a stream that ends %i bytes after a chunk', async (more) => {
    const whole = bytes(16 * MiB + more, 3)
    const binary = await clinical.files.upload({ patientId, kind: 'raw', file: new Blob([whole]).stream() })
    const file = await clinical.files.get({ fileId: binary.id })
    expect(file).toMatchObject({ size: whole.length, sha256: createHash('sha256').update(whole).digest('hex') })
  })

  test('nothing, as raw', async () => {
    const binary = await clinical.files.upload({ patientId, kind: 'raw', file: new Blob([]).stream() })
    expect(await clinical.files.get({ fileId: binary.id })).toMatchObject({ size: 0 })
  })

  test('not a string', async () => {
    const file = 'words' as unknown as Blob
    await expect(clinical.files.upload({ patientId, kind: 'raw', file })).rejects.toMatchObject({ code: 'BAD_USER_INPUT', field: 'file' })
  })
})

describe('the record', () => {
  test('is the resource of the kind, and tells what was said', async () => {
    const form = await clinical.files.upload({ patientId, kind: 'intake-form', category: 'administrative', file: text('No allergies.'), title: 'Intake' })
    expect(form.resourceType).toBe('DocumentReference')
    expect(form.subject?.reference).toBe(`Patient/${patientId}`)
    expect(await clinical.files.get({ fileId: form.id })).toMatchObject({
      ...{ kind: 'intake-form', category: 'administrative', title: 'Intake', contentType: 'text/plain', status: 'CURRENT', fhir: form },
      sha256: createHash('sha256').update('No allergies.').digest('hex'),
    })
  })

  test('is called as the File is', async () => {
    const form = await clinical.files.upload({ patientId, kind: 'consent', file: new File(['Yes.'], 'consent.txt', { type: 'text/plain' }) })
    expect((await clinical.files.get({ fileId: form.id })).title).toBe('consent.txt')
  })
})

describe('progress', () => {
  test('of a known length ends with all of it', async () => {
    const seen: Progress[] = []
    await clinical.files.upload({ patientId, kind: 'raw', file: bytes(9 * MiB), onProgress: (p) => seen.push(p) })
    expect(seen[0]).toEqual({ sent: 0, total: 9 * MiB })
    expect(seen.at(-1)).toEqual({ sent: 9 * MiB, total: 9 * MiB })
    expect(seen.length).toBeGreaterThan(3)
  })

  test('of a stream has no total before its end', async () => {
    const seen: Progress[] = []
    const file = slowly([bytes(2000), bytes(3000)], 1500)
    await clinical.files.upload({ patientId, kind: 'raw', file, onProgress: (p) => seen.push(p) })
    expect(seen).toContainEqual({ sent: 2000, total: null }) // sent while the stream was still silent
    expect(seen.at(-1)).toEqual({ sent: 5000, total: 5000 })
  })
})

describe('an abort', () => {
  test('before the start sends nothing', async () => {
    const before = (await clinical.uploads.pending({ patientId })).length
    const upload = clinical.files.upload({ patientId, kind: 'raw', file: bytes(10), signal: AbortSignal.abort() })
    await expect(upload).rejects.toSatisfy((error) => error instanceof DOMException && error.name === 'AbortError')
    expect(await clinical.uploads.pending({ patientId })).toHaveLength(before)
  })

  test('rejects with AbortError, ends the stream, and leaves what can be gone on with', async () => {
    const file = bytes(9 * MiB)
    const controller = new AbortController()
    let uploadId = ''
    let ended = false
    const stream = new ReadableStream<Uint8Array>({
      start: (out) => out.enqueue(file.subarray(0, 3 * MiB)),
      cancel: () => void (ended = true),
    })
    const upload = clinical.files.upload({
      ...{ patientId, kind: 'raw', file: stream, size: file.length, signal: controller.signal },
      onCreated: (made) => (uploadId = made.uploadId),
      onProgress: ({ sent }) => sent >= 3 * MiB && controller.abort(),
    })
    await expect(upload).rejects.toSatisfy((error) => error instanceof DOMException && error.name === 'AbortError')
    expect(ended).toBe(true)

    const other = await clientOf('clinician') // another device
    const left = (await other.uploads.pending({ patientId })).find(({ id }) => id === uploadId)
    expect(left).toMatchObject({ kind: 'raw', totalBytes: file.length })
    await expect(other.uploads.resume({ uploadId, file: bytes(5) })).rejects.toMatchObject({ code: 'BAD_USER_INPUT', field: 'file' })
    await expect(other.uploads.resume({ uploadId })).rejects.toMatchObject({ code: 'BAD_USER_INPUT', field: 'file' })
    const seen: Progress[] = []
    const binary = await other.uploads.resume({ uploadId, file: new Blob([file]).stream(), onProgress: (p) => seen.push(p) })
    expect(seen[0]!.sent).toBeGreaterThanOrEqual(3 * MiB - 1)
    await expectStored(other, binary.id, file)
    expect(await other.uploads.resume({ uploadId })).toEqual(binary)
  })

  test('a cancelled upload cannot be gone on with', async () => {
    const controller = new AbortController()
    let uploadId = ''
    const upload = clinical.files.upload({
      ...{ patientId, kind: 'raw', file: slowly([bytes(10), bytes(10)], 60_000), signal: controller.signal },
      onCreated: (made) => {
        uploadId = made.uploadId
        controller.abort()
      },
    })
    await expect(upload).rejects.toThrow(DOMException)
    expect(await clinical.uploads.cancel({ uploadId })).toMatchObject({ id: uploadId, state: 'CANCELLED' })
    expect((await clinical.uploads.pending({ patientId })).map(({ id }) => id)).not.toContain(uploadId)
    await expect(clinical.uploads.resume({ uploadId, file: bytes(20) })).rejects.toMatchObject({ code: 'CANCELLED', uploadId })
  })

  test('an upload cancelled elsewhere says so', async () => {
    let uploadId = ''
    let cancelled: Promise<unknown> | undefined
    const upload = clinical.files.upload({
      ...{ patientId, kind: 'raw', file: slowly([bytes(10), bytes(10)], 2500) },
      onCreated: (made) => (uploadId = made.uploadId),
      onProgress: ({ sent }) => sent === 10 && (cancelled ??= clinical.uploads.cancel({ uploadId })),
    })
    await expect(upload).rejects.toMatchObject({ code: 'CANCELLED' })
    await cancelled
  })
})

describe('a login that expires in the middle', () => {
  const file = () => slowly([bytes(1000), bytes(1000)], 2500)
  const twice = Buffer.concat([bytes(1000), bytes(1000)])

  test('does not stop the bytes: a token function is asked again', async () => {
    const asked: boolean[] = []
    let token = await tokenOf('clinician', '--ttl', '2s')
    const patient = createClinical({
      url: url(),
      token: async ({ refresh }) => {
        asked.push(refresh)
        if (refresh) token = await tokenOf('clinician')
        return token
      },
    })
    const binary = await patient.files.upload({ patientId, kind: 'raw', file: file() })
    await expectStored(clinical, binary.id, twice)
    expect(asked).toEqual([false, false, true])
  })

  test('with a fixed token: UNAUTHENTICATED, and the file is there after the next login', async () => {
    const short = createClinical({ url: url(), token: await tokenOf('clinician', '--ttl', '2s') })
    const error: ClinicalError = await short.files.upload({ patientId, kind: 'raw', file: file() }).then(() => expect.fail(), (e) => e)
    expect(error).toBeInstanceOf(ClinicalError)
    expect(error).toMatchObject({ code: 'UNAUTHENTICATED' })
    const binary = await clinical.uploads.resume({ uploadId: error.uploadId! })
    await expectStored(clinical, binary.id, twice)
  })
})

describe('a refusal', () => {
  test('of a patient who is not the caller’s to know of', async () => {
    const upload = clinical.files.upload({ patientId: strangerId, kind: 'intake-form', file: text('x') })
    await expect(upload).rejects.toMatchObject({ name: 'ClinicalError', code: 'NOT_FOUND', requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) })
  })

  test('of a kind that is not in the registry', async () => {
    await expect(clinical.files.upload({ patientId, kind: 'horoscope', file: text('x') })).rejects.toMatchObject({ code: 'BAD_USER_INPUT', field: 'kind' })
  })

  test('of a content type, before a byte is sent', async () => {
    const onCreated = () => expect.fail('an upload was made')
    await expect(clinical.files.upload({ patientId, kind: 'wound-photo', file: text('x'), onCreated })).rejects.toMatchObject({
      ...{ code: 'CONTENT_REJECTED', field: 'contentType' },
      problem: { allowed: expect.arrayContaining(['image/jpeg']) },
    })
  })

  test('of bytes that are not what they are called', async () => {
    const file = new Blob(['this is text, '.repeat(100)], { type: 'image/png' })
    await expect(clinical.files.upload({ patientId, kind: 'wound-photo', file })).rejects.toMatchObject({
      ...{ code: 'CONTENT_TYPE_MISMATCH', uploadId: expect.any(String), requestId: expect.any(String) },
    })
  })

  test('of bytes whose digest is another', async () => {
    await expect(clinical.files.upload({ patientId, kind: 'raw', file: bytes(1000), sha256: '0'.repeat(64) })).rejects.toMatchObject({ code: 'CHECKSUM_MISMATCH' })
  })

  test('of a stream that fails is the stream’s own', async () => {
    const fault = new Error('no more paper')
    const file = new ReadableStream<Uint8Array>({ pull: (out) => out.error(fault) })
    await expect(clinical.files.upload({ patientId, kind: 'raw', file })).rejects.toMatchObject({ code: 'SOURCE', cause: fault, uploadId: expect.any(String) })
  })

  test('of a stream that is not of the announced length', async () => {
    const file = slowly([bytes(10)], 0)
    await expect(clinical.files.upload({ patientId, kind: 'raw', file, size: 11 })).rejects.toMatchObject({ code: 'SOURCE' })
    await expect(clinical.files.upload({ patientId, kind: 'raw', file: slowly([bytes(10)], 0), size: 9 })).rejects.toMatchObject({ code: 'SOURCE' })
  })
})
