import { afterEach, describe, expect, test } from 'vitest'
import { ClinicalError, createClinical, type ClinicalOptions } from '../src/index.js'
import { bytes, expectStored, newChart, tokenOf, url } from './clinic.js'
import { Line } from './line.js'

const patientId = await newChart()
const lines: Line[] = []
afterEach(async () => {
  for (const line of lines.splice(0)) await line.close()
})

async function over(options: Partial<ClinicalOptions> = {}) {
  const line = await Line.to(url())
  lines.push(line)
  const clinical = createClinical({ url: line.url, token: await tokenOf('clinician'), fetch: line.fetch, ...options })
  return { line, clinical }
}

const MiB = 1 << 20

/** Twenty places spread over the file, each somewhere in its own twentieth. */
const twenty = (size: number) => Array.from({ length: 20 }, (_, i) => Math.floor(((i + Math.random()) / 20) * size))

describe('a line that is cut', () => {
  const inputs = {
    'a stream of unknown length': (data: Uint8Array<ArrayBuffer>) => new Blob([data]).stream(),
    ...(process.env.BONFIRE_CHAOS && { 'a Blob': (data: Uint8Array<ArrayBuffer>) => new Blob([data]) }),
  }
  test.each(Object.entries(inputs))('twenty times under 50 MiB from %s: all arrives, at most 15 percent is sent twice', async (_name, input) => {
    const { line, clinical } = await over()
    const data = bytes(50 * MiB, Date.now() | 1)
    line.cutAt(...twenty(data.length))
    const seen: number[] = []
    const binary = await clinical.files.upload({ patientId, kind: 'raw', category: 'raw', file: input(data), onProgress: ({ sent }) => seen.push(sent) })
    expect(line.cuts).toBe(20)
    const overhead = line.sent / data.length - 1
    console.log(`sent ${(100 * overhead).toFixed(1)} % more than the file`)
    expect(overhead).toBeLessThan(0.15)
    expect(seen).toEqual(seen.toSorted((a, b) => a - b))
    await expectStored(clinical, binary.id, data)
  })

  test('under a small file: it is whole all the same', async () => {
    const { line, clinical } = await over()
    line.cutAt(20_000)
    const audio = await clinical.files.upload({ patientId, kind: 'raw', file: bytes(100_000) })
    expect(line.cuts).toBe(1)
    await expectStored(clinical, audio.id, bytes(100_000))
  })

  test('when the last answer is lost: the record comes, once', async () => {
    const { line, clinical } = await over()
    line.loseAnswerAfter(300_000)
    const kind = 'raw'
    const before = (await clinical.files.list({ patientId, filter: { kinds: [kind] }, withTotal: true })).totalCount!
    const binary = await clinical.files.upload({ patientId, kind, file: bytes(300_000, 5) })
    expect(line.cuts).toBe(1)
    await expectStored(clinical, binary.id, bytes(300_000, 5))
    expect((await clinical.files.list({ patientId, filter: { kinds: [kind] }, withTotal: true })).totalCount).toBe(before + 1)
  })

  test('when the answer of createUpload is lost: one upload is made', async () => {
    const { line, clinical } = await over()
    const before = (await clinical.uploads.pending({ patientId })).length
    let first = true
    const fetch: typeof globalThis.fetch = async (input, init) => {
      const response = await line.fetch(input, init)
      if (!first) return response
      first = false
      throw new TypeError('fetch failed')
    }
    const again = createClinical({ url: line.url, token: await tokenOf('clinician'), fetch })
    await again.files.upload({ patientId, kind: 'raw', file: bytes(1000) })
    expect(first).toBe(false)
    expect(await clinical.uploads.pending({ patientId })).toHaveLength(before)
  })

  test('when finishUpload never answers: the upload itself is asked', async () => {
    const asked: string[] = []
    const fetch: typeof globalThis.fetch = async (input, init) => {
      const name = /(?:query|mutation) (\w+)/.exec(String(init?.body))![1]!
      asked.push(name)
      if (name === 'FinishUpload') throw new TypeError('fetch failed')
      return globalThis.fetch(input, init)
    }
    const clinical = createClinical({ url: url(), token: await tokenOf('clinician'), fetch, uploadDelays: [10, 10] })
    const binary = await clinical.files.upload({ patientId, kind: 'raw', file: bytes(1000) })
    expect(binary.resourceType).toBe('Binary')
    expect(asked).toEqual(['CreateUpload', 'FinishUpload', 'FinishUpload', 'FinishUpload', 'UploadById'])
  })

  test('for good: NETWORK, with the id to go on with', async () => {
    const { line, clinical } = await over({ uploadDelays: [10, 10] })
    const file = bytes(9 * MiB)
    let uploadId = ''
    line.cutAt(4 * MiB)
    const failed = clinical.files.upload({
      patientId,
      kind: 'raw',
      file,
      onCreated: (upload) => (uploadId = upload.uploadId),
      onProgress: ({ sent }) => (line.down ||= sent > MiB),
    })
    const error: ClinicalError = await failed.then(() => expect.fail(), (e) => e)
    expect(error).toBeInstanceOf(ClinicalError)
    expect(error).toMatchObject({ code: 'NETWORK', uploadId })
    line.down = false
    const binary = await clinical.uploads.resume({ uploadId, file })
    await expectStored(clinical, binary.id, file)
  })
})
