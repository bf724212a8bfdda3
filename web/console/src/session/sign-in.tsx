import { useEffect, useState, type FormEvent } from 'react'
import flame from '../flame.svg'
import { Field } from '../ui/field.js'
import { FailureNotice, Loading } from '../ui/notice.js'
import { useTask } from '../ui/task.js'
import { begin, type Session } from './context.js'
import { signInForDevelopment } from './dev.js'
import type { Login } from './login.js'
import { signInAtProvider } from './oidc.js'
import { readSettings, type Settings } from './settings.js'

export function SignIn({ onSignIn }: { onSignIn: (session: Session) => void }) {
  const [settings, setSettings] = useState<Settings>()
  const load = useTask(async () => setSettings(await readSettings()))
  const enter = useTask(async (login: Promise<Login>) => onSignIn(await begin(await login)))
  useEffect(() => void load.run(), [load.run])
  return (
    <main className="sign-in">
      <img src={flame} alt="" width="48" height="48" />
      <h1>Bonfire</h1>
      <p className="lead">Files, recordings and notes of the clinic.</p>
      {load.running && <Loading />}
      <FailureNotice error={load.error}>
        <button type="button" onClick={() => void load.run()}>
          Try again
        </button>
      </FailureNotice>
      {settings?.oidc && <ProviderSignIn oidc={settings.oidc} busy={enter.running} onEnter={enter.run} named={settings.principals.length > 0} />}
      {settings && settings.principals.length > 0 && <DemoSignIn principals={settings.principals} busy={enter.running} onEnter={enter.run} />}
      {settings && !settings.oidc && settings.principals.length === 0 && <p>Nobody can sign in here yet: the server has no BONFIRE_OIDC_CLIENT_ID.</p>}
      <FailureNotice error={enter.error} />
    </main>
  )
}

interface Way {
  busy: boolean
  onEnter: (login: Promise<Login>) => void
}

function ProviderSignIn({ oidc, named, busy, onEnter }: Way & { oidc: NonNullable<Settings['oidc']>; named: boolean }) {
  const host = new URL(oidc.issuer).host
  return (
    <div className="card">
      <button type="button" className="primary" disabled={busy} onClick={() => onEnter(signInAtProvider(oidc))}>
        {named ? `Sign in at ${host}` : 'Sign in'}
      </button>
      <p className="fine">Opens {host} in a window of its own.</p>
    </div>
  )
}

function DemoSignIn({ principals, busy, onEnter }: Way & { principals: Settings['principals'] }) {
  const [name, setName] = useState(principals[0]!.name)
  const chosen = principals.find((p) => p.name === name)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    onEnter(signInForDevelopment(name))
  }
  return (
    <form className="card" onSubmit={submit}>
      <Field label="Demo principal" hint={chosen && `${chosen.display}: ${chosen.does}`}>
        <select value={name} onChange={(event) => setName(event.target.value)}>
          {principals.map((p) => (
            <option key={p.name}>{p.name}</option>
          ))}
        </select>
      </Field>
      <button type="submit" className="primary" disabled={busy}>
        Sign in
      </button>
    </form>
  )
}
