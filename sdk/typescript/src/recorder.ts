import type { Api } from './api.js'
import { ClinicalError } from './errors.js'
import type { FileResource, ResourceOf } from './fhir.js'

export interface RecorderOptions<Kind extends string = string> {
  patientId: string
  /** From the clinic's registry: `session-audio`, `dictation-audio`, ... */
  kind: Kind
  category?: string | undefined
  encounterId?: string | undefined
  title?: string | undefined
  /** What to record, instead of asking for the microphone. It is left running at the end. */
  stream?: MediaStream | undefined
  /** The recorder's format; WebM with Opus where the browser has it, else MP4 with AAC. */
  mimeType?: string | undefined
  /** How often the recorder gives what it has, milliseconds, at most 1000. This much is lost with a tab that dies. */
  timesliceMs?: number | undefined
  /** 64,000 when left out: speech and a room. */
  audioBitsPerSecond?: number | undefined
  onState?: ((state: RecorderState) => void) | undefined
}

export type RecorderPhase = 'idle' | 'recording' | 'paused' | 'stopping' | 'done' | 'failed'

/** A new object for each change, so that it can be compared by identity. */
export interface RecorderState {
  readonly phase: RecorderPhase
  /** Seconds of sound that were recorded. */
  readonly capturedSeconds: number
  /** Of these, seconds that lie on this device and not yet on the server: they survive a closed tab. */
  readonly localSeconds: number
  /** Of these, seconds that the server has acknowledged: they survive this device. */
  readonly durableSeconds: number
  /** Whether the server answered last time. */
  readonly online: boolean
  readonly uploadId: string | null
  /** Names the recording on this device; says nothing. Empty before `start`. */
  readonly recordingId: string
  /** What stands in the way, or has stopped it. Recording may go on nevertheless: see `phase`. */
  readonly error: ClinicalError | null
  /** Files that this recording became besides the last: when it was finished elsewhere, or could not be joined. */
  readonly parts: readonly string[]
}

export interface Recorder<Resource extends FileResource = FileResource> {
  readonly state: RecorderState
  /** Called after each change of `state`. Answers a function that ends it. */
  subscribe(listener: (state: RecorderState) => void): () => void
  /** Asks for the microphone and begins. Works without a network. Again after a refusal, if need be. */
  start(): Promise<void>
  pause(): void
  /** After a lost microphone too: asks for it again. */
  resume(): Promise<void>
  /**
   * Ends the recording. Resolves when the server has the record, however long
   * the network is away; an abort ends the trying and leaves the recording on
   * the device (`recordings.pending`).
   */
  stop(options?: { signal?: AbortSignal | undefined }): Promise<Resource>
  /** Ends the recording and drops it, here and on the server. */
  cancel(): Promise<void>
}

/** A recording on this device that has not become a record. */
export interface PendingRecording {
  recordingId: string
  patientId: string
  kind: string
  title: string | null
  encounterId: string | null
  /** RFC 3339, UTC. */
  startedAt: string
  capturedSeconds: number
  localSeconds: number
  uploadId: string | null
  /** In this tab or another one it is going on. */
  active: boolean
}

export interface ResumeRecordingOptions {
  recordingId: string
  /** Goes on recording; else what is kept is sent and the recording finished. */
  continueRecording?: boolean | undefined
  stream?: MediaStream | undefined
  timesliceMs?: number | undefined
  audioBitsPerSecond?: number | undefined
  onState?: ((state: RecorderState) => void) | undefined
}

export const idle: RecorderState = {
  ...{ phase: 'idle', capturedSeconds: 0, localSeconds: 0, durableSeconds: 0, online: true },
  ...{ uploadId: null, recordingId: '', error: null, parts: [] },
} as const

const load = () => import('./recording/index.js')

/** A recorder whose code is loaded when it is first made: pages that record nothing do without it. */
export function recorder<Kind extends string>(api: Api, options: RecorderOptions<Kind>): Recorder<ResourceOf<Kind>> {
  return new Deferred(load().then(({ Take }) => Take.of(api, options)), options.onState) as Recorder as Recorder<ResourceOf<Kind>>
}

export const recordings = {
  /** Recordings of this login on this device that were not finished. */
  pending: async (api: Api): Promise<PendingRecording[]> => (await load()).pending(api),
  /** Takes over a recording that no tab is busy with. `stop()` gives its record. */
  resume(api: Api, options: ResumeRecordingOptions): Recorder {
    const take = new Deferred(load().then(({ Take }) => Take.again(api, options)), options.onState)
    // Whoever only looks at the state sees the failure there.
    void (options.continueRecording ? take.start() : take.stop()).catch(() => {})
    return take
  },
  discard: async (api: Api, options: { recordingId: string }): Promise<void> => (await load()).discard(api, options.recordingId),
  forget: async (api: Api): Promise<number> => (await load()).forget(api),
}

export async function signOut(api: Api, { discardUnsent = false }: { discardUnsent?: boolean } = {}): Promise<void> {
  if (!discardUnsent && (await recordings.pending(api)).length) {
    throw new ClinicalError('UNSENT_RECORDINGS', 'there are recordings on this device that the server does not have')
  }
  await recordings.forget(api)
}

/** Stands for a recorder that is being loaded. */
class Deferred implements Recorder {
  #take: Recorder | null = null
  #state = idle
  readonly #listeners = new Set<(state: RecorderState) => void>()

  constructor(
    readonly loading: Promise<Recorder>,
    onState: RecorderOptions['onState'],
  ) {
    if (onState) this.#listeners.add(onState)
    loading.then(
      (take) => {
        this.#take = take
        take.subscribe((state) => this.#emit(state))
        if (take.state !== idle) this.#emit(take.state)
      },
      (error: ClinicalError) => this.#emit({ ...idle, phase: 'failed', error }),
    )
  }

  get state(): RecorderState {
    return this.#state
  }

  subscribe(listener: (state: RecorderState) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  start = async () => (await this.loading).start()
  pause = () => this.#take?.pause()
  resume = async () => (await this.loading).resume()
  stop = async (options?: { signal?: AbortSignal | undefined }) => (await this.loading).stop(options)
  cancel = async () => (await this.loading).cancel()

  #emit(state: RecorderState): void {
    this.#state = state
    for (const listener of [...this.#listeners]) listener(state)
  }
}
