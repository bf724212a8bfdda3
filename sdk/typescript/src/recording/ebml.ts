// EBML, the binary XML of WebM (RFC 8794), as far as recordings need it. Each
// reader says null where a header is not all there yet, and throws where it is none.
import { ClinicalError } from '../errors.js'

/** Elements of Matroska (RFC 9559, section 27.1). */
export const id = {
  ebml: 0x1a45dfa3,
  segment: 0x18538067,
  info: 0x1549a966,
  tracks: 0x1654ae6b,
  cluster: 0x1f43b675,
  timestampScale: 0x2ad7b1,
  timestamp: 0xe7,
  simpleBlock: 0xa3,
  blockGroup: 0xa0,
  block: 0xa1,
  trackEntry: 0xae,
  trackNumber: 0xd7,
  codecId: 0x86,
} as const

/** Elements of the highest level of a Segment: each of them ends a Cluster of unknown size. */
const topLevel = new Set<number>([id.ebml, id.segment, id.info, id.tracks, id.cluster, 0x114d9b74, 0x1c53bb6b, 0x1941a469, 0x1043a770, 0x1254c367])

/** Larger than any element of a recording; a length past it is damage. */
const longest = 64 << 20

export type Element = { id: number; size: number | null; body: number; next: number }

/** The element whose header begins here, or null when the header is not all there yet. */
export function elementAt(data: Uint8Array, at: number): Element | null {
  const first = data[at]
  if (first === undefined) return null
  const length = Math.clz32(first) - 23
  if (length > 4) throw damaged('not an element')
  if (at + length > data.length) return null
  let name = 0
  for (let i = 0; i < length; i++) name = name * 256 + data[at + i]!
  const size = vint(data, at + length)
  if (!size) return null
  if (size.value !== null && size.value > longest && !topLevel.has(name)) throw damaged('an element that is too long')
  return { id: name, size: size.value, body: at + length + size.length, next: 0 }
}

/** A variable-length integer; its value is null when all its bits are set (unknown). */
export function vint(data: Uint8Array, at: number): { value: number | null; length: number } | null {
  const first = data[at]
  if (first === undefined) return null
  const length = Math.clz32(first) - 23
  if (length > 8) throw damaged('not a length')
  if (at + length > data.length) return null
  let value = first & (0xff >> length)
  let ones = value === 0xff >> length
  for (let i = 1; i < length; i++) {
    value = value * 256 + data[at + i]!
    ones &&= data[at + i] === 0xff
  }
  return { value: ones ? null : value, length }
}

export function child(body: Uint8Array, wanted: number): Uint8Array | null {
  for (let at = 0, e; (e = elementAt(body, at)); at = e.next) {
    e.next = e.body + (e.size ?? 0)
    if (e.id === wanted) return body.subarray(e.body, e.next)
  }
  return null
}

/** Where a child's content begins. */
export function childAt(body: Uint8Array, wanted: number): number | null {
  const found = child(body, wanted)
  return found && found.byteOffset - body.byteOffset
}

export function uint(bytes: Uint8Array | null): number | null {
  return bytes && bytes.reduce((value, byte) => value * 256 + byte, 0)
}

export const unknownSize = Uint8Array.of(0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)

export function number(value: number, length: number): Uint8Array {
  const out = new Uint8Array(length)
  for (let i = length - 1, rest = value; i >= 0; i--, rest = Math.floor(rest / 256)) out[i] = rest % 256
  return out
}

export function minimal(value: number): Uint8Array {
  let length = 1
  while (value >= 256 ** length) length++
  return number(value, length)
}

/** An element with a length of four bytes: 256 MiB and below. */
export function element(name: number, body: Uint8Array): Uint8Array {
  const size = number(body.length, 4)
  size[0]! |= 0x10
  return concat([minimal(name), size, body])
}

export function concat(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    out.set(piece, at)
    at += piece.length
  }
  return out
}

export const damaged = (what: string) => new ClinicalError('SOURCE', `the recorder's stream cannot be read: ${what}`)
