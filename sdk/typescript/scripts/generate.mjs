// Writes the types of GraphQL operations against the server's schema (GraphQL Code
// Generator), with the operations themselves: those of this client as text, those
// of the console as documents for Apollo Client.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { codegen } from '@graphql-codegen/core'
import * as operations from '@graphql-codegen/typescript-operations'
import { Kind, parse, print, stripIgnoredCharacters, visit } from 'graphql'

const at = (path) => fileURLToPath(new URL(path, import.meta.url))
const root = at('../../../')
const schema = parse(readFileSync(at('../../../schema.graphqls'), 'utf8'))

/** What is generated, and from what. */
export const targets = [
  { file: at('../src/generated/operations.ts'), sources: 'sdk/typescript/src', write: texts },
  { file: at('../../../web/console/src/generated/operations.ts'), sources: 'web/console/src', write: documents },
]

/** The generated file's text. */
export async function generate({ file, sources, write }) {
  const text = filesOf(sources).map((path) => readFileSync(path, 'utf8'))
  const document = parse(text.join('\n'))
  return codegen({
    filename: file,
    schema,
    documents: [{ location: sources, document }],
    config: {},
    plugins: [
      { typescript: { useTypeImports: true, enumType: 'string-literal', scalars, strictScalars: true, avoidOptionals: { field: true }, skipTypename: true } },
      { operations: {} },
    ],
    pluginMap: { typescript: operations, operations: { plugin: (_schema, given) => write(given[0].document) } },
  })
}

/** The operations below a folder, in the order of their paths. */
const filesOf = (folder) =>
  readdirSync(join(root, folder), { recursive: true })
    .filter((name) => name.endsWith('.graphql'))
    .sort()
    .map((name) => join(root, folder, name))

const scalars = {
  ID: 'string',
  Instant: 'string',
  FhirDate: 'string',
  Long: 'number',
  URL: 'string',
  Sha256: 'string',
  FhirJSON: { input: 'never', output: 'unknown' },
}

/** Each operation with its fragments, stripped, and the names of its types. */
function each(document, line) {
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
  return document.definitions
    .filter((d) => d.kind === Kind.OPERATION_DEFINITION)
    .map((d) => {
      const name = d.name.value
      const text = JSON.stringify(stripIgnoredCharacters([d, ...used(d)].map(print).join('\n')))
      const type = name + d.operation[0].toUpperCase() + d.operation.slice(1)
      return line(name, text, `<${type}, ${type}Variables>`)
    })
}

/** One string each, carrying its types. */
function texts(document) {
  return [
    '/** The text of an operation, carrying the types of its result and variables. */',
    'export type Operation<Result, Variables> = string & { readonly __types?: (variables: Variables) => Result }',
    ...each(document, (name, text, types) => `export const ${name} = ${text} as Operation${types}`),
    '',
  ].join('\n')
}

/** One document each, as Apollo Client takes it. */
function documents(document) {
  return {
    prepend: ["import type { TypedDocumentNode } from '@apollo/client'", "import { parse } from 'graphql'"],
    content: [
      'const document = (text: string) => parse(text, { noLocation: true })',
      ...each(document, (name, text, types) => `export const ${name} = document(${text}) as TypedDocumentNode${types}`),
      '',
    ].join('\n'),
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const target of targets) writeFileSync(target.file, await generate(target))
}
