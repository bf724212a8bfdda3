// Apollo Client on a page: what its cache holds, and what not.
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, afterEach, expect, test } from 'vitest'
import { clientOf, newChart, tokenOf } from '../../typescript/test/clinic.js'
import { launch, pageScript, visit } from './chromium.js'
import type {} from './page.js'

let browser: Browser
let script: string
let token: string
let chart: string
beforeAll(async () => {
  browser = await launch()
  script = await pageScript()
  token = await tokenOf('clinician')
  chart = await newChart()
  const clinical = await clientOf('clinician')
  for (let i = 1; i <= 5; i++) {
    await clinical.files.upload({ patientId: chart, kind: 'intake-form', title: `Page ${i}`, file: new Blob([`${i}`], { type: 'text/plain' }) })
  }
}, 60_000)
afterAll(() => browser?.close())

let page: Page
let complaints: string[]
beforeEach(async () => {
  ;({ page, complaints } = await visit(browser, script))
  await page.evaluate((token) => {
    const made = react.clinicalApollo({ url: location.origin, token, persistedQueries: true })
    Object.assign(globalThis, { apollo: made.client, end: made.end })
  }, token)
})
afterEach(async () => {
  expect(complaints).toEqual([])
  await page.context().close()
})
declare const end: () => Promise<void>

test.each([
  ['nodes', 'nodes { id title version }'],
  ['edges', 'edges { cursor node { id title version } }'],
])('pages of %s are one list, each file in it once, each order a list of its own', async (_name, selection) => {
  const lists = await page.evaluate(async ([chart, selection]) => {
    const files = react.gql(`query ($id: ID!, $after: String, $order: FileOrder) {
      files(patientId: $id, first: 2, after: $after, orderBy: $order) { ${selection} pageInfo { hasNextPage endCursor } }
    }`)
    type Files = { files: { nodes?: { title: string }[]; edges?: { node: { title: string } }[]; pageInfo: { hasNextPage: boolean; endCursor: string } } }
    const variables = { id: chart }
    const titles = (list: Files['files']) => list.nodes?.map((file) => file.title) ?? list.edges!.map((edge) => edge.node.title)
    const watched = apollo.watchQuery<Files>({ query: files, variables })
    let seen: string[] = []
    const shown = (count: number) =>
      new Promise<void>((resolve) => {
        const look = () => (seen.length === count ? resolve() : setTimeout(look, 10))
        look()
      })
    watched.subscribe(({ data }) => void (data?.files && (seen = titles(data.files as Files['files']))))
    await shown(2)
    for (const count of [4, 5]) {
      const { pageInfo } = apollo.readQuery<Files>({ query: files, variables })!.files
      await watched.fetchMore({ variables: { after: pageInfo.endCursor } })
      await shown(count)
      await watched.fetchMore({ variables: { after: pageInfo.endCursor } }) // pressed twice
    }
    const order = { field: 'TITLE', direction: 'ASC' }
    const sorted = (await apollo.query<Files>({ query: files, variables: { ...variables, order } })).data!.files
    await shown(5)
    return { all: seen, sorted: titles(sorted), kept: titles(apollo.readQuery<Files>({ query: files, variables })!.files) }
  }, [chart, selection])
  expect(lists.all).toEqual(['Page 5', 'Page 4', 'Page 3', 'Page 2', 'Page 1'])
  expect(lists.kept).toEqual(lists.all)
  expect(lists.sorted).toEqual(['Page 1', 'Page 2'])
})

test('a page is asked for once, and shown, however often and fast that is asked for', async () => {
  const shown = await page.evaluate(async (chart) => {
    const files = react.gql('query ($id: ID!, $after: String) { files(patientId: $id, first: 2, after: $after) { nodes { id title } pageInfo { hasNextPage endCursor } } }')
    type Files = { files: { nodes: { title: string }[]; pageInfo: { endCursor: string } } }
    const watched = apollo.watchQuery<Files>({ query: files, variables: { id: chart } })
    let seen = 0
    await new Promise<void>((resolve) =>
      watched.subscribe(({ data }) => {
        seen = data?.files?.nodes?.length ?? 0
        if (seen) resolve()
      }),
    )
    const { pageInfo } = apollo.readQuery<Files>({ query: files, variables: { id: chart } })!.files
    let asked = 0
    const query: Parameters<typeof react.nextPage>[0] = { fetchMore: (options) => (asked++, watched.fetchMore(options)) }
    const both = [react.nextPage(query, pageInfo.endCursor), react.nextPage(query, pageInfo.endCursor)]
    await Promise.all(both)
    const first = [asked, seen]
    await react.nextPage(query, pageInfo.endCursor) // with nothing new
    const nameless = react.gql('query ($id: ID!, $after: String) { files(patientId: $id, first: 2, after: $after, orderBy: { field: SIZE, direction: ASC }) { nodes { title } pageInfo { endCursor } } }')
    const begun = (await apollo.query<Files>({ query: nameless, variables: { id: chart } })).data!.files
    await apollo.query({ query: nameless, variables: { id: chart, after: begun.pageInfo.endCursor }, fetchPolicy: 'network-only' })
    const kept = apollo.readQuery<Files>({ query: nameless, variables: { id: chart } })!.files.nodes.length
    return { first, then: [asked, seen], kept }
  }, chart)
  expect(shown).toEqual({ first: [1, 4], then: [2, 4], kept: 4 })
})

test('a file that a mutation changed is changed in every list and on its own', async () => {
  const shown = await page.evaluate(async (chart) => {
    const list = react.gql('query ($id: ID!) { files(patientId: $id, first: 5) { nodes { id version status } } }')
    type Files = { files: { nodes: { id: string; version: number; status: string }[] } }
    const [first] = (await apollo.query<Files>({ query: list, variables: { id: chart } })).data!.files.nodes
    const one = react.gql('query ($id: ID!) { file(id: $id) { id version status } }')
    await apollo.query({ query: one, variables: { id: first!.id } })
    const retract = react.gql(`mutation ($id: ID!, $version: Int!) {
      retractFile(input: { fileId: $id, expectedVersion: $version, reason: "of nobody here" }) { file { id version status } problems { __typename } }
    }`)
    await apollo.mutate({ mutation: retract, variables: { id: first!.id, version: first!.version } })
    const inList = apollo.readQuery<Files>({ query: list, variables: { id: chart } })!.files.nodes.find(({ id }) => id === first!.id)
    const alone = apollo.readQuery<{ file: { status: string } }>({ query: one, variables: { id: first!.id } })!.file
    return [inList!.status, alone.status]
  }, chart)
  expect(shown).toEqual(['ENTERED_IN_ERROR', 'ENTERED_IN_ERROR'])
})

test('a link to bytes is in no cache, and after the login nothing is', async () => {
  const { url, cached, after, late } = await page.evaluate(async (chart) => {
    const list = react.gql('query ($id: ID!) { files(patientId: $id, first: 2) { nodes { id title } } }')
    const found = (await apollo.query<{ files: { nodes: { id: string }[] } }>({ query: list, variables: { id: chart } })).data!
    const sign = react.gql('mutation ($id: ID!) { signedUrl(documentId: $id) { url expiresAt documentId } }')
    const signed = (await apollo.mutate<{ signedUrl: { url: string } }>({ mutation: sign, variables: { id: found.files.nodes[1]!.id } })).data!
    const cached = JSON.stringify(apollo.cache.extract())
    const late = apollo.query({ query: list, variables: { id: chart }, fetchPolicy: 'network-only' }).then(() => 'came', () => 'did not come')
    await end()
    const outcome = await late
    return { url: signed.signedUrl.url, cached, after: apollo.cache.extract(), late: outcome }
  }, chart)
  expect(url).toMatch(/^http/)
  expect(cached).toContain('Page 4')
  expect(cached).not.toContain(url)
  expect(cached).not.toContain(new URL(url).search || new URL(url).pathname)
  expect(late).toBe('did not come')
  expect(after).toEqual({})
})

test('a refused token is renewed once; errors have the codes of the client', async () => {
  const outcome = await page.evaluate(async ([token, chart]) => {
    const asked: boolean[] = []
    const source = (good: string) => ({ refresh }: { refresh: boolean }) => {
      asked.push(refresh)
      return refresh ? good : 'stale'
    }
    const list = react.gql('query ($id: ID!) { files(patientId: $id, first: 1) { nodes { id } } }')
    const renewed = react.clinicalApollo({ url: location.origin, token: source(token!) }).client
    const count = (await renewed.query<{ files: { nodes: unknown[] } }>({ query: list, variables: { id: chart } })).data!.files.nodes.length
    const codeOf = (error: unknown) => react.clinicalErrorOf(error).code
    const refused = await react.clinicalApollo({ url: location.origin, token: source('bad') }).client.query({ query: list, variables: { id: chart } }).catch(codeOf)
    const hidden = await apollo.query({ query: list, variables: { id: '00000000-0000-7000-8000-000000000103' } }).catch(codeOf)
    const away = await react.clinicalApollo({ url: 'http://127.0.0.1:9', token: 'x' }).client.query({ query: list, variables: { id: chart } }).catch(codeOf)
    return { asked, count, refused, hidden, away }
  }, [token, chart])
  expect(outcome).toEqual({ asked: [false, true, false, true], count: 1, refused: 'UNAUTHENTICATED', hidden: 'NOT_FOUND', away: 'NETWORK' })
  complaints.length = 0 // Chromium's own words about the refused requests
})

test('a subscription tells of new files', async () => {
  await page.evaluate((chart) => {
    const events = react.gql('subscription ($id: ID!) { fileEvents(patientId: $id, afterCursor: "") { type file { id title } } }')
    const told: string[] = []
    Object.assign(globalThis, { told })
    apollo.subscribe<{ fileEvents: { file: { title: string } } }>({ query: events, variables: { id: chart } }).subscribe(({ data }) => told.push(data!.fileEvents.file.title))
  }, chart)
  await (await clientOf('clinician')).files.upload({ patientId: chart, kind: 'intake-form', title: 'Just now', file: new Blob(['!'], { type: 'text/plain' }) })
  await page.waitForFunction(() => (globalThis as unknown as { told: string[] }).told.includes('Just now'))
})
