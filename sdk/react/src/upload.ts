import type { ClinicalError, FileResource, Progress, UploadOptions } from '@bonfiredb/client'
import { useCallback, useEffect, useRef, useState } from 'react'
import { useClinical } from './provider.js'

export interface UploadState {
  status: 'idle' | 'sending' | 'done' | 'failed' | 'cancelled'
  progress: Progress | null
  /** What the file became. */
  resource: FileResource | null
  error: ClinicalError | null
}

export interface UploadHook extends UploadState {
  /** Begins an upload, in the place of one that is being shown. Never rejects: see `status`. */
  upload(options: Omit<UploadOptions, 'onProgress' | 'signal'>): Promise<FileResource | null>
  /** Stops sending. `uploads.resume` can go on. */
  cancel(): void
}

const nothing: UploadState = { status: 'idle', progress: null, resource: null, error: null }

/**
 * Uploads one file at a time. A component that goes away does not stop the
 * upload: only `cancel`, or the next `upload`, does.
 */
export function useUpload(): UploadHook {
  const clinical = useClinical()
  const [state, setState] = useState(nothing)
  const running = useRef<AbortController | null>(null)
  const mounted = useMounted()

  const upload = useCallback<UploadHook['upload']>(
    async (options) => {
      running.current?.abort()
      const controller = new AbortController()
      running.current = controller
      const show = (change: Partial<UploadState>) => {
        if (mounted.current && running.current === controller) setState((state) => ({ ...state, ...change }))
      }
      show({ ...nothing, status: 'sending' })
      try {
        const resource = await clinical.files.upload({ ...options, signal: controller.signal, onProgress: (progress) => show({ progress }) })
        show({ status: 'done', resource })
        return resource
      } catch (error) {
        show(controller.signal.aborted ? { status: 'cancelled' } : { status: 'failed', error: error as ClinicalError })
        return null
      }
    },
    [clinical, mounted],
  )
  const cancel = useCallback(() => running.current?.abort(), [])
  return { ...state, upload, cancel }
}

/** Whether the component is there; strict mode mounts it twice. */
export function useMounted() {
  const mounted = useRef(false)
  useEffect(() => {
    mounted.current = true
    return () => void (mounted.current = false)
  }, [])
  return mounted
}
