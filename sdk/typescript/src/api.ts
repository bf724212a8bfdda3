import { callDelays, jittered, pause } from './backoff.js'
import { abortReason, ClinicalError } from './errors.js'
import type { Operation, PurposeOfUse } from './generated/operations.js'

/**
 * A bearer token, or a function that gives one. The function is asked for each
 * request, so it should remember its token; `refresh` says that the server has
 * just refused the last one.
 */
export type TokenSource = string | ((ask: { refresh: boolean }) => string | Promise<string>)

export interface ClinicalOptions {
  /** Where the server is: `https://files.clinic.example`. */
  url: string | URL
  token: TokenSource
  /** Why the data is wanted, where it is not the role's usual purpose. */
  purposeOfUse?: PurposeOfUse | undefined
  /** Another `fetch`, for tests and proxies. */
  fetch?: typeof globalThis.fetch | undefined
  /**
   * Names the login, for recordings that are kept on the device until they are
   * sent. The token's subject when left out; needed where tokens are no JWTs and change.
   */
  login?: string | undefined
  /** Waits before each further try of an upload that makes no progress, milliseconds. */
  uploadDelays?: readonly number[] | undefined
}

export interface CallOptions {
  signal?: AbortSignal | undefined
  /** Waits before further tries when no answer came. Only for calls that may be carried out twice. */
  delays?: readonly number[] | undefined
}

/** The GraphQL endpoint, and who asks. */
export class Api {
  readonly #base: URL
  readonly #options: ClinicalOptions

  constructor(options: ClinicalOptions) {
    this.#base = new URL(options.url)
    if (!this.#base.pathname.endsWith('/')) this.#base.pathname += '/'
    this.#options = options
  }

  /** The waits of uploads, given or usual. */
  get uploadDelays(): readonly number[] | undefined {
    return this.#options.uploadDelays
  }

  /** What the application calls the login. */
  get login(): string | undefined {
    return this.#options.login
  }

  /** An address of the server. */
  address(path: string): string {
    return new URL(path, this.#base).href
  }

  /** The caller's own headers: login and purpose. */
  async headers(refresh = false): Promise<Record<string, string>> {
    const { token, purposeOfUse } = this.#options
    const bearer = typeof token === 'string' ? token : await token({ refresh })
    return { Authorization: `Bearer ${bearer}`, ...(purposeOfUse && { 'Bonfire-Purpose-Of-Use': purposeOfUse }) }
  }

  /** Runs an operation whose repetition does no harm: tried again while no answer comes. */
  again<R, V>(operation: Operation<R, V>, variables: V, options: CallOptions = {}): Promise<R> {
    return this.once(operation, variables, { delays: callDelays, ...options })
  }

  /** Runs an operation once (but for a refreshed login). */
  async once<R, V>(operation: Operation<R, V>, variables: V, options: CallOptions = {}): Promise<R> {
    const delays = jittered(options.delays ?? [])
    for (let refresh = false; ; ) {
      try {
        return await this.#send(operation, variables, refresh, options.signal)
      } catch (error) {
        if (options.signal?.aborted) throw abortReason(options.signal)
        if (!(error instanceof ClinicalError)) throw error
        if (error.code === 'UNAUTHENTICATED' && !refresh && typeof this.#options.token === 'function') {
          refresh = true
          continue
        }
        if (error.code !== 'NETWORK' && error.code !== 'UNAVAILABLE') throw error
        const delay = delays.shift()
        if (delay === undefined) throw error
        await pause(delay, options.signal)
      }
    }
  }

  async #send<R, V>(query: Operation<R, V>, variables: V, refresh: boolean, signal?: AbortSignal): Promise<R> {
    const headers = { ...(await this.headers(refresh)), 'Content-Type': 'application/json', Accept: 'application/json' }
    const request: RequestInit = { method: 'POST', headers, body: JSON.stringify({ query, variables }), credentials: 'omit', cache: 'no-store' }
    if (signal) request.signal = signal
    let response: Response
    let answer: Answer<R>
    try {
      response = await (this.#options.fetch ?? fetch)(this.address('graphql'), request)
      answer = parse(await response.text())
    } catch (cause) {
      throw new ClinicalError('NETWORK', 'the server could not be reached', { cause })
    }
    const requestId = response.headers.get('X-Request-Id') ?? undefined
    const first = answer?.errors?.[0]
    if (first) {
      const { code = 'INTERNAL_SERVER_ERROR', field, requestId: named = requestId } = first.extensions ?? {}
      throw new ClinicalError(code, first.message, { field, requestId: named })
    }
    if (answer?.data == null) {
      const code = response.status >= 502 || response.status === 429 ? 'UNAVAILABLE' : 'INTERNAL_SERVER_ERROR'
      throw new ClinicalError(code, `the server answered with status ${response.status} and no data`, { requestId })
    }
    return answer.data
  }
}

type Answer<R> = {
  data?: R | null
  errors?: { message: string; extensions?: { code?: string; field?: string; requestId?: string } }[]
} | null

/** What is not JSON came from something between us and the server. */
function parse<R>(text: string): Answer<R> {
  try {
    return JSON.parse(text) as Answer<R>
  } catch {
    return null
  }
}
