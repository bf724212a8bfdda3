import type { FieldPolicy, Reference, TypePolicies } from '@apollo/client/cache'

type Item = Reference | { node: Reference }
interface Connection {
  edges?: Item[]
  nodes?: Item[]
  pageInfo?: { hasNextPage?: boolean; hasPreviousPage?: boolean; startCursor?: string | null; endCursor?: string | null }
  [extra: string]: unknown
}

/**
 * What Apollo's cache must know: pages of a connection become one list, kept
 * apart by what was asked for; a link to bytes is kept nowhere. Entities need
 * nothing, they have `id`.
 */
export function clinicalTypePolicies(): TypePolicies {
  return {
    Query: {
      fields: {
        files: pages('patientId', 'filter', 'orderBy'),
        notes: pages('patientId', 'filter'),
        uploads: pages('states', 'patientId'),
        patients: pages('text'),
        fileAccessReport: pages('patientId', 'from', 'before'),
        auditEvents: pages('filter'),
      },
    },
    Patient: { fields: { files: pages('filter', 'orderBy'), notes: pages('filter'), auditEvents: pages('filter') } },
    File: { fields: { notes: pages() } },
    SignedUrl: { keyFields: false },
    TusTarget: { keyFields: false },
    PageInfo: { keyFields: false },
  }
}

/** Joins the pages of a Relay connection, whether `nodes` or `edges` are selected. */
export function pages(...keyArgs: string[]): FieldPolicy<Connection> {
  return {
    keyArgs,
    merge(existing, incoming, { args }) {
      if (!existing || (args?.after == null && args?.before == null)) return incoming // the list begins anew
      const before = args.before != null
      const joined: Connection = { ...existing, ...incoming }
      if (incoming.nodes) joined.nodes = join(existing.nodes, incoming.nodes, before)
      if (incoming.edges) joined.edges = join(existing.edges, incoming.edges, before)
      if (incoming.pageInfo) joined.pageInfo = span(existing.pageInfo, incoming.pageInfo, before)
      return joined
    },
  }
}

/** A page that was asked for twice is in the list once, if the query selects `id`. */
function join(held: Item[] = [], page: Item[], before: boolean): Item[] {
  const known = new Set(held.map(nameOf))
  const added = page.filter((item) => !nameOf(item) || !known.has(nameOf(item)))
  return before ? [...added, ...held] : [...held, ...added]
}

const nameOf = (item: Item): string | undefined => ('node' in item ? item.node : item).__ref

function span(held: Connection['pageInfo'], page: NonNullable<Connection['pageInfo']>, before: boolean): NonNullable<Connection['pageInfo']> {
  const { hasNextPage, endCursor, hasPreviousPage, startCursor } = page
  return before ? { ...page, ...held, hasPreviousPage, startCursor } as never : ({ ...page, ...held, hasNextPage, endCursor } as never)
}
