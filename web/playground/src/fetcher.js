import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { createClient } from 'graphql-ws';

/**
 * How GraphiQL reaches the API: HTTP for queries and mutations, graphql-transport-ws for
 * subscriptions.
 *
 * A browser cannot set headers on a WebSocket, so the Authorization header of the header editor
 * travels as `connectionParams.authorization`. The client connects for the first subscription and
 * hangs up after the last, so each connection carries the token of its own day.
 *
 * Only an operation with `@defer` asks for multipart/mixed; the rest get plain JSON.
 *
 * @param {URL} endpoint
 * @returns {import('@graphiql/toolkit').Fetcher}
 */
export function createFetcher(endpoint) {
  let authorization;

  const socket = new URL(endpoint);
  socket.protocol = endpoint.protocol === 'https:' ? 'wss:' : 'ws:';
  const wsClient = createClient({
    url: socket.href,
    connectionParams: () => (authorization ? { authorization } : {}),
  });

  const url = endpoint.href;
  const plain = createGraphiQLFetcher({ url, wsClient, enableIncrementalDelivery: false });
  const incremental = createGraphiQLFetcher({ url, wsClient });

  return (params, options) => {
    authorization = new Headers(options?.headers).get('authorization');
    return /@defer\b/.test(params.query) ? incremental(params, options) : plain(params, options);
  };
}
