// The client in a real browser: XMLHttpRequest, the browser's Blobs and streams.
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type * as client from '../src/index.js'
import { clientScript, launch, visit } from './chromium.js'
import { bytes, clientOf, expectStored, newChart, tokenOf, url } from './clinic.js'
import { Line } from './line.js'

const patientId = await newChart()
const MiB = 1 << 20
let browser: Browser
let script: string
beforeAll(async () => {
  browser = await launch()
  script = await clientScript()
}, 60_000)
afterAll(() => browser?.close())

type Task = { target: string; token: string; patientId: string; seed: number; length: number; stream: boolean }

/** Runs in the page. The bytes are those of `bytes(length, seed)`. */
async function uploadThere({ target, token, patientId, seed, length, stream }: Task) {
  const words = new Uint32Array(length / 4)
  for (let i = 0, x = seed; i < words.length; i++) {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    words[i] = x
  }
  const overLine: typeof fetch = async (input, init) => {
    const response = await fetch(input, init)
    return new Response((await response.text()).replaceAll(target, location.origin), { status: response.status })
  }
  const clinical = bonfire.createClinical({ url: location.origin, token, fetch: overLine })
  const blob = new Blob([words])
  let last: client.Progress | undefined
  const options = { patientId, kind: 'raw' as const, category: 'raw', onProgress: (progress: client.Progress) => void (last = progress) }
  const binary = await clinical.files.upload({ ...options, file: stream ? blob.stream() : blob })
  return { id: binary.id, last, kept: localStorage.length }
}

describe('in Chromium', () => {
  test.each<readonly [string, boolean]>([
    ['a Blob', false],
    ...(process.env.BONFIRE_CHAOS ? ([['a stream of unknown length', true]] as const) : []),
  ])('a line that is cut twenty times under 50 MiB from %s: all arrives, at most 15 percent is sent twice', async (_name, stream) => {
    const line = await Line.to(url())
    try {
      const page = await browser.newPage()
      await visit(page, line.url, script)
      const [length, seed, before] = [50 * MiB, 77, line.sent]
      line.cutAt(...Array.from({ length: 20 }, (_, i) => before + Math.floor(((i + Math.random()) / 20) * length)))
      const done = await page.evaluate(uploadThere, { target: new URL(url()).origin, token: await tokenOf('clinician'), patientId, seed, length, stream })
      const overhead = (line.sent - before) / length - 1
      console.log(`sent ${(100 * overhead).toFixed(1)} % more than the file`)
      expect(line.cuts).toBe(20)
      expect(overhead).toBeLessThan(0.15)
      expect(done).toMatchObject({ last: { sent: length, total: length }, kept: 0 })
      await expectStored(await clientOf('clinician'), done.id, bytes(length, seed))
      await page.close()
    } finally {
      await line.close()
    }
  }, 240_000)
})
