import { useState } from 'react'
import { useSession } from '../session/context.js'
import { Action, Reason } from '../ui/action.js'
import { Field } from '../ui/field.js'
import { when } from '../ui/words.js'
import type { NoteDetailed } from './note.js'
import { RetractNote } from './retract-note.js'

export function SignedNote({ note, onOpen }: { note: NoteDetailed; onOpen: (noteId: string) => void }) {
  const { amends, amendedBy, signer, signedAt } = note
  return (
    <>
      <article className="note-text">{note.text}</article>
      {signer && signedAt && (
        <p>
          Signed by {signer.display}, {when(signedAt)}
          <span className="fine mono digest">SHA-256 {note.textSha256}</span>
        </p>
      )}
      {amends && (
        <button type="button" onClick={() => onOpen(amends.id)}>
          Open the note that this one amends
        </button>
      )}
      {amendedBy && (
        <button type="button" onClick={() => onOpen(amendedBy.id)}>
          Open the note that took its place
        </button>
      )}
      {note.status === 'SIGNED' && <Amend note={note} />}
      {note.status !== 'ENTERED_IN_ERROR' && <RetractNote note={note} />}
    </>
  )
}

/** The signed text stays; a new draft takes its place once it is signed itself. */
function Amend({ note }: { note: NoteDetailed }) {
  const { clinical } = useSession()
  const [draft, setDraft] = useState(note.text)
  const [reason, setReason] = useState('')
  return (
    <Action summary="Amend" button="Draft the amendment" said="The amendment is drafted; it is in the list of notes." work={() => clinical.notes.amend({ noteId: note.id, draft, reason })}>
      <Field label="Amended text">
        <textarea rows={8} required value={draft} onChange={(event) => setDraft(event.target.value)} />
      </Field>
      <Reason value={reason} onChange={setReason} />
    </Action>
  )
}
