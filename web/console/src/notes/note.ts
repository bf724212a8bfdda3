import type { NoteDetailQuery } from '../generated/operations.js'

/** A note with all that the drawer shows of it. */
export type NoteDetailed = NonNullable<NoteDetailQuery['note']>
