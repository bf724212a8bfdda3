import { ClinicalError } from './errors.js'

/** What can be uploaded. Node's streams are `AsyncIterable`s of bytes; so are file handles' and fetch's. */
export type Uploadable = Blob | Uint8Array | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>

/** Bytes as tus-js-client's request takes them, in browsers and in Node: it looks at `size`. */
export type Slice = { value: (Uint8Array & { size: number }) | null; done: boolean }

/**
 * Bytes that can be read again from the last acknowledged one. This takes the
 * place of tus-js-client's own sources, which never end a stream of unknown
 * length whose last byte is also the last of a chunk.
 */
export interface Source {
  /** Null: not known before the end. */
  readonly size: number | null
  /** Bytes of [start, end), fewer only at the end or when a live stream pauses. `done`: nothing follows them. */
  slice(start: number, end: number): Promise<Slice>
  close(): void
}

/** How long a slow stream may keep bytes waiting for more before they are sent, milliseconds. */
const linger = 1_000

export function sourceOf(file: Uploadable, size?: number): Source {
  if (file instanceof Blob) return new BlobSource(file)
  if (file instanceof Uint8Array) return new BytesSource(file)
  if (file instanceof ReadableStream) return new StreamSource(file.getReader(), size ?? null)
  if (typeof file === 'object' && file !== null && Symbol.asyncIterator in file) return new StreamSource(readerOf(file), size ?? null)
  throw new ClinicalError('BAD_USER_INPUT', 'not a File, Blob, Uint8Array or stream', { field: 'file' })
}

const unreadable = (cause: unknown) => new ClinicalError('SOURCE', 'the file or stream could not be read', { cause })

const sized = (bytes: Uint8Array): Uint8Array & { size: number } => Object.assign(bytes.subarray(), { size: bytes.length })

const sliceOf = (bytes: Uint8Array, done: boolean): Slice => ({ value: bytes.length ? sized(bytes) : null, done })

class BlobSource implements Source {
  readonly size: number
  constructor(readonly blob: Blob) {
    this.size = blob.size
  }

  /** Reads here rather than in the request, where a file changed on disk looks like a lost network. */
  async slice(start: number, end: number): Promise<Slice> {
    try {
      return sliceOf(new Uint8Array(await this.blob.slice(start, end).arrayBuffer()), end >= this.size)
    } catch (cause) {
      throw unreadable(cause)
    }
  }

  close(): void {}
}

class BytesSource implements Source {
  readonly size: number
  constructor(readonly bytes: Uint8Array) {
    this.size = bytes.length
  }

  async slice(start: number, end: number): Promise<Slice> {
    return sliceOf(this.bytes.subarray(start, end), end >= this.size)
  }

  close(): void {}
}

type Reader = { read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>; cancel(): Promise<unknown> }

function readerOf(iterable: AsyncIterable<Uint8Array>): Reader {
  const it = iterable[Symbol.asyncIterator]()
  return {
    read: async () => {
      const { done, value } = await it.next()
      return done ? { done: true } : { done: false, value }
    },
    cancel: async () => it.return?.(),
  }
}

/**
 * Holds what is not acknowledged yet, at most a chunk and one read more. It
 * reads past a chunk's end before giving the chunk out, to know whether it is
 * the last one.
 */
class StreamSource implements Source {
  #held: Uint8Array[] = []
  #base = 0 // offset of the first byte held
  #end = 0 // offset after the last one
  #done = false
  #reading: Promise<void> | null = null
  #failed: ClinicalError | null = null

  constructor(
    readonly reader: Reader,
    readonly size: number | null,
  ) {}

  async slice(start: number, end: number): Promise<Slice> {
    if (start < this.#base) throw unreadable(new Error('the server asks for bytes that it had acknowledged'))
    await this.#fill(start, end)
    if (this.size !== null && (this.#done ? this.#end !== this.size : this.#end > this.size)) {
      throw unreadable(new RangeError('the stream is not of the announced length'))
    }
    this.#drop(start)
    const stop = Math.min(end, this.#end)
    const done = this.#done && stop === this.#end
    return sliceOf(this.#copy(start, stop), done)
  }

  close(): void {
    this.#held = []
    if (!this.#done) void this.reader.cancel().catch(() => {})
  }

  /** Reads until there is a byte past `end`, or until bytes have waited long enough. */
  async #fill(start: number, end: number): Promise<void> {
    const waited = new Timer(linger)
    try {
      while (!this.#done && this.#end <= end) {
        const some = this.#end > start
        const late = await (some ? Promise.race([this.#read(), waited.over]) : this.#read())
        if (late) return
        if (this.#end <= start) this.#drop(this.#end) // what a resumed upload has already sent
      }
    } finally {
      waited.stop()
    }
  }

  #read(): Promise<void> {
    this.#reading ??= this.#readOnce().finally(() => (this.#reading = null))
    return this.#reading
  }

  async #readOnce(): Promise<void> {
    if (this.#failed) throw this.#failed
    let read
    try {
      read = await this.reader.read()
    } catch (cause) {
      throw (this.#failed = unreadable(cause))
    }
    if (read.done) {
      this.#done = true
      return
    }
    if (!(read.value instanceof Uint8Array)) throw (this.#failed = unreadable(new TypeError('the stream gave something else than bytes')))
    if (read.value.length === 0) return
    this.#held.push(read.value)
    this.#end += read.value.length
  }

  /** Forgets what lies before `offset`. */
  #drop(offset: number): void {
    while (this.#held[0] && this.#base + this.#held[0].length <= offset) this.#base += this.#held.shift()!.length
  }

  #copy(start: number, stop: number): Uint8Array {
    const bytes = new Uint8Array(Math.max(0, stop - start))
    let at = this.#base
    for (const piece of this.#held) {
      const from = Math.max(start - at, 0)
      const to = Math.min(stop - at, piece.length)
      if (from < to) bytes.set(piece.subarray(from, to), at + from - start)
      at += piece.length
    }
    return bytes
  }
}

/** Says true some time after it was first looked at. */
class Timer {
  #id: ReturnType<typeof setTimeout> | undefined
  #over: Promise<true> | undefined
  constructor(readonly ms: number) {}

  get over(): Promise<true> {
    return (this.#over ??= new Promise((resolve) => (this.#id = setTimeout(resolve, this.ms, true))))
  }

  stop(): void {
    clearTimeout(this.#id)
  }
}
