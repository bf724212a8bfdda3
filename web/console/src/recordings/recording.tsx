import type { Recorder, RecorderState } from '@bonfiredb/client'
import { createContext, useCallback, useContext, useEffect, useMemo, useState, type ReactNode } from 'react'
import { useSession } from '../session/context.js'
import { useAnnounce } from '../ui/announce.js'

/** The recording that goes on, whichever chart is on the screen. One at a time: there is one microphone. */
interface Recording {
  recorder: Recorder | null
  state: RecorderState | null
  /** Takes a recorder over; the one before must have ended. */
  take(recorder: Recorder): void
  /** Counts the recordings that have ended, for those who list what is left. */
  ended: number
}

const RecordingContext = createContext<Recording | null>(null)

export function useRecording(): Recording {
  const recording = useContext(RecordingContext)
  if (!recording) throw new Error('nothing records here')
  return recording
}

export const isBusy = ({ state }: Recording): boolean => state !== null && ['recording', 'paused', 'stopping'].includes(state.phase)

export function RecordingProvider({ children }: { children: ReactNode }) {
  const { refresh } = useSession()
  const announce = useAnnounce()
  const [recorder, setRecorder] = useState<Recorder | null>(null)
  const [state, setState] = useState<RecorderState | null>(null)
  const [ended, setEnded] = useState(0)

  const take = useCallback((next: Recorder) => {
    setRecorder(next)
    setState(next.state)
  }, [])

  useEffect(() => recorder?.subscribe(setState), [recorder])

  const phase = state?.phase
  useEffect(() => {
    if (phase === 'recording') announce('Recording.')
    if (phase !== 'done' && phase !== 'failed') return
    setEnded((count) => count + 1)
    if (phase === 'failed') return
    announce('The recording is stored.')
    setRecorder(null)
    setState(null)
    void refresh()
  }, [phase, announce, refresh])

  const recording = useMemo(() => ({ recorder, state, take, ended }), [recorder, state, take, ended])
  return <RecordingContext value={recording}>{children}</RecordingContext>
}
