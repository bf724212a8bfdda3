import { ApolloProvider } from '@apollo/client/react'
import { createClinical } from '@bonfiredb/client'
import { ClinicalProvider } from '@bonfiredb/react'
import { clinicalApollo } from '@bonfiredb/react/apollo'
import { StrictMode, useMemo, useState, type FormEvent } from 'react'
import { createRoot } from 'react-dom/client'
import { Chart } from './Chart.js'

const url: string = import.meta.env.VITE_BONFIRE_URL ?? location.origin

/** A token and a patient, kept in memory: a real application signs in with OpenID Connect. */
function App() {
  const [login, setLogin] = useState<{ token: string; patientId: string } | null>(null)
  const begin = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    setLogin({ token: String(form.get('token')), patientId: String(form.get('patientId')) })
  }
  if (login) return <SignedIn {...login} onEnd={() => setLogin(null)} />
  return (
    <form onSubmit={begin}>
      <p>
        <label>
          Token <input name="token" type="password" autoComplete="off" required />
        </label>
      </p>
      <p>
        <label>
          Patient <input name="patientId" required />
        </label>
      </p>
      <button>Open chart</button>
    </form>
  )
}

/** Clients of one login: the next one gets its own. */
function SignedIn({ token, patientId, onEnd }: { token: string; patientId: string; onEnd: () => void }) {
  const clinical = useMemo(() => createClinical({ url, token }), [token])
  const apollo = useMemo(() => clinicalApollo({ url, token }), [token])
  const signOut = async () => {
    await clinical.signOut()
    await apollo.end()
    onEnd()
  }
  return (
    <ApolloProvider client={apollo.client}>
      <ClinicalProvider clinical={clinical}>
        <Chart patientId={patientId} />
        <button onClick={() => void signOut()}>Sign out</button>
      </ClinicalProvider>
    </ApolloProvider>
  )
}

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <App />
  </StrictMode>,
)
