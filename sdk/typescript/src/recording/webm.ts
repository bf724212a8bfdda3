// A walker over the WebM that MediaRecorder writes, and the writer of what is
// stored (RFC 8794 EBML, RFC 9559 Matroska). What a recorder emits is one live
// stream; a reloaded tab can only begin another. So blocks are taken out of the
// streams and put into Clusters of our own, one for each piece that is kept:
// the second stream's blocks follow the first's with later times, any run of
// pieces after the header is a valid file, and no piece ends inside a block.
import { child, childAt, concat, damaged, element, elementAt, id, minimal, number, uint, unknownSize, vint } from './ebml.js'

/** A block as the stream has it. `at` is milliseconds from the stream's beginning. */
export interface Block {
  at: number
  duration: number
  /** The whole element, SimpleBlock or BlockGroup. */
  bytes: Uint8Array
  /** Where in `bytes` the 16-bit relative timestamp is. */
  timeAt: number
}

/** Takes one MediaRecorder's output apart as it comes. */
export class WebmReader {
  #rest: Uint8Array = new Uint8Array(0)
  #head: Uint8Array[] = []
  #scale = 1
  #cluster = 0
  #tracks: Uint8Array | null = null
  #before: { at: number; duration: number } | null = null

  /** EBML header, Segment of unknown size, Info and Tracks; null until all of it was read. */
  get init(): Uint8Array | null {
    return this.#tracks && concat([...this.#head, this.#tracks])
  }

  /** Milliseconds of a tick. */
  get scale(): number {
    return this.#scale
  }

  /** The blocks that are whole now. Bytes may come cut anywhere. */
  push(bytes: Uint8Array): Block[] {
    const data = this.#rest.length ? concat([this.#rest, bytes]) : bytes
    const blocks: Block[] = []
    let at = 0
    for (let element; (element = elementAt(data, at)); at = element.next) {
      const enters = element.id === id.segment || element.id === id.cluster
      if (!enters && element.size === null) throw damaged('an element of unknown length')
      if (!enters && element.body + element.size! > data.length) break
      element.next = enters ? element.body : element.body + element.size!
      const whole = data.subarray(at, element.next)
      const body = data.subarray(element.body, element.next)
      const block = this.#take(element.id, whole, body)
      if (block) blocks.push(block)
    }
    this.#rest = data.slice(at)
    return blocks
  }

  #take(what: number, whole: Uint8Array, body: Uint8Array): Block | null {
    switch (what) {
      case id.ebml:
        this.#head.push(whole.slice())
        return null
      case id.segment:
        this.#head.push(concat([number(id.segment, 4), unknownSize]))
        return null
      case id.info:
        this.#scale = (uint(child(body, id.timestampScale)) ?? 1_000_000) / 1_000_000
        this.#head.push(whole.slice())
        return null
      case id.tracks:
        this.#tracks = whole.slice()
        return null
      case id.timestamp:
        this.#cluster = uint(body) ?? 0
        return null
      case id.simpleBlock:
        return this.#block(whole, whole.length - body.length)
      case id.blockGroup: {
        const inner = childAt(body, id.block)
        return inner === null ? null : this.#block(whole, whole.length - body.length + inner)
      }
      default:
        return null // Cues, SeekHead, Void, ...: of no use in what we write
    }
  }

  #block(whole: Uint8Array, header: number): Block {
    const track = vint(whole, header)
    if (!track || header + track.length + 3 > whole.length) throw damaged('a block without a header')
    const timeAt = header + track.length
    const relative = (((whole[timeAt]! << 8) | whole[timeAt + 1]!) << 16) >> 16
    const at = (this.#cluster + relative) * this.#scale
    const said = opusDuration(whole.subarray(timeAt + 3))
    const duration = said ?? this.#before?.duration ?? 20
    this.#before = { at, duration }
    return { at, duration, bytes: whole.slice(), timeAt }
  }
}

/**
 * One Cluster with these blocks, moved by `shift` milliseconds. A relative
 * timestamp has 16 bits: a run that is longer becomes several Clusters.
 */
export function clusterOf(blocks: readonly Block[], shift: number, scale: number): Uint8Array {
  const out: Uint8Array[] = []
  const ticks = (block: Block) => Math.max(0, Math.round((block.at + shift) / scale))
  for (let from = 0; from < blocks.length; ) {
    const base = Math.min(...blocks.slice(from, from + 8).map(ticks)) // tracks may be a little out of order
    let to = from
    const body: Uint8Array[] = [element(id.timestamp, minimal(base))]
    for (; to < blocks.length; to++) {
      const relative = ticks(blocks[to]!) - base
      if (relative > 0x7fff || relative < -0x8000) break
      const bytes = blocks[to]!.bytes.slice()
      new DataView(bytes.buffer).setInt16(blocks[to]!.timeAt, relative)
      body.push(bytes)
    }
    out.push(element(id.cluster, concat(body)))
    from = to
  }
  return concat(out)
}

/** Whether blocks of one stream may follow those of another: the same codec under the same number, and the same clock. */
export function sameTracks(one: Uint8Array, other: Uint8Array): boolean {
  return JSON.stringify(tracksOf(one)) === JSON.stringify(tracksOf(other))
}

function tracksOf(init: Uint8Array) {
  const found: { scale: number | null; tracks: string[] } = { scale: null, tracks: [] }
  for (let at = 0, e; (e = elementAt(init, at)); at = e.next) {
    e.next = e.id === id.segment ? e.body : e.body + (e.size ?? 0)
    const body = init.subarray(e.body, e.next)
    if (e.id === id.info) found.scale = uint(child(body, id.timestampScale)) ?? 1_000_000
    if (e.id !== id.tracks) continue
    for (let inner = 0, t; (t = elementAt(body, inner)); inner = t.next) {
      t.next = t.body + (t.size ?? 0)
      if (t.id !== id.trackEntry) continue
      const entry = body.subarray(t.body, t.next)
      found.tracks.push(`${uint(child(entry, id.trackNumber))} ${new TextDecoder().decode(child(entry, id.codecId) ?? new Uint8Array(0))}`)
    }
  }
  return found
}

/** Milliseconds of an Opus packet (RFC 6716 section 3.1), or null where it says no such thing. */
export function opusDuration(packet: Uint8Array): number | null {
  const toc = packet[0]
  if (toc === undefined) return null
  const config = toc >> 3
  const frame = config < 12 ? [10, 20, 40, 60][config & 3]! : config < 16 ? [10, 20][config & 1]! : [2.5, 5, 10, 20][config & 3]!
  const count = [1, 2, 2][toc & 3] ?? (packet[1] ?? 1) & 63
  const total = frame * count
  return total > 0 && total <= 120 ? total : null
}
