import { useQuery } from '@apollo/client/react'
import { useState, type ReactNode } from 'react'
import { FileDetail } from '../generated/operations.js'
import { NoteDrawer } from '../notes/note-drawer.js'
import { NewNote } from '../notes/new-note.js'
import { ProvenanceList } from '../provenance/provenance-list.js'
import { Drawer } from '../ui/drawer.js'
import { FailureNotice, Loading } from '../ui/notice.js'
import { clock, plain, size, when } from '../ui/words.js'
import type { FileDetailed } from './file.js'
import { FileActions } from './file-actions.js'
import { FileViewer } from './file-viewer.js'

interface Props {
  fileId: string
  onOpen: (fileId: string) => void
  onClose: () => void
}

/** One file: what it is, what it holds, what came of it and what can be done about it. */
export function FileDrawer({ fileId, onOpen, onClose }: Props) {
  const { data, loading, error } = useQuery(FileDetail, { variables: { id: fileId }, fetchPolicy: 'cache-and-network' })
  const [drafting, setDrafting] = useState(false)
  const file = data?.file
  return (
    <Drawer title={file ? (file.title ?? plain(file.kind)) : 'File'} subtitle={file && plain(file.kind)} onClose={onClose}>
      {loading && !file && <Loading />}
      <FailureNotice error={error} />
      {file && (
        <>
          {file.status !== 'CURRENT' && <Standing file={file} onOpen={onOpen} />}
          <FileViewer file={file} />
          {drafting && <NewNote patientId={file.patient.id} from={file} onDone={() => setDrafting(false)} />}
          {!drafting && file.status !== 'ENTERED_IN_ERROR' && (
            <button type="button" onClick={() => setDrafting(true)}>
              Draft a note from this
            </button>
          )}
          <NotesOf file={file} />
          <Facts file={file} />
          <ProvenanceList entries={file.provenance} />
          <FileActions file={file} />
        </>
      )}
    </Drawer>
  )
}

function Standing({ file, onOpen }: { file: FileDetailed; onOpen: (fileId: string) => void }) {
  const { supersededBy: newer } = file
  return (
    <div className="notice" data-tone="quiet">
      <strong>{plain(file.status)}</strong>
      {newer && (
        <button type="button" onClick={() => onOpen(newer.id)}>
          Open the one that took its place
        </button>
      )}
    </div>
  )
}

function NotesOf({ file }: { file: FileDetailed }) {
  const [open, setOpen] = useState<string | null>(null)
  if (file.notes.nodes.length === 0) return null
  return (
    <section aria-label="Notes from this file">
      <h3>Notes from this file</h3>
      <ul className="rows">
        {file.notes.nodes.map((note) => (
          <li key={note.id}>
            <button type="button" className="row" onClick={() => setOpen(note.id)}>
              <span className="row-title">{note.title ?? 'Note'}</span>
              <span className="fine">{plain(note.status)}</span>
            </button>
          </li>
        ))}
      </ul>
      {open && <NoteDrawer noteId={open} onOpen={setOpen} onClose={() => setOpen(null)} />}
    </section>
  )
}

function Facts({ file }: { file: FileDetailed }) {
  const facts: [string, ReactNode][] = [
    ['FHIR resource', `${file.resourceType}/${file.id}`],
    ['Type', file.contentType],
    ['Size', size(file.size)],
    ...(file.duration ? [['Length', clock(file.duration)] as [string, ReactNode]] : []),
    ...(file.width && file.height ? [['Pixels', `${file.width} × ${file.height}`] as [string, ReactNode]] : []),
    ['SHA-256', file.sha256],
    ['Uploaded', `${when(file.createdAt)} by ${file.uploadedBy.display ?? file.uploadedBy.id}`],
    ['Scan', plain(file.scanStatus)],
    ['Version', file.version],
    ...(file.legalHold ? [['Legal hold', 'yes'] as [string, ReactNode]] : []),
  ]
  return (
    <details>
      <summary>Details</summary>
      <dl className="facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </details>
  )
}
