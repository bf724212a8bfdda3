import { createContext, useCallback, useContext, useEffect, useMemo, useRef, useState, type ReactNode } from 'react'
import { useSession } from '../session/context.js'
import { useAnnounce } from '../ui/announce.js'
import { useLeavingWarning } from '../ui/leaving.js'

/** A file on its way from this page. */
export interface Sending {
  key: number
  patientId: string
  name: string
  kind: string
  uploadId: string | null
  sent: number
  total: number | null
  state: 'sending' | 'done' | 'failed' | 'stopped'
  error?: unknown
}

export interface FileToSend {
  patientId: string
  file: File
  kind: string
  title?: string | undefined
  encounterId?: string | undefined
}

interface Queue {
  list: Sending[]
  send(what: FileToSend): void
  stop(key: number): void
  forget(key: number): void
}

const QueueContext = createContext<Queue | null>(null)

export function useUploads(): Queue {
  const queue = useContext(QueueContext)
  if (!queue) throw new Error('no uploads here')
  return queue
}

/** Sends files while the person goes on to other charts. They end with the page, and can be gone on with. */
export function UploadsProvider({ children }: { children: ReactNode }) {
  const { clinical, refresh } = useSession()
  const announce = useAnnounce()
  const [list, setList] = useState<Sending[]>([])
  const running = useRef(new Map<number, AbortController>())
  const next = useRef(0)

  const change = useCallback((key: number, to: Partial<Sending>) => setList((all) => all.map((one) => (one.key === key ? { ...one, ...to } : one))), [])

  const send = useCallback(
    async ({ patientId, file, kind, title, encounterId }: FileToSend) => {
      const key = next.current++
      const controller = new AbortController()
      running.current.set(key, controller)
      setList((all) => [...all, { key, patientId, name: title || file.name, kind, uploadId: null, sent: 0, total: file.size, state: 'sending' }])
      try {
        await clinical.files.upload({
          ...{ patientId, file, kind, title, encounterId },
          signal: controller.signal,
          onCreated: ({ uploadId }) => change(key, { uploadId }),
          onProgress: ({ sent, total }) => change(key, { sent, total }),
        })
        change(key, { state: 'done' })
        announce(`${title || file.name} is stored.`)
        await refresh()
      } catch (error) {
        change(key, controller.signal.aborted ? { state: 'stopped' } : { state: 'failed', error })
      } finally {
        running.current.delete(key)
      }
    },
    [clinical, refresh, announce, change],
  )

  useEffect(() => {
    const all = running.current
    return () => all.forEach((controller) => controller.abort()) // signed out
  }, [])
  useLeavingWarning(list.some(({ state }) => state === 'sending'))

  const queue = useMemo<Queue>(
    () => ({
      list,
      send: (what) => void send(what),
      stop: (key) => running.current.get(key)?.abort(),
      forget: (key) => setList((all) => all.filter((one) => one.key !== key)),
    }),
    [list, send],
  )
  return <QueueContext value={queue}>{children}</QueueContext>
}
