import type { PurposeOfUse } from '@bonfiredb/client'
import { useEffect, useState, type ReactNode } from 'react'
import flame from '../flame.svg'
import { FailureNotice } from '../ui/notice.js'
import { useTask } from '../ui/task.js'
import { useSession } from './context.js'

/** HL7 v3 PurposeOfUse, in words. */
const purposes: [PurposeOfUse, string][] = [
  ['TREAT', 'Treatment'],
  ['ETREAT', 'Emergency treatment'],
  ['BTG', 'Break the glass'],
  ['HPAYMT', 'Payment'],
  ['HOPERAT', 'Operations'],
  ['PATRQT', 'Patient request'],
  ['HRESCH', 'Research'],
]

/** Who is signed in, and what for. */
export function SessionBar({ onSignOut, children }: { onSignOut: () => void; children?: ReactNode }) {
  const { viewer, login, clinical } = useSession()
  const [expired, setExpired] = useState(false)
  useEffect(() => {
    login.onExpired = setExpired
  }, [login])
  const leave = useTask(async (discardUnsent: boolean) => {
    await clinical.signOut({ discardUnsent })
    onSignOut()
  })
  return (
    <header className="bar">
      <span className="brand">
        <img src={flame} alt="" width="28" height="28" />
        Bonfire
      </span>
      <PurposeChooser />
      <span className="who">
        {viewer.display}
        {viewer.roles.length > 0 && <span className="fine"> {viewer.roles.join(', ')}</span>}
      </span>
      <button type="button" className="quiet" disabled={leave.running} onClick={() => void leave.run(false)}>
        Sign out
      </button>
      {children}
      {expired && <Expired />}
      {leave.error !== undefined && (
        <FailureNotice error={leave.error}>
          <span className="actions">
            <button type="button" onClick={leave.forget}>
              Stay signed in
            </button>
            <button type="button" onClick={() => void leave.run(true)}>
              Sign out and lose them
            </button>
          </span>
        </FailureNotice>
      )}
    </header>
  )
}

function PurposeChooser() {
  const session = useSession()
  const [purpose, setPurpose] = useState<PurposeOfUse | ''>(session.login.purpose ?? '')
  const change = useTask((next: PurposeOfUse | '') => {
    setPurpose(next)
    return session.changePurpose(next || undefined)
  })
  return (
    <label className="purpose">
      <span>Purpose of use</span>
      <select value={purpose} onChange={(event) => void change.run(event.target.value as PurposeOfUse | '')}>
        <option value="">The usual one of the role</option>
        {purposes.map(([code, words]) => (
          <option key={code} value={code}>
            {words}
          </option>
        ))}
      </select>
    </label>
  )
}

function Expired() {
  const { login, refresh } = useSession()
  const again = useTask(async () => {
    await login.signInAgain()
    await refresh()
  })
  return (
    <div className="notice" role="alert">
      <strong>Your login has ended</strong>
      <p>What you entered is still here, and recordings go on.</p>
      <button type="button" disabled={again.running} onClick={() => void again.run()}>
        Sign in again
      </button>
      <FailureNotice error={again.error} />
    </div>
  )
}
