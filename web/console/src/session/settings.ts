import { SignInError } from '../api/failure.js'

/** How people sign in here, as the server says before anybody has. */
export interface Settings {
  /** Of the demo clinic; none in production. */
  principals: { name: string; display: string; does: string }[]
  oidc: OidcSettings | null
  playground: boolean
}

export interface OidcSettings {
  issuer: string
  clientId: string
  scope: string
  authorizationEndpoint: string
  tokenEndpoint: string
}

/** Where the page came from, and the API with it. */
export const server = new URL('./', document.baseURI)

export async function readSettings(): Promise<Settings> {
  const answer = await fetch(new URL('console.json', server), { cache: 'no-store' })
  if (!answer.ok) throw new SignInError(await answer.text())
  return (await answer.json()) as Settings
}
