// Seals what lies on the device: AES-256-GCM with a key of the login's, which
// the browser holds and does not give out. docs/recording.md says what that
// protects from, and what not.
import type { Api } from '../api.js'
import { ClinicalError } from '../errors.js'
import { concat } from './ebml.js'
import type { Journal } from './journal.js'

/** A key that nobody has used for so long is deleted, and what it sealed with it, milliseconds. */
export const keyLife = 72 * 60 * 60 * 1000

export class Vault {
  constructor(
    readonly login: string,
    readonly key: CryptoKey,
  ) {}

  /** The login's key; the first use makes it. */
  static async of(journal: Journal, login: string): Promise<Vault> {
    const made = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt'])
    const row = { login, key: made, usedAt: Date.now() }
    const held = await journal.addKey(row).catch(() => row) // on a full device nothing that it seals is kept either
    return new Vault(login, held.key)
  }

  /** `about` is bound to the bytes: they open under the same words only. */
  async seal(bytes: Uint8Array, about: string): Promise<ArrayBuffer> {
    const iv = crypto.getRandomValues(new Uint8Array(12))
    const box = await crypto.subtle.encrypt(algorithm(iv, about), this.key, bytes as Uint8Array<ArrayBuffer>)
    return concat([iv, new Uint8Array(box)]).buffer
  }

  async open(sealed: ArrayBuffer, about: string): Promise<Uint8Array<ArrayBuffer>> {
    const algorithmOf = algorithm(new Uint8Array(sealed, 0, 12), about)
    try {
      return new Uint8Array(await crypto.subtle.decrypt(algorithmOf, this.key, new Uint8Array(sealed, 12)))
    } catch (cause) {
      throw new ClinicalError('SOURCE', 'what is kept on this device was changed, or its key is gone', { cause })
    }
  }
}

function algorithm(iv: Uint8Array<ArrayBuffer>, about: string): AesGcmParams {
  return { name: 'AES-GCM', iv, additionalData: new TextEncoder().encode(about) }
}

/**
 * A name for the login that says nothing about who it is, and that is there
 * without a network: what the application calls it, else the subject (and
 * session) of its token, else the token itself.
 */
export async function loginOf(api: Api): Promise<string> {
  const who = api.login ?? subjectOf((await api.headers()).Authorization!.slice('Bearer '.length))
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(`${api.address('')} ${who}`))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function subjectOf(token: string): string {
  try {
    const claims = JSON.parse(atob(token.split('.')[1]!.replaceAll('-', '+').replaceAll('_', '/'))) as Record<string, unknown>
    if (typeof claims.sub === 'string') return JSON.stringify([claims.iss, claims.sub, claims.sid])
  } catch {
    // an API key, or a token of another make
  }
  return token
}
