import { useQuery } from '@apollo/client/react'
import { NoteDetail } from '../generated/operations.js'
import { ProvenanceList } from '../provenance/provenance-list.js'
import { Drawer } from '../ui/drawer.js'
import { FailureNotice, Loading } from '../ui/notice.js'
import { plain, when } from '../ui/words.js'
import { DraftEditor } from './draft-editor.js'
import type { NoteDetailed } from './note.js'
import { SignedNote } from './signed-note.js'

interface Props {
  noteId: string
  onOpen: (noteId: string) => void
  onClose: () => void
}

/** One note: a draft to edit and sign, or a signed text that never changes. */
export function NoteDrawer({ noteId, onOpen, onClose }: Props) {
  const { data, loading, error } = useQuery(NoteDetail, { variables: { id: noteId }, fetchPolicy: 'cache-and-network' })
  const note = data?.note
  return (
    <Drawer title={note ? (note.title ?? 'Note') : 'Note'} subtitle={note && `${plain(note.status)}, version ${note.version}`} onClose={onClose}>
      {loading && !note && <Loading />}
      <FailureNotice error={error} />
      {note && (
        <>
          {note.status === 'DRAFT' ? <DraftEditor key={note.version} note={note} /> : <SignedNote note={note} onOpen={onOpen} />}
          <Sources note={note} />
          <Versions note={note} />
          <ProvenanceList entries={note.provenance} />
        </>
      )}
    </Drawer>
  )
}

function Sources({ note }: { note: NoteDetailed }) {
  if (note.derivedFrom.length === 0) return null
  return (
    <section aria-label="Written from">
      <h3>Written from</h3>
      <ul>
        {note.derivedFrom.map(({ id, title, kind }) => (
          <li key={id}>{title ?? plain(kind)}</li>
        ))}
      </ul>
    </section>
  )
}

function Versions({ note }: { note: NoteDetailed }) {
  return (
    <details>
      <summary>Versions</summary>
      <ol className="timeline">
        {note.versions.map((version) => (
          <li key={version.version}>
            <strong>
              Version {version.version}, {plain(version.status).toLowerCase()}
            </strong>
            <span className="fine"> {when(version.at)}</span>
            <p>{version.author.display}</p>
            <p className="fine mono">{version.textSha256}</p>
          </li>
        ))}
      </ol>
    </details>
  )
}
