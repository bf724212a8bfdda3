import type { Api } from './api.js'
import { textDigest } from './digest.js'
import { present, throwProblem } from './errors.js'
import type { NoteByIdQuery, NoteFieldsFragment, NoteSourceInput } from './generated/operations.js'
import { AmendNote, CreateNote, NoteById, RetractNote, SignNote, UpdateNote } from './generated/operations.js'
import { newKey } from './upload.js'

export type Note = NoteFieldsFragment
/** A note with the files, other notes and spans of recordings that it was written from. */
export type NoteWithSources = NonNullable<NoteByIdQuery['note']>

export interface CreateNoteOptions {
  patientId: string
  encounterId?: string | undefined
  title?: string | undefined
  draft: string
  /** Ids of the files and other notes that the draft was written from. */
  derivedFrom?: string[] | undefined
  /** Files, or spans of recordings in seconds. */
  sources?: NoteSourceInput[] | undefined
  /** The agent or device whose draft this is, when a person enters it. */
  draftedByDevice?: string | undefined
  /** Given again, the same note comes back. */
  idempotencyKey?: string | undefined
}

/** A draft, with where it came from. */
export async function create(api: Api, options: CreateNoteOptions): Promise<Note> {
  const { derivedFrom = [], idempotencyKey = newKey(), ...rest } = options
  return (await api.again(CreateNote, { input: { ...rest, derivedFrom, idempotencyKey } })).createNote.note
}

export async function get(api: Api, { noteId }: { noteId: string }): Promise<NoteWithSources> {
  return present((await api.again(NoteById, { id: noteId })).note)
}

export interface UpdateNoteOptions {
  noteId: string
  version: number
  draft: string
  title?: string | undefined
  /** With `sources`: what the draft comes from now. Left out both: what it came from. */
  derivedFrom?: string[] | undefined
  sources?: NoteSourceInput[] | undefined
}

/** Another text for a draft. */
export async function update(api: Api, { version: expectedVersion, ...rest }: UpdateNoteOptions): Promise<Note> {
  const { updateNoteDraft } = await api.once(UpdateNote, { input: { ...rest, expectedVersion } })
  throwProblem(updateNoteDraft.problems)
  return present(updateNoteDraft.note)
}

export interface SignNoteOptions {
  noteId: string
  /** The version that was read. Another one meanwhile: `VERSION_CONFLICT`. */
  version: number
  /** The text that was on the screen: its digest is attested. Another one stored: `TEXT_CHANGED`. */
  text?: string | undefined
  /** The digest itself, instead of the text. */
  textSha256?: string | undefined
}

/** Only a person may sign; a signed note never changes. */
export async function sign(api: Api, { noteId, version: expectedVersion, text, textSha256 }: SignNoteOptions): Promise<Note> {
  const attestedTextSha256 = textSha256 ?? (text === undefined ? undefined : await textDigest(text))
  const { signNote } = await api.once(SignNote, { input: { noteId, expectedVersion, attestedTextSha256 } })
  throwProblem(signNote.problems)
  return present(signNote.note)
}

export interface AmendNoteOptions {
  noteId: string
  draft: string
  reason: string
  title?: string | undefined
  /** With `sources`: what the amendment comes from. Left out both: what the signed note came from. */
  derivedFrom?: string[] | undefined
  sources?: NoteSourceInput[] | undefined
  idempotencyKey?: string | undefined
}

/** A new draft that takes the place of a signed note once it is signed itself. */
export async function amend(api: Api, { idempotencyKey = newKey(), ...rest }: AmendNoteOptions): Promise<Note> {
  return (await api.again(AmendNote, { input: { ...rest, idempotencyKey } })).amendNote.note
}

/** Marks a note as entered in error. */
export async function retract(api: Api, options: { noteId: string; version: number; reason: string }): Promise<Note> {
  const { version: expectedVersion, ...rest } = options
  const { retractNote } = await api.once(RetractNote, { input: { ...rest, expectedVersion } })
  throwProblem(retractNote.problems)
  return present(retractNote.note)
}
