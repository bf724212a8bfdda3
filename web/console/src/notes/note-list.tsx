import { useQuery } from '@apollo/client/react'
import { useState } from 'react'
import { Notes, type NoteRowFragment } from '../generated/operations.js'
import { Drawer } from '../ui/drawer.js'
import { Empty, FailureNotice, Loading } from '../ui/notice.js'
import { plain, when } from '../ui/words.js'
import { NewNote } from './new-note.js'
import { NoteDrawer } from './note-drawer.js'

export function NoteList({ patientId }: { patientId: string }) {
  const [open, setOpen] = useState<string | null>(null)
  const [drafting, setDrafting] = useState(false)
  const { data, loading, error, fetchMore } = useQuery(Notes, { variables: { patientId } })
  const page = data?.notes
  return (
    <section aria-labelledby="notes">
      <div className="section-head">
        <h2 id="notes">Notes</h2>
        <button type="button" onClick={() => setDrafting(true)}>
          New note
        </button>
      </div>
      <FailureNotice error={error} />
      {loading && !page && <Loading />}
      {!error && page?.nodes.length === 0 && <Empty>No notes yet. Draft one from a recording, or from nothing.</Empty>}
      <ul className="rows">
        {page?.nodes.map((note) => (
          <li key={note.id}>
            <button type="button" className="row file-row" onClick={() => setOpen(note.id)}>
              <NoteRow note={note} />
            </button>
          </li>
        ))}
      </ul>
      {page?.pageInfo.hasNextPage && (
        <button type="button" onClick={() => void fetchMore({ variables: { after: page.pageInfo.endCursor } })}>
          More notes
        </button>
      )}
      {open && <NoteDrawer key={open} noteId={open} onOpen={setOpen} onClose={() => setOpen(null)} />}
      {drafting && (
        <Drawer title="New note" onClose={() => setDrafting(false)}>
          <NewNote patientId={patientId} onDone={() => setDrafting(false)} />
        </Drawer>
      )}
    </section>
  )
}

const tones: Record<string, string> = { DRAFT: 'muted', SIGNED: 'good', ENTERED_IN_ERROR: 'bad' }

function NoteRow({ note }: { note: NoteRowFragment }) {
  return (
    <>
      <span className="row-title">{note.title ?? 'Note'}</span>
      <span className="fine">
        {note.signer && note.signedAt ? `Signed by ${note.signer.display}, ${when(note.signedAt)}` : `${note.author.display}, ${when(note.updatedAt)}`}
      </span>
      <span className="badge" data-tone={tones[note.status]}>
        {plain(note.status)}
      </span>
    </>
  )
}
