import { useRef, type FormEvent, type ReactNode } from 'react'
import { useSession } from '../session/context.js'
import { useAnnounce } from './announce.js'
import { Field } from './field.js'
import { FailureNotice } from './notice.js'
import { useTask } from './task.js'

export function Reason({ value, onChange }: { value: string; onChange: (reason: string) => void }) {
  return (
    <Field label="Reason">
      <input required minLength={3} maxLength={500} autoComplete="off" value={value} onChange={(event) => onChange(event.target.value)} />
    </Field>
  )
}

interface ActionProps {
  summary: string
  button: string
  said: string
  work: () => Promise<unknown>
  children: ReactNode
}

/** A form that stays folded until somebody wants it. */
export function Action({ summary, button, said, work, children }: ActionProps) {
  const { refresh } = useSession()
  const announce = useAnnounce()
  const folding = useRef<HTMLDetailsElement>(null)
  const task = useTask(async () => {
    await work()
    announce(said)
    if (folding.current) folding.current.open = false
    await refresh()
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    void task.run()
  }
  return (
    <details ref={folding} className="action">
      <summary>{summary}</summary>
      <form onSubmit={submit}>
        {children}
        <button type="submit" disabled={task.running}>
          {button}
        </button>
        <FailureNotice error={task.error}>
          <button type="button" onClick={() => void refresh()}>
            Show it as it is now
          </button>
        </FailureNotice>
      </form>
    </details>
  )
}
