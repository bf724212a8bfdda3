// Recordings made by ffmpeg, taken apart and joined, and decoded again by ffmpeg.
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { containerOf, isWebm } from '../src/recording/container.js'
import { concat } from '../src/recording/ebml.js'
import { clusterOf, opusDuration, sameTracks, WebmReader } from '../src/recording/webm.js'

const run = promisify(execFile)
let directory: string
beforeAll(async () => void (directory = await mkdtemp(join(tmpdir(), 'bonfire-webm-'))))
afterAll(() => rm(directory, { recursive: true, force: true }))

/** A live WebM stream, as a MediaRecorder's is: no sizes, no index. */
async function recorded(name: string, seconds: number, ...options: string[]): Promise<Uint8Array> {
  const file = join(directory, `${name}.webm`)
  const tone = ['-f', 'lavfi', '-i', `sine=frequency=440:duration=${seconds}`]
  await run('ffmpeg', ['-v', 'error', '-y', ...tone, '-c:a', 'libopus', ...options, '-live', '1', '-f', 'webm', file])
  return new Uint8Array(await readFile(file))
}

/** Packet times as ffprobe reads them, in seconds; it must find nothing wrong. */
async function times(bytes: Uint8Array): Promise<{ at: number[]; end: number }> {
  const file = join(directory, `${randomUUID()}.webm`)
  await writeFile(file, bytes)
  const decoded = await run('ffmpeg', ['-v', 'warning', '-xerror', '-i', file, '-f', 'null', '-'])
  expect(decoded.stderr).toBe('')
  const { stdout, stderr } = await run('ffprobe', ['-v', 'warning', '-show_entries', 'packet=pts_time,duration_time', '-of', 'json', file])
  expect(stderr).toBe('')
  const { packets } = JSON.parse(stdout) as { packets: { pts_time: string; duration_time: string }[] }
  const at = packets.map((packet) => Number(packet.pts_time))
  return { at, end: at.at(-1)! + Number(packets.at(-1)!.duration_time) }
}

function pieces(bytes: Uint8Array, from: number, size: number) {
  const container = containerOf('audio/webm;codecs=opus', from)
  const found = []
  for (let at = 0; at < bytes.length; at += size) {
    const piece = container.push(bytes.subarray(at, at + size), 0)
    if (piece) found.push(piece)
  }
  return { container, found, until: found.at(-1)?.until ?? from }
}

describe('a WebM stream', () => {
  test.each([1, 7, 1000, 1 << 20])('read in pieces of %i bytes keeps each packet and its time', async (size) => {
    const bytes = await recorded('one', 3)
    const { container, found, until } = pieces(bytes, 0, size)
    const [before, after] = [await times(bytes), await times(concat([container.init!, ...found.map((piece) => piece.bytes)]))]
    expect(after.at.length).toBe(before.at.length)
    after.at.forEach((at, i) => expect(Math.abs(at - before.at[i]!)).toBeLessThan(0.015)) // its first block is at 0
    expect(Math.abs(until - before.end)).toBeLessThan(0.05)
  })

  test('goes on with the blocks of a second and a third, without a gap and never back', async () => {
    const streams = await Promise.all([recorded('a', 2.5), recorded('b', 1.25, '-frame_duration', '60'), recorded('c', 40)])
    const first = pieces(streams[0]!, 0, 4096)
    const second = pieces(streams[1]!, first.until, 4096)
    const third = pieces(streams[2]!, second.until, 1 << 20) // in one piece: more than a Cluster's 32 seconds
    expect(second.container.follows(first.container.init)).toBe(true)
    const { at, end } = await times(concat([first.container.init!, ...[first, second, third].flatMap(({ found }) => found.map((piece) => piece.bytes))]))
    const packets = (await Promise.all(streams.map(times))).reduce((sum, one) => sum + one.at.length, 0)
    expect(at.length).toBe(packets)
    for (let i = 1; i < at.length; i++) {
      expect(at[i]! - at[i - 1]!).toBeGreaterThan(0)
      expect(at[i]! - at[i - 1]!).toBeLessThan(0.085)
    }
    expect(Math.abs(end - third.until)).toBeLessThan(0.05)
    expect(Math.abs(end - 43.75)).toBeLessThan(0.2)
  })

  test('is a file from its header and any later piece on', async () => {
    const { container, found } = pieces(await recorded('tail', 4), 0, 2000)
    const tail = await times(concat([container.init!, ...found.slice(5).map((piece) => piece.bytes)]))
    expect(Math.abs(tail.at[0]! - found[4]!.until)).toBeLessThan(0.05)
  })

  test('follows only one of the same codec', async () => {
    const opus = pieces(await recorded('opus', 1), 0, 1 << 20)
    const vorbis = pieces(await recorded('vorbis', 1, '-c:a', 'libvorbis'), 0, 1 << 20)
    expect(sameTracks(opus.container.init!, vorbis.container.init!)).toBe(false)
    expect(vorbis.container.follows(opus.container.init)).toBe(false)
    expect(opus.container.follows(null)).toBe(false)
  })

  test('that is none is refused', () => {
    expect(() => new WebmReader().push(Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9))).toThrowError(/cannot be read/)
    expect(() => new WebmReader().push(Uint8Array.of(0xa3, 0x01, 0x7f, 0, 0, 0, 0, 0, 0, 0))).toThrowError(/too long/)
    expect(() => new WebmReader().push(Uint8Array.of(0xa3, 0x82, 0x81, 0))).toThrowError(/without a header/)
  })

  test('of any bytes at all is read or refused, and nothing else happens', async () => {
    const bytes = await recorded('bent', 1)
    let seed = 7
    const random = (below: number) => (seed = (seed * 48271) % 0x7fffffff) % below
    for (let i = 0; i < 300; i++) {
      const bent = bytes.slice()
      for (let j = 0; j < 5; j++) bent[random(bent.length)] = random(256)
      const reader = new WebmReader()
      try {
        clusterOf(reader.push(bent), 1000, reader.scale)
      } catch (error) {
        expect(error).toMatchObject({ name: 'ClinicalError', code: 'SOURCE' })
      }
    }
  })
})

test('an Opus packet says how long it is', () => {
  expect(opusDuration(Uint8Array.of(0xfb, 3))).toBe(60) // Chromium: three frames of 20 ms
  expect(opusDuration(Uint8Array.of(0xf8))).toBe(20)
  expect(opusDuration(Uint8Array.of(0x80))).toBe(2.5)
  expect(opusDuration(Uint8Array.of(0xf9))).toBe(40)
  expect(opusDuration(new Uint8Array(0))).toBeNull()
})

test('a format is known by its name', () => {
  expect(isWebm('audio/webm;codecs=opus')).toBe(true)
  expect(isWebm('audio/mp4')).toBe(false)
})
