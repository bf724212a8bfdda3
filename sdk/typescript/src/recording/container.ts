import { ClinicalError } from '../errors.js'
import { clusterOf, sameTracks, WebmReader } from './webm.js'

/** What is kept as one: bytes that follow the ones before, and how long the recording is after them. */
export interface Piece {
  bytes: Uint8Array
  /** Seconds of the whole recording, from its beginning. */
  until: number
}

/** Turns what one MediaRecorder writes into pieces of the stored file. */
export interface Container {
  /** What every file of this recording begins with; null while it is not known. */
  readonly init: Uint8Array | null
  /** `elapsed`: seconds that this MediaRecorder has run, for formats whose bytes are not read. */
  push(bytes: Uint8Array, elapsed: number): Piece | null
  /** Whether its pieces may follow others in one file. */
  follows(init: Uint8Array | null): boolean
}

export const isWebm = (mimeType: string): boolean => /^(audio|video)\/webm\b/i.test(mimeType)

/** WebM with Opus (Chrome, Firefox), which can be joined after a reload; MP4 with AAC (Safari). */
export function usual(): string {
  const known = ['audio/webm;codecs=opus', 'audio/webm', 'audio/mp4;codecs=mp4a.40.2', 'audio/mp4', 'audio/ogg;codecs=opus']
  const type = typeof MediaRecorder === 'function' ? known.find((each) => MediaRecorder.isTypeSupported(each)) : undefined
  if (!type) throw new ClinicalError('UNSUPPORTED', 'this browser cannot record sound')
  return type
}

/** `from`: seconds recorded before this MediaRecorder was begun. */
export function containerOf(mimeType: string, from: number): Container {
  return isWebm(mimeType) ? new Webm(from) : new Opaque(from)
}

class Webm implements Container {
  readonly #reader = new WebmReader()
  #end: number
  #first: number | null = null
  #waiting: ReturnType<WebmReader['push']> = []
  constructor(readonly from: number) {
    this.#end = from
  }

  get init(): Uint8Array | null {
    return this.#reader.init
  }

  push(bytes: Uint8Array): Piece | null {
    this.#waiting.push(...this.#reader.push(bytes))
    if (!this.init || !this.#waiting.length) return null
    const blocks = this.#waiting.splice(0)
    this.#first ??= blocks[0]!.at // a stream may begin late: what lies before is not sound
    const shift = this.from * 1000 - this.#first
    for (const { at, duration } of blocks) this.#end = Math.max(this.#end, (at + shift + duration) / 1000)
    return { bytes: clusterOf(blocks, shift, this.#reader.scale), until: this.#end }
  }

  follows(init: Uint8Array | null): boolean {
    return !!init && !!this.init && sameTracks(init, this.init)
  }
}

/** MP4 and whatever else there is: stored as it comes, and never joined. */
class Opaque implements Container {
  readonly init = new Uint8Array(0)
  constructor(readonly from: number) {}

  push(bytes: Uint8Array, elapsed: number): Piece | null {
    return bytes.length ? { bytes, until: this.from + elapsed } : null
  }

  follows(): boolean {
    return false
  }
}
