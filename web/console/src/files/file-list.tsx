import { useQuery, useSubscription } from '@apollo/client/react'
import { useEffect, useState } from 'react'
import { FileEvents, Files, type FileFilter, type FileRowFragment } from '../generated/operations.js'
import { Empty, FailureNotice, Loading } from '../ui/notice.js'
import { clock, plain, size, when } from '../ui/words.js'
import { FileDrawer } from './file-drawer.js'
import { FileFilters } from './file-filters.js'

const pageSize = 25
/** Before a stream of events that ended is opened again, milliseconds. */
const pause = 5_000

/** The patient's files, newest first, kept as they are now by the stream of events. */
export function FileList({ patientId }: { patientId: string }) {
  const [filter, setFilter] = useState<FileFilter>({})
  const [open, setOpen] = useState<string | null>(null)
  const { data, previousData, loading, error, refetch, fetchMore } = useQuery(Files, { variables: { patientId, first: pageSize, filter } })
  useLive(patientId, () => void refetch())
  const page = (data ?? previousData)?.files
  return (
    <section aria-labelledby="files">
      <h2 id="files" className="hidden">
        Files
      </h2>
      <FileFilters onChange={setFilter} />
      <FailureNotice error={error} />
      {loading && !page && <Loading />}
      {!error && page?.nodes.length === 0 && <Empty>No files here.</Empty>}
      <ul className="rows" aria-busy={loading}>
        {page?.nodes.map((file) => (
          <li key={file.id}>
            <button type="button" className="row file-row" onClick={() => setOpen(file.id)}>
              <FileRow file={file} />
            </button>
          </li>
        ))}
      </ul>
      {page?.pageInfo.hasNextPage && (
        <button type="button" onClick={() => void fetchMore({ variables: { after: page.pageInfo.endCursor } })}>
          More files
        </button>
      )}
      {open && <FileDrawer fileId={open} onOpen={setOpen} onClose={() => setOpen(null)} key={open} />}
    </section>
  )
}

function FileRow({ file }: { file: FileRowFragment }) {
  const tone = file.status === 'CURRENT' ? undefined : file.status === 'SUPERSEDED' ? 'muted' : 'bad'
  return (
    <>
      <span className="row-title">{file.title ?? plain(file.kind)}</span>
      <span className="fine">
        {plain(file.kind)} · {file.duration ? `${clock(file.duration)} · ` : ''}
        {size(file.size)} · {file.uploadedBy.display ?? 'unknown'} · {when(file.createdAt)}
      </span>
      {tone && (
        <span className="badge" data-tone={tone}>
          {plain(file.status)}
        </span>
      )}
    </>
  )
}

/**
 * Hears of what happens to the files. A stream begins with the newest event, so whatever happened
 * while there was none leads to another look, too. Streams end, after an hour at the latest.
 */
function useLive(patientId: string, look: () => void) {
  const [ended, setEnded] = useState(false)
  const { error, restart } = useSubscription(FileEvents, { variables: { patientId }, onData: look, onComplete: () => setEnded(true) })
  useEffect(() => {
    if (!error && !ended) return
    const timer = setTimeout(() => {
      setEnded(false)
      restart()
    }, pause)
    return () => clearTimeout(timer)
  }, [error, ended, restart])
}
