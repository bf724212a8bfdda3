import { useQuery, useSubscription } from '@apollo/client/react'
import { useRef, type ReactNode } from 'react'
import { UploadProgress, UploadsUnderWay, type UploadLineFragment } from '../generated/operations.js'
import { useRecording } from '../recordings/recording.js'
import { useSession } from '../session/context.js'
import { Empty, FailureNotice } from '../ui/notice.js'
import { useTask } from '../ui/task.js'
import { plain, size } from '../ui/words.js'
import { useUploads, type Sending } from './queue.js'

/** How often to look for uploads begun elsewhere, milliseconds. Each look is in the audit trail. */
const lookEvery = 20_000

/** The caller's uploads into this chart: from this page, and from their other devices. */
export function UnderWay({ patientId }: { patientId: string }) {
  const { list } = useUploads()
  const recording = useRecording()
  const here = list.filter((one) => one.patientId === patientId)
  const query = useQuery(UploadsUnderWay, {
    variables: { patientId },
    fetchPolicy: 'network-only',
    pollInterval: lookEvery,
    skipPollAttempt: () => document.hidden,
  })
  const known = new Set([recording.state?.uploadId, ...here.filter(({ state }) => state === 'sending').map(({ uploadId }) => uploadId)])
  const elsewhere = query.data?.uploads.nodes.filter(({ id }) => !known.has(id)) ?? []
  return (
    <section aria-labelledby="under-way">
      <div className="section-head">
        <h2 id="under-way">Under way</h2>
        <button type="button" onClick={() => void query.refetch()}>
          Refresh
        </button>
      </div>
      <FailureNotice error={query.error} />
      {here.length + elsewhere.length === 0 && <Empty>Nothing is being uploaded.</Empty>}
      <ul className="rows">
        {here.map((one) => (
          <Here key={one.key} one={one} />
        ))}
        {elsewhere.map((one) => (
          <Elsewhere key={one.id} upload={one} onEnd={() => void query.refetch()} />
        ))}
      </ul>
    </section>
  )
}

function Here({ one }: { one: Sending }) {
  const { stop, forget } = useUploads()
  const words = { sending: 'Sending', done: 'Stored', failed: 'Failed', stopped: 'Stopped' }[one.state]
  return (
    <Line title={one.name} state={words} sent={one.sent} total={one.total} over={one.state !== 'sending'}>
      <FailureNotice error={one.error} />
      <button type="button" className="quiet" aria-label={`${one.state === 'sending' ? 'Stop' : 'Dismiss'} ${one.name}`} onClick={() => (one.state === 'sending' ? stop(one.key) : forget(one.key))}>
        {one.state === 'sending' ? 'Stop' : 'Dismiss'}
      </button>
    </Line>
  )
}

/** An upload that another device sends, or that was interrupted: live, and to go on with. */
function Elsewhere({ upload, onEnd }: { upload: UploadLineFragment; onEnd: () => void }) {
  const { clinical, refresh } = useSession()
  const { data, error } = useSubscription(UploadProgress, { variables: { uploadId: upload.id }, onComplete: onEnd })
  const now = data?.uploadProgress ?? upload
  const name = now.title ?? plain(now.kind)
  const choose = useRef<HTMLInputElement>(null)
  const drop = useTask(() => clinical.uploads.cancel({ uploadId: upload.id }).then(onEnd))
  const goOn = useTask((file: File) => clinical.uploads.resume({ uploadId: upload.id, file }).then(refresh))
  const finish = useTask(() => clinical.uploads.finish({ uploadId: upload.id }).then(refresh))
  const live = now.totalBytes === null // a recording; the sound that has not arrived is on the device that records
  return (
    <Line title={name} state={`Elsewhere or earlier: ${plain(now.state).toLowerCase()}`} sent={now.receivedBytes} total={now.totalBytes}>
      <FailureNotice error={error ?? drop.error ?? goOn.error ?? finish.error} />
      {live ? (
        <button type="button" className="quiet" aria-label={`Finish with what has arrived: ${name}`} disabled={finish.running} onClick={() => void finish.run()}>
          Finish with what has arrived
        </button>
      ) : (
        <>
          <input ref={choose} type="file" hidden onChange={({ target }) => target.files?.[0] && void goOn.run(target.files[0])} />
          <button type="button" className="quiet" aria-label={`Go on here with ${name}`} disabled={goOn.running} onClick={() => choose.current?.click()}>
            Go on here
          </button>
        </>
      )}
      <button type="button" className="quiet" aria-label={`Drop ${name}`} disabled={drop.running} onClick={() => void drop.run()}>
        Drop
      </button>
    </Line>
  )
}

interface LineProps {
  title: string
  state: string
  sent: number
  total: number | null
  over?: boolean
  children: ReactNode
}

function Line({ title, state, sent, total, over, children }: LineProps) {
  return (
    <li className="card slim">
      <span className="row-title">{title}</span>
      <span className="fine">
        {state}
        {!over && `, ${size(sent)}${total === null ? '' : ` of ${size(total)}`}`}
      </span>
      {!over && <progress aria-label={`Progress of ${title}`} {...(total ? { max: total, value: Math.min(sent, total) } : {})} />}
      <div className="actions">{children}</div>
    </li>
  )
}
