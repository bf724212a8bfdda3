// Writes src/generated/operations.ts: the types of src/operations.graphql against
// the server's schema (GraphQL Code Generator), and each operation's text.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { codegen } from '@graphql-codegen/core'
import * as operations from '@graphql-codegen/typescript-operations'
import { Kind, parse, print, stripIgnoredCharacters, visit } from 'graphql'

const at = (path) => fileURLToPath(new URL(path, import.meta.url))
export const target = at('../src/generated/operations.ts')

/** The generated file's text. */
export async function generate() {
  const document = parse(readFileSync(at('../src/operations.graphql'), 'utf8'))
  return codegen({
    filename: target,
    schema: parse(readFileSync(at('../../../schema.graphqls'), 'utf8')),
    documents: [{ location: 'operations.graphql', document }],
    config: {},
    plugins: [
      { typescript: { useTypeImports: true, enumType: 'string-literal', scalars, strictScalars: true, avoidOptionals: { field: true }, skipTypename: true } },
      { texts: {} },
    ],
    pluginMap: { typescript: operations, texts: { plugin: (_schema, documents) => texts(documents[0].document) } },
  })
}

const scalars = {
  ID: 'string',
  Instant: 'string',
  FhirDate: 'string',
  Long: 'number',
  URL: 'string',
  Sha256: 'string',
  FhirJSON: { input: 'never', output: 'unknown' },
}

/** Each operation as one string with the fragments it uses, carrying its types. */
function texts(document) {
  const fragments = new Map(document.definitions.filter((d) => d.kind === Kind.FRAGMENT_DEFINITION).map((d) => [d.name.value, d]))
  const used = (node, found = new Set()) => {
    visit(node, {
      FragmentSpread({ name }) {
        const fragment = fragments.get(name.value)
        if (fragment && !found.has(fragment)) used(fragment, found.add(fragment))
      },
    })
    return found
  }
  const lines = document.definitions
    .filter((d) => d.kind === Kind.OPERATION_DEFINITION)
    .map((d) => {
      const name = d.name.value
      const text = stripIgnoredCharacters([d, ...used(d)].map(print).join('\n'))
      const types = `${name}${d.operation === 'query' ? 'Query' : 'Mutation'}`
      return `export const ${name} = ${JSON.stringify(text)} as Operation<${types}, ${types}Variables>`
    })
  return [
    '/** The text of an operation, carrying the types of its result and variables. */',
    'export type Operation<Result, Variables> = string & { readonly __types?: (variables: Variables) => Result }',
    ...lines,
    '',
  ].join('\n')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(target, await generate())
