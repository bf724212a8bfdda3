import type { Api } from './api.js'
import { ClinicalError } from './errors.js'
import type { ResourceOf } from './fhir.js'
import { idle, type PendingRecording, type Recorder, type RecorderOptions, type RecorderState, type ResumeRecordingOptions } from './recording/contract.js'

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
