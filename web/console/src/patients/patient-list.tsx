import { useQuery } from '@apollo/client/react'
import { useDeferredValue, useState, type FormEvent } from 'react'
import { Patients } from '../generated/operations.js'
import { Field } from '../ui/field.js'
import { Empty, FailureNotice, Loading } from '../ui/notice.js'

interface Props {
  chosen: string | null
  onChoose: (patientId: string) => void
}

export function PatientList({ chosen, onChoose }: Props) {
  const [text, setText] = useState('')
  const wanted = useDeferredValue(text.trim())
  const { data, previousData, loading, error, fetchMore } = useQuery(Patients, { variables: { text: wanted || null } })
  const page = (data ?? previousData)?.patients
  const more = () =>
    fetchMore({
      variables: { after: page?.pageInfo.endCursor },
      updateQuery: (before, { fetchMoreResult: next }) => ({ patients: { ...next.patients, nodes: [...before.patients.nodes, ...next.patients.nodes] } }),
    })
  return (
    <nav className="patients" aria-label="Patients">
      <Field label="Find a patient">
        <input type="search" value={text} autoComplete="off" onChange={(event) => setText(event.target.value)} />
      </Field>
      <FailureNotice error={error} />
      {loading && !page && <Loading />}
      {page?.nodes.length === 0 && <Empty>No patients to show you.</Empty>}
      <ul className="rows">
        {page?.nodes.map(({ id, displayName }) => (
          <li key={id}>
            <button type="button" className="row" aria-current={id === chosen || undefined} onClick={() => onChoose(id)}>
              <span className="row-title">{displayName ?? 'Without a name'}</span>
              <span className="fine mono">{id.slice(-12)}</span>
            </button>
          </li>
        ))}
      </ul>
      {page?.pageInfo.hasNextPage && (
        <button type="button" onClick={() => void more()}>
          More patients
        </button>
      )}
      <OpenById onChoose={onChoose} />
    </nav>
  )
}

/** A chart that is not on the list: whether it may be opened, the server says. */
function OpenById({ onChoose }: Pick<Props, 'onChoose'>) {
  const [id, setId] = useState('')
  const open = (event: FormEvent) => {
    event.preventDefault()
    if (id.trim()) onChoose(id.trim())
  }
  return (
    <details>
      <summary>Open a chart by its id</summary>
      <form onSubmit={open}>
        <Field label="Patient id">
          <input value={id} autoComplete="off" spellCheck={false} onChange={(event) => setId(event.target.value)} />
        </Field>
        <button type="submit">Open chart</button>
      </form>
    </details>
  )
}
