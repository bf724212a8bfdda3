import { createContext, useCallback, useContext, useState, type ReactNode } from 'react'

const Announce = createContext<(words: string) => void>(() => {})

/** Says something to those who listen to the page rather than look at it, and shows it for a while. */
export const useAnnounce = () => useContext(Announce)

export function Announcer({ children }: { children: ReactNode }) {
  const [words, setWords] = useState('')
  const say = useCallback((next: string) => setWords(next), [])
  return (
    <Announce value={say}>
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
