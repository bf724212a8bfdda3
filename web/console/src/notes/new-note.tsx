import { useState, type FormEvent } from 'react'
import { useSession } from '../session/context.js'
import { useAnnounce } from '../ui/announce.js'
import { Field } from '../ui/field.js'
import { FailureNotice } from '../ui/notice.js'
import { useTask } from '../ui/task.js'
import { plain } from '../ui/words.js'

interface Props {
  patientId: string
  /** The file that the note is written from. */
  from?: { id: string; title: string | null; kind: string }
  onDone: () => void
}

/** A draft. Where it came from is kept with it; signing is another step. */
export function NewNote({ patientId, from, onDone }: Props) {
  const { clinical, refresh } = useSession()
  const announce = useAnnounce()
  const [title, setTitle] = useState('')
  const [draft, setDraft] = useState('')
  const save = useTask(async () => {
    await clinical.notes.create({ patientId, draft, title: title.trim() || undefined, derivedFrom: from ? [from.id] : [] })
    announce('The draft is saved.')
    await refresh()
    onDone()
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    void save.run()
  }
  return (
    <form className="card" aria-label="New note" onSubmit={submit}>
      {from && <p className="fine">Written from {from.title ?? plain(from.kind)}.</p>}
      <Field label="Title">
        <input value={title} maxLength={255} autoComplete="off" onChange={(event) => setTitle(event.target.value)} />
      </Field>
      <Field label="Text">
        <textarea rows={10} required value={draft} onChange={(event) => setDraft(event.target.value)} />
      </Field>
      <div className="actions">
        <button type="submit" className="primary" disabled={save.running}>
          Save draft
        </button>
        <button type="button" className="quiet" onClick={onDone}>
          Cancel
        </button>
      </div>
      <FailureNotice error={save.error} />
    </form>
  )
}
