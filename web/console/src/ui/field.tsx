import { cloneElement, useId, type ReactElement, type ReactNode } from 'react'

interface FieldProps {
  label: string
  hint?: ReactNode
  /** Why what was entered is refused. */
  error?: ReactNode
  children: ReactElement<{ id?: string; 'aria-describedby'?: string; 'aria-invalid'?: boolean }>
}

/** A control with its label, and with what there is to say about it. */
export function Field({ label, hint, error, children }: FieldProps) {
  const id = useId()
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ')
  const control = cloneElement(children, {
    id,
    ...(described && { 'aria-describedby': described }),
    ...(error ? { 'aria-invalid': true } : {}),
  })
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {control}
      {hint && (
        <p className="fine" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {error && (
        <p className="refusal" id={`${id}-error`} role="alert">
          {error}
        </p>
      )}
    </div>
  )
}
