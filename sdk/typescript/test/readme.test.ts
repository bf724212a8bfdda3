// The README's examples, put together as one program, compile in strict mode
// and run against a real server.
import { execFile } from 'node:child_process'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newChart, patientId, query, tokenOf, url } from './clinic.js'

const run = promisify(execFile)
const at = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const directory = at('../.readme/')
beforeAll(() => mkdir(directory, { recursive: true }))
afterAll(() => rm(directory, { recursive: true, force: true }))

/** What an application has: the names that the examples use. */
const surroundings = `
declare global {
  var given: {
    url: string; patientId: string; otherPatientId: string; encounterId: string; draft: string; file: File; signal: AbortSignal
    session: { accessToken(): Promise<string> }; progressBar(sent: number, total: number | null): void
  }
}
const { url, patientId, otherPatientId, encounterId, draft, file, signal, session, progressBar } = globalThis.given
import type { ResourceOf } from '@bonfiredb/client'
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const declared: Same<ResourceOf<'gait-video'>['resourceType'], 'Media'> = true
const open: Same<ResourceOf<'horoscope'>['resourceType'], 'Media' | 'DocumentReference' | 'Binary'> = true
`

async function program(): Promise<string> {
  const readme = await readFile(at('../README.md'), 'utf8')
  const lines = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code!).join('\n').split('\n')
  const imports = lines.filter((line) => line.startsWith('import '))
  return [...imports, surroundings, ...lines.filter((line) => !line.startsWith('import ')), 'export { audio, link, expiresAt, note, signed, form, next, old, exposures, declared, open }', ''].join('\n')
}

test('the examples compile in strict mode and run', async () => {
  await writeFile(`${directory}examples.ts`, await program())
  // As an application with a bundler has it, and with the strictest settings.
  const options = { strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, target: 'ES2022', module: 'ESNext', moduleResolution: 'bundler' }
  const compilerOptions = { ...options, lib: ['ES2022', 'DOM', 'DOM.Iterable', 'DOM.AsyncIterable'], types: [], skipLibCheck: false, rootDir: '.', outDir: 'out' }
  await writeFile(`${directory}tsconfig.json`, JSON.stringify({ compilerOptions, include: ['examples.ts'] }))
  const tsc = await run(process.execPath, [at('../node_modules/typescript/bin/tsc'), '-p', directory]).catch((error) => error)
  expect(tsc.stdout).toBe('')

  const open = 'mutation ($id: ID!) { openEncounter(input: { patientId: $id }) { encounter { id } } }'
  const { openEncounter } = await query<{ openEncounter: { encounter: { id: string } } }>('clinician', open, { id: patientId })
  const token = await tokenOf('clinician')
  let shown = 0
  Object.assign(globalThis, {
    given: {
      ...{ url: url(), patientId, otherPatientId: await newChart(), encounterId: openEncounter.encounter.id },
      ...{ draft: 'Sleeps badly.', signal: new AbortController().signal, session: { accessToken: async () => token } },
      file: new File([wav(1)], 'visit.wav', { type: 'audio/wav' }),
      progressBar: (sent: number) => (shown = sent),
    },
  })
  const { audio, link, expiresAt, note, signed, form, old, exposures } = await import(/* @vite-ignore */ `${directory}out/examples.js`)
  expect(audio).toMatchObject({ resourceType: 'Media', subject: { reference: `Patient/${patientId}` } })
  expect(shown).toBe(wav(1).length)
  expect(new Uint8Array(await (await fetch(link)).arrayBuffer())).toEqual(wav(1))
  expect(Date.parse(expiresAt)).toBeGreaterThan(Date.now())
  expect(note).toMatchObject({ status: 'DRAFT', text: 'Sleeps badly.' })
  expect(signed).toMatchObject({ id: note.id, status: 'SIGNED' })
  expect(form).toMatchObject({ resourceType: 'DocumentReference' })
  expect(old).toMatchObject({ id: form.id, status: 'SUPERSEDED' })
  expect(exposures).toEqual([])
})

/** A recording of silence, 8-bit mono at 800 Hz. */
function wav(seconds: number): Uint8Array<ArrayBuffer> {
  const length = 800 * seconds
  const out = new DataView(new ArrayBuffer(44 + length))
  const text = (at: number, words: string) => [...words].forEach((c, i) => out.setUint8(at + i, c.charCodeAt(0)))
  text(0, 'RIFF'), out.setUint32(4, 36 + length, true), text(8, 'WAVEfmt '), out.setUint32(16, 16, true)
  out.setUint16(20, 1, true), out.setUint16(22, 1, true), out.setUint32(24, 800, true), out.setUint32(28, 800, true)
  out.setUint16(32, 1, true), out.setUint16(34, 8, true), text(36, 'data'), out.setUint32(40, length, true)
  return new Uint8Array(out.buffer).fill(128, 44)
}
