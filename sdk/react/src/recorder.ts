import type { FileResource, Recorder, RecorderOptions, RecorderState, ResumeRecordingOptions } from '@bonfiredb/client'
import { useCallback, useEffect, useMemo, useRef, useSyncExternalStore } from 'react'
import { useClinical } from './provider.js'

export interface RecorderHook {
  state: RecorderState
  /** Begins a recording, once the one before has ended. */
  start(options: Omit<RecorderOptions, 'onState'>): Promise<void>
  /** Goes on with a recording that a closed tab left on this device. */
  goOn(options: Pick<ResumeRecordingOptions, 'recordingId' | 'stream'>): Promise<void>
  pause(): void
  resume(): Promise<void>
  /** Ends it and gives the record, however long the network is away. */
  stop(): Promise<FileResource>
  /** Drops it, here and on the server. */
  cancel(): Promise<void>
}

const idle: RecorderState = {
  ...{ phase: 'idle', capturedSeconds: 0, localSeconds: 0, durableSeconds: 0, online: true },
  ...{ uploadId: null, recordingId: '', error: null, parts: [] },
} as const

/**
 * Records one visit at a time. When the component goes away, the recording ends
 * and is saved: nothing listens without being seen. `state` fits one render each.
 */
export function useRecorder(): RecorderHook {
  const clinical = useClinical()
  const stage = useMemo(() => new Stage(), [])
  const state = useSyncExternalStore(stage.subscribe, stage.state, () => idle)
  const here = useRef(0)
  useEffect(() => {
    const mount = ++here.current
    return () => {
      // Strict mode takes a component away and puts it back at once.
      queueMicrotask(() => {
        if (here.current === mount && stage.listening) void stage.recorder?.stop().catch(() => {})
      })
      here.current = mount
    }
  }, [stage])

  const start = useCallback<RecorderHook['start']>((options) => stage.play(() => clinical.recorder(options)).start(), [clinical, stage])
  const goOn = useCallback<RecorderHook['goOn']>(
    (options) => stage.play(() => clinical.recordings.resume({ ...options, continueRecording: true })).start(),
    [clinical, stage],
  )
  const rest = useMemo(
    () => ({
      pause: () => stage.recorder?.pause(),
      resume: async () => stage.recorder?.resume(),
      stop: () => stage.needed().stop(),
      cancel: async () => stage.recorder?.cancel(),
    }),
    [stage],
  )
  return { state, start, goOn, ...rest }
}

/** The recorder that is shown; another may follow it. */
class Stage {
  recorder: Recorder | null = null
  readonly #listeners = new Set<() => void>()

  readonly state = (): RecorderState => this.recorder?.state ?? idle
  readonly subscribe = (listener: () => void) => {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  get listening(): boolean {
    return ['recording', 'paused'].includes(this.state().phase)
  }

  play(make: () => Recorder): Recorder {
    if (this.listening || this.state().phase === 'stopping') throw new Error('a recording is going on')
    this.recorder = make()
    const tell = () => this.#listeners.forEach((listener) => listener())
    this.recorder.subscribe(tell)
    tell()
    return this.recorder
  }

  needed(): Recorder {
    if (!this.recorder) throw new Error('nothing is being recorded')
    return this.recorder
  }
}
