import { useMutation } from '@apollo/client/react'
import { useState, type FormEvent } from 'react'
import { BreakGlass } from '../generated/operations.js'
import { useSession } from '../session/context.js'
import { Field } from '../ui/field.js'
import { FailureNotice } from '../ui/notice.js'
import { useTask } from '../ui/task.js'

/** In an emergency a clinician opens any chart of the clinic, for a while, and is asked about it afterwards. */
export function BreakGlassForm({ patientId, onBroken }: { patientId: string; onBroken: () => void }) {
  const { changePurpose } = useSession()
  const [reason, setReason] = useState('')
  const [breakGlass] = useMutation(BreakGlass)
  const task = useTask(async () => {
    await breakGlass({ variables: { input: { patientId, reason, expiresIn: 900 } } })
    await changePurpose('BTG')
    onBroken()
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    void task.run()
  }
  return (
    <details className="card">
      <summary>This is an emergency</summary>
      <form onSubmit={submit}>
        <p>You can open the chart for 15 minutes, to read only. It raises a security alert and somebody will review it.</p>
        <Field label="Why you need it" hint="At least 10 characters.">
          <textarea rows={3} minLength={10} maxLength={500} required value={reason} onChange={(event) => setReason(event.target.value)} />
        </Field>
        <button type="submit" disabled={task.running}>
          Break the glass
        </button>
        <FailureNotice error={task.error} />
      </form>
    </details>
  )
}
