import type { Uploadable } from './source.js'

/** WebCrypto hashes only what is whole in memory; past this the server's own digest must do. */
const cheap = 16 << 20

/** Lower-case hexadecimal SHA-256 where it costs next to nothing, else undefined. */
export async function digestOf(file: Uploadable): Promise<string | undefined> {
  const subtle = globalThis.crypto?.subtle // missing on plain http
  if (!subtle) return undefined
  if (file instanceof Blob && file.size <= cheap) return hex(await subtle.digest('SHA-256', await file.arrayBuffer()))
  if (file instanceof Uint8Array && file.length <= cheap) return hex(await subtle.digest('SHA-256', file as Uint8Array<ArrayBuffer>))
  return undefined
}

/** SHA-256 of a text as UTF-8: what a signer attests to having read. */
export async function textDigest(text: string): Promise<string> {
  return hex(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
}

const hex = (digest: ArrayBuffer): string => Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
