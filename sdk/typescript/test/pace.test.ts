import { describe, expect, test } from 'vitest'
import { Pace } from '../src/pace.js'

const MiB = 1 << 20

describe('the size of requests', () => {
  test('is all of a file that fits', () => {
    expect(new Pace(8 * MiB, 8 * MiB).chunk).toBe(8 * MiB)
  })

  test.each([null, 8 * MiB + 1])('grows to the server’s own while the line holds (of %s bytes)', (size) => {
    const pace = new Pace(8 * MiB, size)
    const seen = [0, 0.25, 0.5, 1, 2, 4, 8, 16].map((at) => {
      pace.reached(at * MiB)
      return pace.chunk / MiB
    })
    expect(seen).toEqual([0.25, 0.25, 0.5, 1, 2, 4, 8, 8])
  })

  test('falls to one part in 32 of what gets through, and comes back with a line that holds', () => {
    const pace = new Pace(8 * MiB, null)
    pace.reached(16 * MiB)
    pace.broke()
    expect(pace.chunk).toBe(MiB / 2)
    pace.reached(16 * MiB + 127 * MiB)
    expect(pace.chunk).toBe(MiB / 2)
    pace.reached(16 * MiB + 128 * MiB)
    expect(pace.chunk).toBe(8 * MiB)
  })

  test('has a floor, and breaks without progress count once', () => {
    const pace = new Pace(8 * MiB, null)
    pace.reached(32 * MiB)
    for (let i = 0; i < 50; i++) pace.broke()
    expect(pace.chunk).toBe(MiB)
    pace.reached(32 * MiB + 1)
    for (let i = 1; i < 50; i++) pace.broke(), pace.reached(32 * MiB + 1 + i)
    expect(pace.chunk).toBe(64 << 10)
  })

  test('never passes the server’s', () => {
    const pace = new Pace(32 << 10, null)
    pace.broke()
    expect(pace.chunk).toBe(32 << 10)
  })
})
