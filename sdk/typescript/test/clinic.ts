// The demo clinic of a development server: who is who, and a client for each.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, inject } from 'vitest'
import { createClinical, type Clinical } from '../src/index.js'
import type { ClinicalOptions } from '../src/index.js'

const run = promisify(execFile)

/** On the clinician's panel. */
export const patientId = '00000000-0000-7000-8000-000000000101'
/** On a colleague's only. */
export const strangerId = '00000000-0000-7000-8000-000000000103'

export const url = () => inject('server').url

export async function tokenOf(name: string, ...flags: string[]): Promise<string> {
  const { binary, directory } = inject('server')
  return (await run(binary, ['dev', 'token', name, ...flags], { cwd: directory })).stdout.trim()
}

export async function clientOf(name: string, options: Partial<ClinicalOptions> = {}): Promise<Clinical> {
  return createClinical({ url: url(), token: await tokenOf(name), ...options })
}

/** Bytes that no compression, zero page or repetition makes look alike. */
export function bytes(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(length / 4))
  let x = seed
  for (let i = 0; i < words.length; i++) {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    words[i] = x
  }
  return new Uint8Array(words.buffer, 0, length)
}

/** Holds what the bucket gives for a file against what was sent. (`toEqual` takes seconds for a megabyte.) */
export async function expectStored(clinical: Clinical, documentId: string, sent: Uint8Array): Promise<void> {
  const link = await clinical.files.signedUrl({ documentId, expiresIn: 60 })
  const response = await fetch(link.url)
  expect(response.status).toBe(200)
  const given = Buffer.from(await response.arrayBuffer())
  expect(given.length).toBe(sent.length)
  expect(given.equals(sent)).toBe(true)
}

/** A patient of the clinician's own making: nobody else's files are in this chart. */
export async function newChart(displayName = 'New Chart'): Promise<string> {
  const text = 'mutation ($displayName: String!) { registerPatient(input: { displayName: $displayName }) { patient { id } } }'
  return (await query<{ registerPatient: { patient: { id: string } } }>('clinician', text, { displayName })).registerPatient.patient.id
}

/** One GraphQL request past the client, for what it does not offer. */
export async function query<T>(name: string, text: string, variables: object = {}): Promise<T> {
  const headers = { Authorization: `Bearer ${await tokenOf(name)}`, 'Content-Type': 'application/json' }
  const response = await fetch(`${url()}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query: text, variables }) })
  const { data, errors } = (await response.json()) as { data: T; errors?: { message: string }[] }
  if (errors) throw new Error(errors[0]?.message)
  return data
}
