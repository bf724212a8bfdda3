import { useQuery } from '@apollo/client/react'
import { useState } from 'react'
import { Kinds, type FileFilter, type FileStatus } from '../generated/operations.js'
import { Field } from '../ui/field.js'

const statuses: [FileStatus, string][] = [
  ['CURRENT', 'Current'],
  ['SUPERSEDED', 'Superseded'],
  ['ENTERED_IN_ERROR', 'Entered in error'],
]

interface Chosen {
  kind: string
  status: string
  from: string
  to: string
}

export function FileFilters({ onChange }: { onChange: (filter: FileFilter) => void }) {
  const { data } = useQuery(Kinds)
  const [chosen, setChosen] = useState<Chosen>({ kind: '', status: '', from: '', to: '' })
  const set = (part: Partial<Chosen>) => {
    const next = { ...chosen, ...part }
    setChosen(next)
    onChange(filterOf(next))
  }
  return (
    <form className="filters" aria-label="Filters" onSubmit={(event) => event.preventDefault()}>
      <Field label="Kind">
        <select value={chosen.kind} onChange={(event) => set({ kind: event.target.value })}>
          <option value="">All kinds</option>
          {data?.kinds.map(({ code, display }) => (
            <option key={code} value={code}>
              {display}
            </option>
          ))}
        </select>
      </Field>
      <Field label="Status">
        <select value={chosen.status} onChange={(event) => set({ status: event.target.value })}>
          <option value="">Any status</option>
          {statuses.map(([code, words]) => (
            <option key={code} value={code}>
              {words}
            </option>
          ))}
        </select>
      </Field>
      <Field label="From">
        <input type="date" value={chosen.from} max={chosen.to || undefined} onChange={(event) => set({ from: event.target.value })} />
      </Field>
      <Field label="To">
        <input type="date" value={chosen.to} min={chosen.from || undefined} onChange={(event) => set({ to: event.target.value })} />
      </Field>
    </form>
  )
}

/** Days are those of the person's own clock; the last one is included. */
function filterOf({ kind, status, from, to }: Chosen): FileFilter {
  return {
    ...(kind && { kinds: [kind] }),
    ...(status && { statuses: [status as FileStatus] }),
    ...(from && { createdFrom: midnight(from, 0) }),
    ...(to && { createdBefore: midnight(to, 1) }),
  }
}

function midnight(day: string, later: number): string {
  const [year, month, date] = day.split('-').map(Number)
  return new Date(year!, month! - 1, date! + later).toISOString()
}
