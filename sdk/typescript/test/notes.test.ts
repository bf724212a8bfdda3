import { createHash } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Clinical, Note } from '../src/index.js'
import { clientOf, patientId, query } from './clinic.js'

let clinical: Clinical
let encounterId: string
beforeAll(async () => {
  clinical = await clientOf('clinician')
  const open = 'mutation ($id: ID!) { openEncounter(input: { patientId: $id }) { encounter { id } } }'
  encounterId = (await query<{ openEncounter: { encounter: { id: string } } }>('clinician', open, { id: patientId })).openEncounter.encounter.id
})

const draftOf = (draft: string): Promise<Note> => clinical.notes.create({ patientId, encounterId, draft })
const digest = (text: string) => createHash('sha256').update(text).digest('hex')

describe('a note', () => {
  test('is drafted from a file, and says so', async () => {
    const form = await clinical.files.upload({ patientId, kind: 'intake-form', file: new Blob(['Sleeps badly.'], { type: 'text/plain' }) })
    const note = await clinical.notes.create({ patientId, encounterId, draft: 'Sleep disorder.', derivedFrom: [form.id] })
    expect(note).toMatchObject({ status: 'DRAFT', version: 1, text: 'Sleep disorder.', textSha256: digest('Sleep disorder.'), encounterId, signedAt: null })
    expect(await clinical.notes.get({ noteId: note.id })).toMatchObject({ ...note, derivedFrom: [{ id: form.id }], sources: [{ file: { id: form.id }, start: null }] })
  })

  test('is made once for one key', async () => {
    const options = { patientId, encounterId, draft: 'Once.', idempotencyKey: `key-${Date.now()}` }
    expect((await clinical.notes.create(options)).id).toBe((await clinical.notes.create(options)).id)
  })

  test('is changed while it is a draft', async () => {
    const { id: noteId, version } = await draftOf('First thought.')
    const changed = await clinical.notes.update({ noteId, version, draft: 'Second thought.' })
    expect(changed).toMatchObject({ text: 'Second thought.', version: version + 1 })
    await expect(clinical.notes.update({ noteId, version, draft: 'Third.' })).rejects.toMatchObject({
      ...{ code: 'VERSION_CONFLICT', problem: { currentVersion: version + 1 } },
    })
  })

  test('is signed as it was read, and then stays', async () => {
    const { id: noteId, version, text } = await draftOf('Ready.')
    await expect(clinical.notes.sign({ noteId, version, text: 'Something else.' })).rejects.toMatchObject({
      ...{ code: 'TEXT_CHANGED', problem: { currentSha256: digest('Ready.') } },
    })
    const signed = await clinical.notes.sign({ noteId, version, text })
    expect(signed).toMatchObject({ status: 'SIGNED', signer: { id: expect.any(String) }, signedAt: expect.any(String) })
    await expect(clinical.notes.update({ noteId, version: signed.version, draft: 'x' })).rejects.toMatchObject({ code: 'NOTE_NOT_SIGNABLE' })
    const amendment = await clinical.notes.amend({ noteId, draft: 'Ready, and right.', reason: 'a word was missing' })
    expect(amendment).toMatchObject({ status: 'DRAFT', text: 'Ready, and right.' })
    expect(amendment.id).not.toBe(noteId)
  })

  test('is not signed by an agent', async () => {
    const { id: noteId, version } = await draftOf('By hand.')
    const scribe = await clientOf('scribe')
    await expect(scribe.notes.sign({ noteId, version })).rejects.toMatchObject({ name: 'ClinicalError', code: expect.stringMatching(/FORBIDDEN|NOT_FOUND/) })
  })

  test('is retracted', async () => {
    const { id: noteId, version } = await draftOf('Of another patient.')
    expect(await clinical.notes.retract({ noteId, version, reason: 'the wrong patient' })).toMatchObject({ status: 'ENTERED_IN_ERROR' })
  })
})
