import { useLeavingWarning } from '../ui/leaving.js'
import { FailureNotice } from '../ui/notice.js'
import { useTask } from '../ui/task.js'
import { clock } from '../ui/words.js'
import { isBusy, useRecording } from './recording.js'

const words: Record<string, string> = { recording: 'Recording', paused: 'Paused', stopping: 'Sending the rest', failed: 'The recording has stopped' }

/** What is being recorded and how safe it is, over every chart. */
export function RecordingStrip() {
  const recording = useRecording()
  const { recorder, state } = recording
  const stop = useTask(async () => recorder?.stop())
  const change = useTask(async () => (state?.phase === 'recording' ? recorder?.pause() : recorder?.resume()))
  useLeavingWarning(isBusy(recording))
  if (!recorder || !state || state.phase === 'idle' || state.phase === 'done') return null
  const { phase, capturedSeconds, localSeconds, durableSeconds, online, error } = state
  return (
    <section className="strip" aria-label="Recording" data-phase={phase}>
      <strong>{words[phase]}</strong>
      <dl>
        <Seconds name="captured" value={capturedSeconds} />
        <Seconds name="on this device" value={localSeconds} />
        <Seconds name="durable" value={durableSeconds} />
      </dl>
      {!online && <span className="badge">No connection: it is kept here</span>}
      {(phase === 'recording' || phase === 'paused') && (
        <span className="actions">
          <button type="button" onClick={() => void change.run()}>
            {phase === 'recording' ? 'Pause' : 'Go on'}
          </button>
          <button type="button" className="primary" onClick={() => void stop.run()}>
            Stop
          </button>
        </span>
      )}
      <FailureNotice error={error ?? stop.error ?? change.error} />
    </section>
  )
}

function Seconds({ name, value }: { name: string; value: number }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{clock(value)}</dd>
    </div>
  )
}
