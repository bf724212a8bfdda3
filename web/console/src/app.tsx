import { ApolloProvider } from '@apollo/client/react'
import { useEffect, useState } from 'react'
import { PatientList } from './patients/patient-list.js'
import { PatientView } from './patients/patient-view.js'
import { RecordingProvider } from './recordings/recording.js'
import { RecordingStrip } from './recordings/strip.js'
import { SessionContext, type Session } from './session/context.js'
import { SessionBar } from './session/session-bar.js'
import { SignIn } from './session/sign-in.js'
import { Announcer } from './ui/announce.js'
import { UploadsProvider } from './uploads/queue.js'

export function App() {
  const [session, setSession] = useState<Session | null>(null)
  if (!session) return <SignIn onSignIn={setSession} />
  const signOut = () => {
    session.end()
    setSession(null)
  }
  return (
    <SessionContext value={session}>
      <ApolloProvider client={session.apollo}>
        <Announcer>
          <UploadsProvider>
            <RecordingProvider>
              <Workbench onSignOut={signOut} />
            </RecordingProvider>
          </UploadsProvider>
        </Announcer>
      </ApolloProvider>
    </SessionContext>
  )
}

function Workbench({ onSignOut }: { onSignOut: () => void }) {
  const [patientId, setPatientId] = useState<string | null>(null)
  useEffect(() => {
    document.title = 'Bonfire' // never a patient's name: titles stay in the browser's history
  }, [])
  return (
    <div className="workbench" data-patient={patientId ? '' : undefined}>
      <SessionBar onSignOut={onSignOut}>
        <RecordingStrip />
      </SessionBar>
      <PatientList chosen={patientId} onChoose={setPatientId} />
      <main>
        {patientId ? (
          <PatientView key={patientId} patientId={patientId} onLeave={() => setPatientId(null)} />
        ) : (
          <p className="empty welcome">Choose a patient to see their files and notes.</p>
        )}
      </main>
    </div>
  )
}
