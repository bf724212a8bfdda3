type Cursor = string | null | undefined

/** What `useQuery` gave, or an `ObservableQuery`. */
export interface Paged {
  fetchMore(options: { variables: { after: Cursor } }): Promise<unknown>
}

const underWay = new WeakMap<object, { after: Cursor; page: Promise<void> }>()

/**
 * Asks for the page behind a cursor, once however often a button is pressed, and
 * one page after the other. Resolves when the page was handed to who watches the
 * query: Apollo Client (4.3.8) forgets to do so when another `fetchMore` begins
 * before, and brings nothing new.
 */
export function nextPage(query: Paged, after: Cursor): Promise<void> {
  // What useQuery gives is a new object in each render, its fetchMore is not.
  const key = Object.hasOwn(query, 'fetchMore') ? query.fetchMore : query
  const last = underWay.get(key)
  if (last && last.after === after) return last.page
  const page = Promise.resolve(last?.page)
    .catch(() => {})
    .then(() => query.fetchMore({ variables: { after } }))
    .then(() => new Promise<void>((resolve) => setTimeout(resolve))) // Apollo hands it over in a timer of its own
    .finally(() => {
      if (underWay.get(key)?.page === page) underWay.delete(key)
    })
  underWay.set(key, { after, page })
  return page
}
