import * as oauth from 'oauth4webapi'
import { SignInError } from '../api/failure.js'
import { channelName } from './channel.js'
import { Login } from './login.js'
import { server, type OidcSettings } from './settings.js'

/**
 * Signs in at the clinic's identity provider: authorization code flow with PKCE (RFC 7636), in a
 * window of its own. So the verifier never leaves this page's memory, and signing in again does not
 * unload what is being written or recorded here.
 *
 * Our pages share no window handle with the provider's (Cross-Origin-Opener-Policy): the answer
 * comes from callback.html by BroadcastChannel, which reaches this origin only.
 */
export async function signInAtProvider(settings: OidcSettings): Promise<Login> {
  const provider = new Provider(settings)
  const token = await provider.again()
  return new Login(token, provider)
}

const redirectUri = new URL('callback.html', server).href
/** How long a person may take, milliseconds. */
const patience = 10 * 60_000

class Provider {
  readonly #as: oauth.AuthorizationServer
  readonly #client: oauth.Client
  readonly #scope: string
  readonly #options: { [oauth.allowInsecureRequests]: boolean }
  #refreshToken: string | undefined

  constructor({ issuer, clientId, scope, authorizationEndpoint, tokenEndpoint }: OidcSettings) {
    this.#as = {
      issuer,
      authorization_endpoint: authorizationEndpoint,
      token_endpoint: tokenEndpoint,
      id_token_signing_alg_values_supported: ['RS256', 'ES256'],
    }
    this.#client = { client_id: clientId }
    this.#scope = scope
    // The server takes plain http of an issuer on its own machine only.
    this.#options = { [oauth.allowInsecureRequests]: new URL(tokenEndpoint).protocol === 'http:' }
  }

  async again(): Promise<string> {
    const [verifier, state, nonce] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState(), oauth.generateRandomNonce()]
    const address = new URL(this.#as.authorization_endpoint!)
    const asked = {
      client_id: this.#client.client_id,
      redirect_uri: redirectUri,
      response_type: 'code',
      scope: this.#scope,
      state,
      nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    }
    for (const [name, value] of Object.entries(asked)) address.searchParams.set(name, value)
    const answer = oauth.validateAuthResponse(this.#as, this.#client, await askInWindow(address, state), state)
    const response = await oauth.authorizationCodeGrantRequest(this.#as, this.#client, oauth.None(), answer, redirectUri, verifier, this.#options)
    return this.#keep(await oauth.processAuthorizationCodeResponse(this.#as, this.#client, response, { expectedNonce: nonce }))
  }

  async renew(): Promise<string | null> {
    if (!this.#refreshToken) return null
    try {
      const response = await oauth.refreshTokenGrantRequest(this.#as, this.#client, oauth.None(), this.#refreshToken, this.#options)
      return this.#keep(await oauth.processRefreshTokenResponse(this.#as, this.#client, response))
    } catch (error) {
      if (error instanceof oauth.ResponseBodyError) return null // revoked, or ended
      throw error
    }
  }

  #keep(answer: oauth.TokenEndpointResponse): string {
    this.#refreshToken = answer.refresh_token ?? this.#refreshToken
    return answer.access_token
  }
}

/** Opens the provider's page and waits for the answer that carries our state. */
function askInWindow(address: URL, state: string): Promise<URLSearchParams> {
  return new Promise((resolve, reject) => {
    const channel = new BroadcastChannel(channelName)
    const end = (settle: () => void) => {
      clearTimeout(timer)
      channel.close()
      settle()
    }
    const timer = setTimeout(() => end(() => reject(new SignInError('signing in took too long'))), patience)
    channel.onmessage = ({ data }: MessageEvent<string>) => {
      const answer = new URLSearchParams(data)
      if (answer.get('state') === state) end(() => resolve(answer)) // another tab may be signing in, too
    }
    const opened = window.open(address, '_blank', 'popup,width=480,height=680')
    if (!opened) end(() => reject(new SignInError('the browser has blocked the window of the identity provider; allow it and try again')))
  })
}
