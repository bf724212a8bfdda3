import { useState, type FormEvent } from 'react'
import { useSession } from '../session/context.js'
import type { Kind } from '../uploads/kind.js'
import { Field } from '../ui/field.js'
import { FailureNotice } from '../ui/notice.js'
import { useTask } from '../ui/task.js'
import { isBusy, useRecording } from './recording.js'

const recordable = (kind: Kind) => kind.contentTypes.some((type) => type === 'audio/webm' || type === 'audio/mp4')

/** Begins a recording; from then on it is in the strip over every chart. */
export function RecordForm({ patientId, kinds }: { patientId: string; kinds: readonly Kind[] }) {
  const { clinical } = useSession()
  const recording = useRecording()
  const offered = kinds.filter(recordable)
  const [code, setCode] = useState(() => (offered.find((one) => one.code === 'session-audio') ?? offered[0])?.code ?? '')
  const [title, setTitle] = useState('')
  const [encounterId, setEncounterId] = useState('')
  const begin = useTask(async () => {
    const recorder = clinical.recorder({ patientId, kind: code, title: title.trim() || undefined, encounterId: encounterId.trim() || undefined })
    await recorder.start()
    recording.take(recorder)
    setTitle('')
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    void begin.run()
  }
  if (offered.length === 0) return null
  return (
    <form className="card" aria-label="Record a visit" onSubmit={submit}>
      <h2>Record</h2>
      <p className="fine">What is captured is kept on this device, locked, until the server has it. A lost network loses nothing, a closed tab no more than the last second.</p>
      <Field label="Kind">
        <select value={code} onChange={(event) => setCode(event.target.value)}>
          {offered.map((one) => (
            <option key={one.code} value={one.code}>
              {one.display}
            </option>
          ))}
        </select>
      </Field>
      <Field label="Title">
        <input value={title} maxLength={255} autoComplete="off" onChange={(event) => setTitle(event.target.value)} />
      </Field>
      {offered.find((one) => one.code === code)?.requiresEncounter && (
        <Field label="Encounter id">
          <input value={encounterId} required autoComplete="off" onChange={(event) => setEncounterId(event.target.value)} />
        </Field>
      )}
      <button type="submit" className="primary" disabled={begin.running || isBusy(recording)}>
        Record
      </button>
      <FailureNotice error={begin.error} />
    </form>
  )
}
