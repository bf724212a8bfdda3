import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client'
import { CombinedGraphQLErrors } from '@apollo/client/errors'
import { SetContextLink } from '@apollo/client/link/context'
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries'
import { RetryLink } from '@apollo/client/link/retry'
import { GraphQLWsLink } from '@apollo/client/link/subscriptions'
import { OperationTypeNode, type FormattedExecutionResult } from 'graphql'
import { createClient, type Client } from 'graphql-ws'
import { tap } from 'rxjs'
import type { TokenSource } from '@bonfiredb/client'
import { clinicalErrorOf } from './errors.js'
import { clinicalTypePolicies } from './policies.js'

export interface ClinicalApolloOptions {
  /** Where the server is, as for `createClinical`. */
  url: string | URL
  token: TokenSource
  /** Sends hashes in the place of texts, for servers and proxies that cache. */
  persistedQueries?: boolean
  /** Another one, where there is none (Node before 22). */
  webSocketImpl?: unknown
}

export interface ClinicalApollo {
  client: ApolloClient
  /** Ends the login: nothing that is under way arrives, nothing that was read stays. Make another one for the next login. */
  end(): Promise<void>
}

/** An Apollo client of one login. */
export function clinicalApollo(options: ClinicalApolloOptions): ClinicalApollo {
  const { link, sockets } = clinicalLink(options)
  const client = new ApolloClient({ link, cache: new InMemoryCache({ typePolicies: clinicalTypePolicies() }) })
  const end = async () => {
    await sockets.dispose()
    client.stop()
    await client.clearStore()
  }
  return { client, end }
}

/** Queries and mutations over HTTP, subscriptions over a WebSocket, each with the login's token; one that was refused is renewed once. */
export function clinicalLink({ url, token, persistedQueries = false, webSocketImpl }: ClinicalApolloOptions): { link: ApolloLink; sockets: Client } {
  const base = new URL(url)
  if (!base.pathname.endsWith('/')) base.pathname += '/'
  const uri = new URL('graphql', base).href
  const bearer = async (refresh: boolean) => `Bearer ${typeof token === 'string' ? token : await token({ refresh })}`

  const sockets = createClient({
    url: uri.replace(/^http/, 'ws'),
    connectionParams: async () => ({ authorization: await bearer(false) }),
    retryAttempts: Infinity,
    shouldRetry: () => true,
    webSocketImpl,
  })
  const signed = new SetContextLink(async ({ headers, renewed }) => ({
    headers: { ...headers, authorization: await bearer(renewed === true) },
  }))
  const http = ApolloLink.from([
    renewing(typeof token === 'function'),
    signed,
    ...(persistedQueries ? [new PersistedQueryLink({ sha256 })] : []),
    new HttpLink({ uri, credentials: 'omit' }),
  ])
  const link = ApolloLink.split(({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION, new GraphQLWsLink(sockets), http)
  return { link, sockets }
}

/** Asks once more, with a fresh token, after UNAUTHENTICATED. */
function renewing(able: boolean): ApolloLink {
  // An answer that holds the refusal is an error to the link before it.
  const refused = new ApolloLink((operation, forward) =>
    forward(operation).pipe(
      tap((result) => {
        if (result.errors?.some(({ extensions }) => extensions?.code === 'UNAUTHENTICATED')) throw new CombinedGraphQLErrors(result as FormattedExecutionResult)
      }),
    ),
  )
  const again = new RetryLink({
    delay: () => 0,
    attempts: (count, operation, error) => {
      const yes = able && count === 1 && clinicalErrorOf(error).code === 'UNAUTHENTICATED'
      if (yes) operation.setContext({ renewed: true })
      return yes
    },
  })
  return ApolloLink.from([again, refused])
}

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
