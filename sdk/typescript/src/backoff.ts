import { abortReason } from './errors.js'

/** Waits before each further try of a short call, milliseconds. */
export const callDelays: readonly number[] = [200, 1_000, 3_000]

/**
 * Waits before each further try of an upload, milliseconds: about ten minutes
 * without any progress, then it gives up. Progress starts the list anew.
 */
export const uploadDelays: readonly number[] = [200, 500, 1_000, 2_000, 4_000, 8_000, ...Array<number>(40).fill(15_000)]

/** Spreads the waits by a fifth, so that a clinic's devices do not come back all at once. */
export const jittered = (delays: readonly number[]): number[] => delays.map((ms) => Math.round(ms * (0.8 + 0.4 * Math.random())))

/** Resolves after `ms`, or rejects as soon as the signal aborts. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(abortReason(signal))
    const stop = () => {
      clearTimeout(timer)
      reject(abortReason(signal!))
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, ms)
    signal?.addEventListener('abort', stop, { once: true })
  })
}
