import { SignInError } from '../api/failure.js'
import type { PurposeOfUse } from '@bonfiredb/client'

/** How one way of signing in comes to its tokens. Nothing of it is ever stored. */
export interface TokenGiver {
  /** A fresh token without asking the person; null when only they can get one. */
  renew(): Promise<string | null>
  /** Asks the person once more. */
  again(): Promise<string>
}

/** Who is at the screen, for as long as the page lives. */
export class Login {
  /** Why the data is wanted, where it is not the role's usual purpose. */
  purpose: PurposeOfUse | undefined
  /** Told when only the person can sign in again, and when they have. */
  onExpired: (expired: boolean) => void = () => {}
  #token: string
  #giver: TokenGiver
  #renewing: Promise<string> | undefined

  constructor(token: string, giver: TokenGiver) {
    this.#token = token
    this.#giver = giver
  }

  /** The bearer token; `refresh` says that the server has just refused it. */
  token({ refresh = false } = {}): Promise<string> {
    if (!refresh) return Promise.resolve(this.#token)
    this.#renewing ??= this.#renew().finally(() => (this.#renewing = undefined))
    return this.#renewing
  }

  async signInAgain(): Promise<void> {
    this.#token = await this.#giver.again()
    this.onExpired(false)
  }

  /** A fetch of the API: with token and purpose, and once more when the token has ended. */
  readonly fetch: typeof globalThis.fetch = async (input, init) => {
    const answer = await fetch(input, this.#with(init, this.#token))
    if (answer.status !== 401) return answer
    return fetch(input, this.#with(init, await this.token({ refresh: true })))
  }

  /** A fetch that leaves the token to the caller. */
  readonly fetchForPurpose: typeof globalThis.fetch = (input, init) => fetch(input, this.#with(init))

  async #renew(): Promise<string> {
    const token = await this.#giver.renew()
    if (token === null) {
      this.onExpired(true)
      throw new SignInError('your login has ended')
    }
    return (this.#token = token)
  }

  #with(init: RequestInit | undefined, token?: string): RequestInit {
    const headers = new Headers(init?.headers)
    if (token) headers.set('Authorization', `Bearer ${token}`)
    if (this.purpose) headers.set('Bonfire-Purpose-Of-Use', this.purpose)
    return { ...init, headers, cache: 'no-store' }
  }
}
