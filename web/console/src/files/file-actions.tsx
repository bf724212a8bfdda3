import { useQuery } from '@apollo/client/react'
import { useState } from 'react'
import { Files, Patients } from '../generated/operations.js'
import { useSession } from '../session/context.js'
import { Action, Reason } from '../ui/action.js'
import { Field } from '../ui/field.js'
import { plain } from '../ui/words.js'
import type { FileDetailed } from './file.js'

/** What turned out wrong is not deleted: it is moved, replaced or marked. */
export function FileActions({ file }: { file: FileDetailed }) {
  if (file.status === 'ENTERED_IN_ERROR') return null
  return (
    <section aria-label="Put right">
      <h3>Put right</h3>
      {!file.viewerCan.update && !file.viewerCan.retract && <p className="fine">You may not change this file.</p>}
      {file.viewerCan.update && file.status === 'CURRENT' && <Supersede file={file} />}
      {file.viewerCan.update && <Refile file={file} />}
      {file.viewerCan.retract && <Retract file={file} />}
    </section>
  )
}

function Supersede({ file }: { file: FileDetailed }) {
  const { clinical } = useSession()
  const [byFileId, setBy] = useState('')
  const { data } = useQuery(Files, { variables: { patientId: file.patient.id, first: 25, filter: { kinds: [file.kind], statuses: ['CURRENT'] } } })
  const others = data?.files.nodes.filter(({ id }) => id !== file.id) ?? []
  return (
    <Action summary="A newer file takes its place" button="Supersede" said="Superseded." work={() => clinical.files.supersede({ fileId: file.id, byFileId, version: file.version })}>
      <Field label="Newer file" hint={others.length === 0 ? 'Upload the newer file first, as the same kind.' : undefined}>
        <select required value={byFileId} onChange={(event) => setBy(event.target.value)}>
          <option value="">Choose</option>
          {others.map(({ id, title, kind }) => (
            <option key={id} value={id}>
              {title ?? plain(kind)}
            </option>
          ))}
        </select>
      </Field>
    </Action>
  )
}

function Refile({ file }: { file: FileDetailed }) {
  const { clinical } = useSession()
  const [toPatientId, setTo] = useState('')
  const [reason, setReason] = useState('')
  const { data } = useQuery(Patients, { variables: { text: null } })
  return (
    <Action summary="It is in the wrong chart" button="Refile" said="Moved to the other chart; its links were revoked." work={() => clinical.files.refile({ fileId: file.id, toPatientId, reason, version: file.version })}>
      <Field label="Right patient">
        <select required value={toPatientId} onChange={(event) => setTo(event.target.value)}>
          <option value="">Choose</option>
          {data?.patients.nodes
            .filter(({ id }) => id !== file.patient.id)
            .map(({ id, displayName }) => (
              <option key={id} value={id}>
                {displayName ?? id}
              </option>
            ))}
        </select>
      </Field>
      <Reason value={reason} onChange={setReason} />
    </Action>
  )
}

function Retract({ file }: { file: FileDetailed }) {
  const { clinical } = useSession()
  const [reason, setReason] = useState('')
  return (
    <Action summary="It was entered in error" button="Retract" said="Marked as entered in error." work={() => clinical.files.retract({ fileId: file.id, reason, version: file.version })}>
      <Reason value={reason} onChange={setReason} />
    </Action>
  )
}
