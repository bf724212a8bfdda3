// What a recorder is to whoever uses it. It is all that pages which record nothing load.
import type { ClinicalError } from '../errors.js'
import type { FileResource } from '../fhir.js'

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
