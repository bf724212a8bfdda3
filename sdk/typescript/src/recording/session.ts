import { ClinicalError } from '../errors.js'
import { containerOf, usual, type Container } from './container.js'
import type { Tape } from './tape.js'
import { concat } from './ebml.js'

export interface Microphone {
  stream?: MediaStream | undefined
  mimeType?: string | undefined
  timesliceMs?: number | undefined
  audioBitsPerSecond?: number | undefined
}

/** Where the sound goes. */
interface Sink {
  tape: Tape
  /** Gives a new tape, for a stream that cannot follow what is on this one. */
  another(): Promise<Tape>
}

/** From one start of a MediaRecorder to its end: pausing is within it, a lost microphone or a reload ends it. */
export class Session {
  onLost: (error: ClinicalError) => void = () => {}
  readonly #recorder: MediaRecorder
  readonly #stopped: Promise<void>
  #container: Container | null = null
  #early: Uint8Array[] = []
  #work: Promise<void> = Promise.resolve()
  #asked = false
  #elapsed = 0
  #since = 0

  private constructor(
    readonly stream: MediaStream,
    readonly settings: Microphone,
  ) {
    const { audioBitsPerSecond = 64_000, mimeType = usual() } = settings
    this.#recorder = new MediaRecorder(stream, { mimeType, audioBitsPerSecond })
    this.#stopped = new Promise((resolve) => this.#recorder.addEventListener('stop', () => resolve()))
  }

  static async listen(settings: Microphone): Promise<Session> {
    if (settings.stream) return new Session(settings.stream, settings)
    if (!navigator.mediaDevices) throw new ClinicalError('UNSUPPORTED', 'microphones are for pages on https only')
    try {
      return new Session(await navigator.mediaDevices.getUserMedia({ audio: true }), settings)
    } catch (cause) {
      if (cause instanceof ClinicalError) throw cause
      const denied = cause instanceof DOMException && cause.name === 'NotAllowedError'
      throw new ClinicalError('MICROPHONE', denied ? 'the microphone was not allowed' : 'there is no microphone to be had', { cause })
    }
  }

  run(sink: Sink): void {
    const recorder = this.#recorder
    recorder.addEventListener('dataavailable', ({ data }) => this.#keep(data, sink))
    recorder.addEventListener('stop', () => this.#ended())
    recorder.start(Math.min(1_000, this.settings.timesliceMs ?? 500))
    this.#since = performance.now()
    for (const name of ['beforeunload', 'pagehide']) addEventListener(name, this.#flush)
    for (const name of ['visibilitychange', 'freeze']) document.addEventListener(name, this.#flush)
  }

  pause(): void {
    this.#recorder.pause()
    this.#flush()
    this.#elapsed = this.#clock()
    this.#since = Infinity
  }

  /** False where the microphone was lost: another session must go on. */
  resume(): boolean {
    if (this.#recorder.state !== 'paused') return false
    this.#recorder.resume()
    this.#since = performance.now()
    return true
  }

  /** Ends the recording; resolves when the last sound is on the tape. */
  async end(): Promise<void> {
    this.#asked = true
    if (this.#recorder.state !== 'inactive') {
      this.#recorder.stop()
      await this.#stopped
    }
    this.release()
    await this.#work
  }

  /** Lets go of the microphone, if it was asked for here. */
  release(): void {
    for (const name of ['beforeunload', 'pagehide']) removeEventListener(name, this.#flush)
    for (const name of ['visibilitychange', 'freeze']) document.removeEventListener(name, this.#flush)
    if (!this.settings.stream) for (const track of this.stream.getTracks()) track.stop()
  }

  /** What the recorder still has is asked for when the page may go: a phone's browser gives no later chance. */
  readonly #flush = (): void => {
    if (this.#recorder.state !== 'inactive') this.#recorder.requestData()
  }

  #ended(): void {
    if (this.#asked) return
    this.release()
    void this.#work.then(() => this.onLost(new ClinicalError('MICROPHONE', 'the microphone was lost: go on with another one')))
  }

  #clock(): number {
    return this.#elapsed + Math.max(0, performance.now() - this.#since) / 1000
  }

  #keep(data: Blob, sink: Sink): void {
    const elapsed = this.#clock()
    this.#work = this.#work
      .then(async () => this.#append(new Uint8Array(await data.arrayBuffer()), elapsed, sink))
      .catch((error: unknown) => {
        if (this.#asked) return
        this.#asked = true
        if (this.#recorder.state !== 'inactive') this.#recorder.stop()
        this.release()
        this.onLost(error instanceof ClinicalError ? error : new ClinicalError('SOURCE', 'the recording cannot be kept', { cause: error }))
      })
  }

  async #append(bytes: Uint8Array, elapsed: number, sink: Sink): Promise<void> {
    const first = this.#container === null || this.#early.length > 0
    this.#container ??= containerOf(this.#recorder.mimeType, sink.tape.seconds.captured)
    if (first) this.#early.push(bytes)
    let piece = this.#container.push(bytes, elapsed)
    if (!piece) return
    if (first) {
      if (sink.tape.init && !this.#container.follows(sink.tape.init)) {
        sink.tape = await sink.another()
        this.#container = containerOf(this.#recorder.mimeType, 0)
        piece = this.#container.push(concat(this.#early), elapsed)!
      }
      if (!sink.tape.init) await sink.tape.begin(this.#container.init!)
      this.#early = []
    }
    await sink.tape.append(piece)
  }
}
