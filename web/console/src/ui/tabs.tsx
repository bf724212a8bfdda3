import { useId, useRef, type KeyboardEvent, type ReactNode } from 'react'

export interface Tab {
  name: string
  content: ReactNode
}

interface TabsProps {
  label: string
  tabs: Tab[]
  chosen: string
  onChoose: (name: string) => void
}

const steps: Record<string, number> = { ArrowRight: 1, ArrowLeft: -1 }

/** Tabs after the WAI-ARIA pattern: the arrow keys go from one to the next. */
export function Tabs({ label, tabs, chosen, onChoose }: TabsProps) {
  const id = useId()
  const list = useRef<HTMLDivElement>(null)
  const at = Math.max(0, tabs.findIndex(({ name }) => name === chosen))
  const move = (event: KeyboardEvent) => {
    const to = event.key === 'Home' ? 0 : event.key === 'End' ? tabs.length - 1 : (at + (steps[event.key] ?? 0) + tabs.length) % tabs.length
    if (to === at) return
    event.preventDefault()
    onChoose(tabs[to]!.name)
    list.current?.querySelectorAll('button')[to]?.focus()
  }
  return (
    <>
      <div ref={list} role="tablist" aria-label={label} className="tabs" onKeyDown={move}>
        {tabs.map(({ name }, i) => (
          <button
            key={name}
            type="button"
            role="tab"
            id={`${id}-tab-${i}`}
            aria-selected={i === at}
            aria-controls={`${id}-panel`}
            tabIndex={i === at ? 0 : -1}
            onClick={() => onChoose(name)}
          >
            {name}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-tab-${at}`} className="panel">
        {tabs[at]?.content}
      </div>
    </>
  )
}
