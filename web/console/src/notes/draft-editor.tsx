import { useState, type FormEvent } from 'react'
import { failureOf } from '../api/failure.js'
import { useSession } from '../session/context.js'
import { useAnnounce } from '../ui/announce.js'
import { Field } from '../ui/field.js'
import { FailureNotice } from '../ui/notice.js'
import { useTask } from '../ui/task.js'
import type { NoteDetailed } from './note.js'
import { RetractNote } from './retract-note.js'

/** Edits a draft, and signs the text that is on the screen and no other. */
export function DraftEditor({ note }: { note: NoteDetailed }) {
  const { clinical, refresh } = useSession()
  const announce = useAnnounce()
  const [title, setTitle] = useState(note.title ?? '')
  const [draft, setDraft] = useState(note.text)
  const changed = draft !== note.text || title !== (note.title ?? '')
  const save = useTask(async () => {
    await clinical.notes.update({ noteId: note.id, version: note.version, draft, title: title.trim() || undefined })
    announce('The draft is saved.')
    await refresh()
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    void save.run()
  }
  return (
    <>
      <form className="card" aria-label="Draft" onSubmit={submit}>
        <Field label="Title">
          <input value={title} maxLength={255} autoComplete="off" onChange={(event) => setTitle(event.target.value)} />
        </Field>
        <Field label="Text">
          <textarea rows={12} required value={draft} onChange={(event) => setDraft(event.target.value)} />
        </Field>
        <button type="submit" disabled={!changed || save.running}>
          Save draft
        </button>
        <Refused error={save.error} />
      </form>
      <Sign note={note} changed={changed} />
      <RetractNote note={note} />
    </>
  )
}

function Sign({ note, changed }: { note: NoteDetailed; changed: boolean }) {
  const { clinical, refresh } = useSession()
  const announce = useAnnounce()
  const sign = useTask(async () => {
    await clinical.notes.sign({ noteId: note.id, version: note.version, text: note.text })
    announce('The note is signed.')
    await refresh()
  })
  return (
    <section className="card" aria-label="Sign">
      <p>
        You sign version {note.version} as it stands above. A signed note never changes.
        <span className="fine mono digest">SHA-256 {note.textSha256}</span>
      </p>
      {changed && <p className="fine">Save the draft first: what is signed is what is stored.</p>}
      <button type="button" className="primary" disabled={changed || sign.running} onClick={() => void sign.run()}>
        Sign note
      </button>
      <Refused error={sign.error} />
    </section>
  )
}

/** After a conflict the way on is to read what is there now. */
function Refused({ error }: { error: unknown }) {
  const { refresh } = useSession()
  if (!error) return null
  const conflict = ['VERSION_CONFLICT', 'TEXT_CHANGED', 'NOTE_NOT_SIGNABLE'].includes(failureOf(error).code)
  return (
    <FailureNotice error={error}>
      {conflict && (
        <button type="button" onClick={() => void refresh()}>
          Show the new version
        </button>
      )}
    </FailureNotice>
  )
}
