import { useEffect, useId, useRef, type ReactNode } from 'react'

interface DrawerProps {
  title: string
  subtitle?: ReactNode
  onClose: () => void
  children: ReactNode
}

/** A sheet over the page. The browser's own dialog keeps the focus in it and gives it back after. */
export function Drawer({ title, subtitle, onClose, children }: DrawerProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const heading = useRef<HTMLHeadingElement>(null)
  const id = useId()
  useEffect(() => {
    const before = document.activeElement
    if (!dialog.current?.open) dialog.current?.showModal()
    heading.current?.focus()
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus()
    }
  }, [])
  return (
    <dialog ref={dialog} className="drawer" aria-labelledby={id} onClose={(event) => event.target === event.currentTarget && onClose()}>
      <header className="drawer-head">
        <div>
          <h2 id={id} ref={heading} tabIndex={-1}>
            {title}
          </h2>
          {subtitle && <p className="fine">{subtitle}</p>}
        </div>
        <button type="button" className="quiet" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </header>
      <div className="drawer-body">{children}</div>
    </dialog>
  )
}
