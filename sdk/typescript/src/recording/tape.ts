import type { Api } from '../api.js'
import { ClinicalError } from '../errors.js'
import type { Slice, Source } from '../source.js'
import { isWebm, type Piece } from './container.js'
import { Journal, type PieceRow } from './journal.js'
import { fromBase64, manifestOf, sealedManifest, toBase64, type Manifest } from './manifest.js'
import { hold } from './owner.js'
import { shelfOf, type Shelf } from './shelf.js'
import { loginOf, Vault } from './vault.js'
import { concat } from './ebml.js'

/** How long sound may wait for more before it is sent, milliseconds, and how much is worth sending at once. */
const linger = 1_000
const worthwhile = 16 << 10

/**
 * The recording as this device has it: its pieces, each kept before it is sent,
 * and forgotten when the server has acknowledged it. One tab owns it at a time.
 */
export class Tape implements Source {
  readonly size = null
  /** Set while sound cannot be kept on the device; it is then in memory alone. */
  full: ClinicalError | null = null
  #rows: PieceRow[] = []
  #held = new Map<number, Uint8Array>()
  #init: Uint8Array<ArrayBuffer> | null = null
  #acknowledged = 0
  #seq = 0
  #until = 0
  #end = 0
  #wake = new Set<() => void>()
  #closed = false
  #saved = true
  #last: Promise<void> = Promise.resolve()

  private constructor(
    readonly id: string,
    readonly manifest: Manifest,
    readonly journal: Journal,
    readonly shelf: Shelf,
    readonly vault: Vault,
    readonly release: () => void,
    readonly changed: () => void,
  ) {}

  static async create(api: Api, manifest: Manifest, changed: () => void): Promise<Tape> {
    const id = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
    const journal = await Journal.open()
    const vault = await Vault.of(journal, await loginOf(api))
    const tape = new Tape(id, manifest, journal, await shelfOf(journal), vault, await hold(id), changed)
    await tape.save()
    return tape
  }

  static async open(api: Api, id: string, changed: () => void): Promise<Tape> {
    const journal = await Journal.open()
    const login = await loginOf(api)
    const release = await hold(id)
    try {
      const row = await journal.recording(id)
      if (!row || row.login !== login) throw new ClinicalError('NOT_FOUND', 'there is no such recording of this login on this device')
      const vault = await Vault.of(journal, login)
      const tape = new Tape(id, await manifestOf(vault, row), journal, await shelfOf(journal), vault, release, changed)
      await tape.#load()
      return tape
    } catch (error) {
      release()
      throw error
    }
  }

  async #load(): Promise<void> {
    this.#rows = await this.journal.pieces(this.id)
    const last = this.#rows.at(-1)
    this.#init = this.manifest.init === null ? null : fromBase64(this.manifest.init)
    this.#seq = (last?.seq ?? -1) + 1
    this.#until = last?.until ?? 0
    this.#end = last ? last.at + last.size : (this.#init?.length ?? 0)
  }

  get init(): Uint8Array | null {
    return this.#init
  }

  /** Seconds in all, those on the server, and those that lie here. */
  get seconds(): { captured: number; durable: number; local: number } {
    const waiting = this.#rows.find((row) => row.at + row.size > this.#acknowledged)
    const durable = waiting ? waiting.from : this.#until
    const held = this.#rows.filter((row) => this.#held.has(row.seq) && row.at + row.size > this.#acknowledged)
    return { captured: this.#until, durable, local: this.#until - durable - held.reduce((sum, row) => sum + row.until - row.from, 0) }
  }

  /** Nothing was ever recorded on it. */
  get blank(): boolean {
    return this.#rows.length === 0 && this.manifest.parts.length === 0
  }

  /** All of it became files elsewhere. */
  get spent(): boolean {
    return this.manifest.ended && this.#rows.length === 0 && this.manifest.parts.length > 0
  }

  /** Whether the server has acknowledged all there will be. */
  get delivered(): boolean {
    return this.manifest.ended && this.#acknowledged >= this.#end
  }

  /** Writes the manifest, if there is room for it. */
  async save(): Promise<void> {
    const row = await sealedManifest(this.vault, this.id, this.manifest)
    this.#saved = await this.#room(() => this.journal.put(row))
  }

  /** Does what needs room on the device; false where there is none. */
  async #room(work: () => Promise<void>): Promise<boolean> {
    try {
      await work()
      this.full = null
      return true
    } catch (cause) {
      this.full = new ClinicalError('DEVICE_FULL', 'this device has no room left: sound is sent, but would be lost with the tab', { cause })
      return false
    }
  }

  /** What the file begins with. Before the first piece. */
  async begin(init: Uint8Array): Promise<void> {
    this.#init = concat([init])
    this.#end = init.length
    this.manifest.init = toBase64(init)
    await this.save()
  }

  /** Keeps a piece; it is sent only then. */
  append(piece: Piece): Promise<void> {
    return this.#turn(() => this.#append(piece))
  }

  /** One change of the offsets at a time. */
  #turn(work: () => Promise<void>): Promise<void> {
    const turn = this.#last.then(work)
    this.#last = turn.catch(() => {})
    return turn
  }

  async #append({ bytes, until }: Piece): Promise<void> {
    const row = { recording: this.id, seq: this.#seq++, at: this.#end, size: bytes.length, from: this.#until, until }
    // After one piece that only memory has, all are: what a closed tab leaves must have no gaps.
    if (this.#held.size || !(await this.#keep(row, bytes))) this.#held.set(row.seq, bytes)
    this.#rows.push(row)
    this.#end += bytes.length
    this.#until = until
    this.#stir()
  }

  async #keep(row: PieceRow, bytes: Uint8Array): Promise<boolean> {
    if (!this.#saved) await this.save()
    const sealed = await this.vault.seal(bytes, about(row))
    return this.#saved && this.#room(() => this.shelf.put(row, sealed))
  }

  /** No piece follows. */
  async finish(): Promise<void> {
    this.manifest.ended = true
    this.#stir()
    await this.save()
  }

  /** Waits for bytes past `start`; a little longer for as many as are worth a request. */
  async slice(start: number, end: number): Promise<Slice> {
    const deadline = { over: false }
    let timer: ReturnType<typeof setTimeout> | undefined
    while (this.#closed || (!this.manifest.ended && this.#end - start < (deadline.over ? 1 : Math.min(worthwhile, end - start)))) {
      if (this.#end > start) {
        timer ??= setTimeout(() => {
          deadline.over = true
          this.#stir()
        }, linger)
      }
      await new Promise<void>((resolve) => this.#wake.add(resolve))
    }
    clearTimeout(timer)
    const stop = Math.min(end, this.#end)
    const bytes = await this.#read(start, stop)
    const value = bytes.length ? Object.assign(bytes, { size: bytes.length }) : null
    return { value, done: this.manifest.ended && stop === this.#end }
  }

  async #read(start: number, stop: number): Promise<Uint8Array<ArrayBuffer>> {
    const pieces: Uint8Array[] = [this.#init?.subarray(start, stop) ?? new Uint8Array(0)]
    let at = start + pieces[0]!.length
    for (const row of this.#rows) {
      if (row.at + row.size <= start || row.at >= stop) continue
      if (row.at > at) break
      const bytes = this.#held.get(row.seq) ?? (await this.vault.open(await this.shelf.get(this.id, row.seq), about(row)))
      pieces.push(bytes.subarray(Math.max(0, start - row.at), stop - row.at))
      at = Math.min(stop, row.at + row.size)
    }
    if (at < stop) throw new ClinicalError('SOURCE', 'the server has less than it had acknowledged')
    return concat(pieces)
  }

  /**
   * The server has so many bytes: they are forgotten here. The last piece stays,
   * for it tells where the next one goes; and so do all pieces of a format
   * whose tail alone could not be played.
   */
  async acknowledge(offset: number): Promise<void> {
    if (offset <= this.#acknowledged) return
    this.#acknowledged = offset
    const gone = isWebm(this.manifest.mimeType) ? this.#rows.filter((row) => row !== this.#rows.at(-1) && row.at + row.size <= offset) : []
    this.#rows = this.#rows.filter((row) => !gone.includes(row))
    const kept = gone.filter((row) => !this.#held.has(row.seq))
    for (const row of gone) this.#held.delete(row.seq)
    this.changed()
    if (kept.length) await this.shelf.drop(this.id, kept.map((row) => row.seq))
  }

  /**
   * The server made a file of the first `offset` bytes: the rest becomes another
   * one, beginning with the piece that is not whole in the first.
   */
  split(offset: number, idempotencyKey: string): Promise<void> {
    return this.#turn(() => this.#split(offset, idempotencyKey))
  }

  async #split(offset: number, idempotencyKey: string): Promise<void> {
    await this.acknowledge(offset)
    let at = this.#init?.length ?? 0
    this.#rows = this.#rows.filter((row) => !isWebm(this.manifest.mimeType) || row.at + row.size > offset)
    for (const row of this.#rows) {
      row.at = at
      at += row.size
    }
    this.#end = at
    this.#acknowledged = 0
    this.manifest.target = null
    this.manifest.input = { ...this.manifest.input, idempotencyKey }
    const row = await sealedManifest(this.vault, this.id, this.manifest)
    this.#saved = await this.#room(() => this.journal.move(row, new Map(this.#rows.map(({ seq, at }) => [seq, at]))))
  }

  /** A request's end is not the tape's. */
  close(): void {}

  /** Lets go of the recording and leaves it on the device. Whoever waits for bytes waits for ever. */
  leave(): void {
    this.#closed = true
    this.release()
    this.journal.close()
  }

  /** Forgets the recording. */
  async drop(): Promise<void> {
    this.#closed = true
    await this.shelf.dropAll(this.id)
    this.leave()
  }

  #stir(): void {
    const waiting = [...this.#wake]
    this.#wake.clear()
    for (const resolve of waiting) resolve()
    this.changed()
  }
}

const about = (row: PieceRow) => `${row.recording}/${row.seq}`
