import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client'
import { GraphQLWsLink } from '@apollo/client/link/subscriptions'
import { OperationTypeNode } from 'graphql'
import { createClient, type Client as Socket } from 'graphql-ws'
import type { Login } from '../session/login.js'

/** The API as the screens see it: queries and mutations by HTTP, subscriptions by WebSocket. */
export interface Connection {
  apollo: ApolloClient
  /** Opens the subscriptions anew, with the purpose and token of now. */
  reconnect(): void
  close(): void
}

export function connect(server: URL, login: Login): Connection {
  const http = new HttpLink({
    uri: new URL('graphql', server).href,
    credentials: 'omit',
    fetch: login.fetch,
    enhancedClientAwareness: { transport: false },
  })
  const socket = openSocket(new URL('graphql', server), login)
  const bySocket = ({ operationType }: ApolloLink.Operation) => operationType === OperationTypeNode.SUBSCRIPTION
  const apollo = new ApolloClient({
    link: ApolloLink.split(bySocket, new GraphQLWsLink(socket), http),
    cache: new InMemoryCache({ typePolicies: { Query: { fields: { files: pages(['patientId', 'filter']), notes: pages(['patientId']) } } } }),
    // What a person sees of a chart is what the server says now.
    defaultOptions: { watchQuery: { fetchPolicy: 'cache-and-network', nextFetchPolicy: 'cache-first' } },
    devtools: { enabled: false },
  })
  return {
    apollo,
    reconnect: () => socket.terminate(),
    close: () => {
      apollo.stop()
      void apollo.clearStore()
      void socket.dispose()
    },
  }
}

/** How the server closes a WebSocket whose token it does not take (graphql-transport-ws). */
const forbidden = 4403

function openSocket(url: URL, login: Login): Socket {
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  let refused = false // the token had ended: the next connection takes a fresh one
  return createClient({
    url: url.href,
    connectionParams: async () => ({ authorization: `Bearer ${await login.token({ refresh: refused })}`, purposeOfUse: login.purpose }),
    on: {
      connected: () => void (refused = false),
      closed: (event) => void (refused = (event as CloseEvent).code === forbidden),
    },
    retryAttempts: Infinity,
    shouldRetry: () => true,
    keepAlive: 20_000,
  })
}

interface Page {
  nodes: readonly unknown[]
}

/** Puts the next page behind those that are there; a first page takes their place. */
const pages = (keyArgs: string[]) => ({
  keyArgs,
  merge: (existing: Page | undefined, incoming: Page, { args }: { args: Record<string, unknown> | null }) =>
    args?.after && existing ? { ...incoming, nodes: [...existing.nodes, ...incoming.nodes] } : incoming,
})
