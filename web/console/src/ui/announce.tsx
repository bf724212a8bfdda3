import { createContext, useContext, useEffect, useState, type ReactNode } from 'react'

const Announce = createContext<(words: string) => void>(() => {})

/** How long it is to be seen, milliseconds. */
const shown = 6_000

/** Says something to those who listen to the page rather than look at it, and shows it for a while. */
export const useAnnounce = () => useContext(Announce)

export function Announcer({ children }: { children: ReactNode }) {
  const [words, setWords] = useState('')
  useEffect(() => {
    const timer = setTimeout(() => setWords(''), shown)
    return () => clearTimeout(timer)
  }, [words])
  return (
    <Announce value={setWords}>
      {children}
      <div className="announcer" role="status" aria-live="polite">
        {words && (
          <p>
            {words}
            <button type="button" className="quiet" onClick={() => setWords('')}>
              Dismiss
            </button>
          </p>
        )}
      </div>
    </Announce>
  )
}
