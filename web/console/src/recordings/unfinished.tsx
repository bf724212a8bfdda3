import type { PendingRecording } from '@bonfiredb/client'
import { useCallback, useEffect, useState } from 'react'
import { useSession } from '../session/context.js'
import { FailureNotice } from '../ui/notice.js'
import { useTask } from '../ui/task.js'
import { clock, plain, when } from '../ui/words.js'
import { isBusy, useRecording } from './recording.js'

/** Recordings of this login that a closed tab left on this device: to store, to go on with, or to drop. */
export function Unfinished() {
  const { clinical } = useSession()
  const recording = useRecording()
  const [found, setFound] = useState<PendingRecording[]>([])
  const { run: look, error } = useTask(async () => setFound(await clinical.recordings.pending()))
  useEffect(() => void look(), [look, recording.ended])
  const left = found.filter(({ active }) => !active)
  if (left.length === 0 || isBusy(recording)) return <FailureNotice error={error} />
  return (
    <section aria-labelledby="unfinished">
      <h2 id="unfinished">Unfinished recordings</h2>
      <ul className="rows">
        {left.map((one) => (
          <Left key={one.recordingId} one={one} onGone={() => void look()} />
        ))}
      </ul>
    </section>
  )
}

function Left({ one, onGone }: { one: PendingRecording; onGone: () => void }) {
  const { clinical } = useSession()
  const { take } = useRecording()
  const { recordingId } = one
  const resume = useCallback(
    (continueRecording: boolean) => take(clinical.recordings.resume({ recordingId, continueRecording })),
    [clinical, recordingId, take],
  )
  const drop = useTask(() => clinical.recordings.discard({ recordingId }).then(onGone))
  return (
    <li className="card slim">
      <span className="row-title">{one.title ?? plain(one.kind)}</span>
      <span className="fine">
        {when(one.startedAt)} · {clock(one.capturedSeconds)} captured, {clock(one.localSeconds)} of it only here
      </span>
      <div className="actions">
        <button type="button" className="primary" onClick={() => resume(false)}>
          Store it
        </button>
        <button type="button" onClick={() => resume(true)}>
          Go on recording
        </button>
        <button type="button" className="quiet" disabled={drop.running} onClick={() => void drop.run()}>
          Discard
        </button>
      </div>
      <FailureNotice error={drop.error} />
    </li>
  )
}
