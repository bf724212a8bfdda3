import { useQuery } from '@apollo/client/react'
import { useRef, useState, type DragEvent, type FormEvent, type ReactNode } from 'react'
import { Kinds } from '../generated/operations.js'
import { RecordForm } from '../recordings/record-form.js'
import { Unfinished } from '../recordings/unfinished.js'
import { Field } from '../ui/field.js'
import { FailureNotice, Loading } from '../ui/notice.js'
import { accepts, describe, refusal, type Kind } from './kind.js'
import { useUploads } from './queue.js'
import { UnderWay } from './under-way.js'

/** Everything that brings files into a chart, and what is on its way. */
export function AddFiles({ patientId }: { patientId: string }) {
  const { data, error } = useQuery(Kinds)
  return (
    <div className="columns">
      <FailureNotice error={error} />
      <div className="stack">
        {data ? <RecordForm patientId={patientId} kinds={data.kinds} /> : <Loading />}
        <Unfinished />
      </div>
      <div className="stack">
        {data && <UploadForm patientId={patientId} kinds={data.kinds} />}
        <UnderWay patientId={patientId} />
      </div>
    </div>
  )
}

function UploadForm({ patientId, kinds }: { patientId: string; kinds: readonly Kind[] }) {
  const uploads = useUploads()
  const [code, setCode] = useState(kinds[0]?.code ?? '')
  const [files, setFiles] = useState<File[]>([])
  const [title, setTitle] = useState('')
  const [encounterId, setEncounterId] = useState('')
  const [asked, setAsked] = useState(false)
  const input = useRef<HTMLInputElement>(null)
  const kind = kinds.find((one) => one.code === code)
  const refused = kind && files.map((file) => refusal(kind, file)).find(Boolean)
  const missing = asked && files.length === 0 ? 'Choose a file first.' : undefined

  const submit = (event: FormEvent) => {
    event.preventDefault()
    setAsked(true)
    if (!kind || refused || files.length === 0) return input.current?.focus()
    for (const file of files) uploads.send({ patientId, file, kind: code, title: title.trim() || undefined, encounterId: encounterId.trim() || undefined })
    setFiles([])
    setTitle('')
    setAsked(false)
    if (input.current) input.current.value = ''
  }

  return (
    <form className="card" aria-label="Upload files" onSubmit={submit}>
      <h2>Upload</h2>
      <Field label="Kind" hint={kind && describe(kind)}>
        <select value={code} onChange={(event) => setCode(event.target.value)}>
          {kinds.map((one) => (
            <option key={one.code} value={one.code}>
              {one.display}
            </option>
          ))}
        </select>
      </Field>
      <Drop onFiles={setFiles}>
        <Field label="Files" hint={files.length > 1 ? files.map(({ name }) => name).join(', ') : 'Choose files, or drop them here.'} error={refused ?? missing}>
          <input ref={input} type="file" multiple accept={kind && accepts(kind)} onChange={(event) => setFiles([...(event.target.files ?? [])])} />
        </Field>
      </Drop>
      <Field label="Title" hint="Optional; the file’s name otherwise.">
        <input value={title} maxLength={255} autoComplete="off" onChange={(event) => setTitle(event.target.value)} />
      </Field>
      {kind?.requiresEncounter && (
        <Field label="Encounter id">
          <input value={encounterId} required autoComplete="off" onChange={(event) => setEncounterId(event.target.value)} />
        </Field>
      )}
      <button type="submit" className="primary">
        Upload
      </button>
    </form>
  )
}

/** Takes files that are dropped on it. The input inside is the way for everybody else. */
function Drop({ onFiles, children }: { onFiles: (files: File[]) => void; children: ReactNode }) {
  const [over, setOver] = useState(false)
  const drop = (event: DragEvent) => {
    event.preventDefault()
    setOver(false)
    onFiles([...event.dataTransfer.files])
  }
  const enter = (event: DragEvent) => {
    event.preventDefault()
    setOver(true)
  }
  return (
    <div className="drop" data-over={over || undefined} onDragOver={enter} onDragLeave={() => setOver(false)} onDrop={drop}>
      {children}
    </div>
  )
}
