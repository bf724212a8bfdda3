import { useCallback, useEffect, useRef, useState } from 'react'

/** Something a person asked for that takes a moment: whether it runs, and how it failed. */
export interface Task<Args extends unknown[]> {
  run(...args: Args): Promise<void>
  running: boolean
  error: unknown
  forget(): void
}

export function useTask<Args extends unknown[]>(work: (...args: Args) => Promise<unknown>): Task<Args> {
  const [state, setState] = useState<{ running: boolean; error: unknown }>({ running: false, error: undefined })
  const latest = useRef(work)
  useEffect(() => {
    latest.current = work
  })
  const run = useCallback(async (...args: Args) => {
    setState({ running: true, error: undefined })
    try {
      await latest.current(...args)
      setState({ running: false, error: undefined })
    } catch (error) {
      setState({ running: false, error })
    }
  }, [])
  const forget = useCallback(() => setState({ running: false, error: undefined }), [])
  return { ...state, run, forget }
}
