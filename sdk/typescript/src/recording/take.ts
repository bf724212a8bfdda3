import type { Api } from '../api.js'
import { abortReason, ClinicalError } from '../errors.js'
import type { FileResource } from '../fhir.js'
import { newKey } from '../upload.js'
import { usual } from './container.js'
import { idle, type Recorder, type RecorderOptions, type RecorderPhase, type RecorderState, type ResumeRecordingOptions } from './contract.js'
import { Delivery } from './delivery.js'
import { Session } from './session.js'
import type { Manifest } from './manifest.js'
import { Tape } from './tape.js'

type Settings = Pick<RecorderOptions, 'stream' | 'mimeType' | 'timesliceMs' | 'audioBitsPerSecond'>

/** A tape under way to the server. */
interface Run {
  tape: Tape
  delivery: Delivery
  /** Resolves to the tape's record; the tape is forgotten then. */
  record: Promise<FileResource>
}

/**
 * One visit: what the microphone gives goes to the tape (tape.ts), and from
 * there to the server (delivery.ts), neither waiting for the other's trouble.
 * Where a stream cannot be joined to what is there (session.ts), the visit gets
 * a second tape, and so a second file.
 */
export class Take implements Recorder {
  #phase: RecorderPhase = 'idle'
  #state = idle
  #error: ClinicalError | null = null
  #run: Run | null = null
  readonly #earlier: Run[] = []
  #session: Session | null = null
  #starting: Promise<void> | null = null
  #stopping: Promise<FileResource> | null = null
  readonly #listeners = new Set<(state: RecorderState) => void>()
  readonly #abort = new AbortController()

  private constructor(
    readonly api: Api,
    readonly settings: Settings,
    readonly manifest: () => Manifest,
    tape: Tape | null,
  ) {
    if (tape) this.#deliver(tape)
  }

  static of(api: Api, options: RecorderOptions): Take {
    return new Take(api, options, () => manifestFor(options), null)
  }

  static async again(api: Api, options: ResumeRecordingOptions): Promise<Take> {
    let take: Take | null = null
    const tape = await Tape.open(api, options.recordingId, () => take?.changed())
    tape.manifest.ended &&= !options.continueRecording
    const { input, mimeType } = tape.manifest
    const renewed = () => ({ ...fresh(mimeType), input: { ...input, ...fresh(mimeType).input } }) as Manifest
    take = new Take(api, { ...options, mimeType }, renewed, tape)
    take.changed()
    return take
  }

  get state(): RecorderState {
    return this.#state
  }

  subscribe(listener: (state: RecorderState) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  start(): Promise<void> {
    this.#starting ??= this.#begin().catch((error: ClinicalError) => {
      this.#starting = null
      this.#error = error
      this.changed()
      throw error
    })
    return this.#starting
  }

  async #begin(): Promise<void> {
    if (this.#stopping) throw new ClinicalError('CONFLICT', 'this recording has ended')
    const session = await Session.listen(this.settings)
    try {
      if (!this.#run) this.#deliver(await Tape.create(this.api, this.manifest(), this.changed))
      this.#roll(session)
    } catch (error) {
      session.release()
      throw error
    }
  }

  #roll(session: Session): void {
    this.#session = session
    session.onLost = (error) => {
      this.#error = error
      this.#enter('paused')
    }
    session.run({ tape: this.#run!.tape, another: () => this.#another() })
    this.#error = null
    this.#enter('recording')
  }

  /** A tape for a stream that cannot follow the last one's; that one is ended. */
  async #another(): Promise<Tape> {
    const before = this.#run!
    const tape = await Tape.create(this.api, this.manifest(), this.changed)
    this.#earlier.push(before)
    this.#deliver(tape)
    await before.tape.finish()
    return tape
  }

  #deliver(tape: Tape): void {
    const delivery = new Delivery(this.api, tape, this.#abort.signal, this.changed)
    const record = delivery.run().then(async (file) => {
      await tape.drop()
      return file
    })
    record.catch((error: unknown) => this.#refused(error, tape))
    this.#run = { tape, delivery, record }
  }

  /** The server will not have it. Before it took anything, that ends the recording; later, sound is still kept here. */
  #refused(error: unknown, tape: Tape): void {
    if (!(error instanceof ClinicalError)) return
    this.#error = error
    if (tape.manifest.target || this.#stopping) return this.changed()
    this.#session?.end().catch(() => {})
    tape.leave()
    this.#enter('failed')
  }

  pause(): void {
    if (this.#phase !== 'recording') return
    this.#session?.pause()
    this.#enter('paused')
  }

  async resume(): Promise<void> {
    if (this.#phase !== 'paused') return
    if (this.#session?.resume()) return this.#enter('recording')
    await this.#session?.end()
    this.#roll(await Session.listen(this.settings))
  }

  stop({ signal }: { signal?: AbortSignal | undefined } = {}): Promise<FileResource> {
    const abort = () => this.#abort.abort(signal && abortReason(signal))
    if (signal?.aborted) abort()
    signal?.addEventListener('abort', abort, { once: true })
    this.#stopping ??= this.#finish()
    return this.#stopping.finally(() => signal?.removeEventListener('abort', abort))
  }

  async #finish(): Promise<FileResource> {
    try {
      await this.#starting?.catch(() => {})
      if (this.#phase === 'failed' || !this.#run) throw this.#error ?? new ClinicalError('BAD_REQUEST', 'nothing is being recorded')
      this.#enter('stopping')
      await this.#session?.end()
      const { tape, record } = this.#run
      if (tape.blank) return await this.#nothing()
      await tape.finish()
      const files = await Promise.all([...this.#earlier.map((run) => run.record), record])
      this.#error = null
      this.#enter('done')
      return files.at(-1)!
    } catch (error) {
      if (error instanceof ClinicalError) this.#error = error
      for (const { tape } of this.#runs()) tape.leave()
      this.#enter('failed')
      throw error
    }
  }

  async #nothing(): Promise<FileResource> {
    await this.#forget()
    throw new ClinicalError('SOURCE', 'nothing was recorded')
  }

  async cancel(): Promise<void> {
    await this.#starting?.catch(() => {})
    await this.#session?.end()
    await this.#forget()
    this.#enter('idle')
  }

  async #forget(): Promise<void> {
    this.#abort.abort(new DOMException('the recording was cancelled', 'AbortError'))
    for (const { tape, delivery, record } of this.#runs()) {
      await record.catch(() => {})
      await delivery.cancel().catch(() => {}) // it expires by itself
      await tape.drop()
    }
  }

  #runs(): Run[] {
    return [...this.#earlier, ...(this.#run ? [this.#run] : [])]
  }

  #enter(phase: RecorderPhase): void {
    this.#phase = phase
    this.changed()
  }

  readonly changed = (): void => {
    const runs = this.#runs()
    const last = this.#run
    const sum = (of: 'captured' | 'local' | 'durable') => runs.reduce((all, run) => all + run.tape.seconds[of], 0)
    this.#state = {
      phase: this.#phase,
      capturedSeconds: sum('captured'),
      localSeconds: sum('local'),
      durableSeconds: sum('durable'),
      online: runs.every((run) => run.delivery.online),
      uploadId: last?.tape.manifest.target?.uploadId ?? null,
      recordingId: last?.tape.id ?? '',
      error: this.#error ?? last?.tape.full ?? last?.delivery.error ?? null,
      parts: runs.flatMap((run) => run.tape.manifest.parts),
    }
    for (const listener of [...this.#listeners]) listener(this.#state)
  }
}

function fresh(mimeType: string) {
  const startedAt = new Date().toISOString()
  const input = { contentType: mimeType.split(';')[0]!, capturedAt: startedAt, idempotencyKey: newKey() }
  return { input, mimeType, startedAt, target: null, init: null, ended: false, parts: [] }
}

function manifestFor({ patientId, kind, category, encounterId, title, mimeType }: RecorderOptions): Manifest {
  const made = fresh(mimeType ?? usual())
  return { ...made, input: { patientId, kind, category, encounterId, title, ...made.input } }
}
