import { useQuery } from '@apollo/client/react'
import { useState } from 'react'
import { AccessReportView } from '../access/access-report.js'
import { failureOf } from '../api/failure.js'
import { FileList } from '../files/file-list.js'
import { Patient } from '../generated/operations.js'
import { NoteList } from '../notes/note-list.js'
import { useSession } from '../session/context.js'
import { FailureNotice, Loading } from '../ui/notice.js'
import { Tabs, type Tab } from '../ui/tabs.js'
import { AddFiles } from '../uploads/add-files.js'
import { BreakGlassForm } from './break-glass.js'

interface Props {
  patientId: string
  onLeave: () => void
}

/** One patient's chart. */
export function PatientView({ patientId, onLeave }: Props) {
  const { viewer } = useSession()
  const { data, loading, error, refetch } = useQuery(Patient, { variables: { id: patientId } })
  const patient = data?.patient
  return (
    <>
      <header className="chart-head">
        <button type="button" className="quiet leave" onClick={onLeave}>
          All patients
        </button>
        <h1>{patient?.displayName ?? (patient ? 'Without a name' : 'Chart')}</h1>
        <p className="fine mono">{patientId}</p>
      </header>
      {loading && !patient && <Loading />}
      <FailureNotice error={error} />
      {error && failureOf(error).code === 'NOT_FOUND' && viewer.roles.includes('clinician') && (
        <BreakGlassForm patientId={patientId} onBroken={() => void refetch()} />
      )}
      {patient && <Chart patientId={patientId} />}
    </>
  )
}

/** What there is in a chart for this role. What it may not do, the server refuses all the same. */
function Chart({ patientId }: { patientId: string }) {
  const { viewer } = useSession()
  const audits = viewer.roles.includes('auditor')
  const treats = !(audits && viewer.roles.length === 1)
  const tabs: Tab[] = [
    ...(treats
      ? [
          { name: 'Files', content: <FileList patientId={patientId} /> },
          { name: 'Add', content: <AddFiles patientId={patientId} /> },
          { name: 'Notes', content: <NoteList patientId={patientId} /> },
        ]
      : []),
    ...(audits ? [{ name: 'Access report', content: <AccessReportView patientId={patientId} /> }] : []),
  ]
  const [chosen, choose] = useState(tabs[0]!.name)
  return <Tabs label="Chart" tabs={tabs} chosen={chosen} onChoose={choose} />
}
