import type { CreateUploadInput } from '../generated/operations.js'
import type { RecordingRow } from './journal.js'
import type { Vault } from './vault.js'

/** Where the server takes the bytes, and the upload token, which outlives the login's. */
export interface Target {
  uploadId: string
  url: string
  headers: Record<string, string>
}

/** What must be known to go on with a recording. Sealed: it names the patient. */
export interface Manifest {
  input: CreateUploadInput
  mimeType: string
  startedAt: string
  target: Target | null
  /** What the stored file begins with, base64; null before the first sound. */
  init: string | null
  ended: boolean
  parts: string[]
}

/** The row that a manifest is kept in. */
export async function sealedManifest(vault: Vault, id: string, manifest: Manifest): Promise<RecordingRow> {
  const text = new TextEncoder().encode(JSON.stringify(manifest))
  return { id, login: vault.login, sealed: await vault.seal(text, id) }
}

export async function manifestOf(vault: Vault, row: RecordingRow): Promise<Manifest> {
  return JSON.parse(new TextDecoder().decode(await vault.open(row.sealed, row.id))) as Manifest
}

export const toBase64 = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes))
export const fromBase64 = (text: string) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0))
