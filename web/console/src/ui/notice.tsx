import type { ReactNode } from 'react'
import { failureOf } from '../api/failure.js'

/** A refusal or a fault, read out at once, with the id under which the server's log knows it. */
export function FailureNotice({ error, children }: { error: unknown; children?: ReactNode }) {
  if (!error) return null
  const { code, title, words, requestId } = failureOf(error)
  return (
    <div className="notice" role="alert" data-code={code}>
      <strong>{title}</strong>
      {words && <p>{words}</p>}
      {requestId && (
        <p className="fine">
          Request <code>{requestId}</code>
        </p>
      )}
      {children}
    </div>
  )
}

export function Empty({ children }: { children: ReactNode }) {
  return <p className="empty">{children}</p>
}

export function Loading() {
  return (
    <p className="empty" role="status">
      Loading…
    </p>
  )
}
