import type { Api } from '../api.js'
import { jittered, uploadDelays } from '../backoff.js'
import { abortReason, ClinicalError, present } from '../errors.js'
import type { FileResource } from '../fhir.js'
import { get } from '../files.js'
import { CancelUpload, UploadById } from '../generated/operations.js'
import { send } from '../tus.js'
import { create, finish, newKey } from '../upload.js'
import type { Tape } from './tape.js'

/** Bytes a request. Small: what a cut line loses is sent again. */
const chunkSize = 64 << 10
/** Tries within one connection's trouble, milliseconds; past them the server is away. */
const shortly = [250, 500, 1_000]

/** What passes by itself, or when somebody signs in again. */
const passing = new Set(['NETWORK', 'UNAVAILABLE', 'INTERNAL_SERVER_ERROR', 'UNAUTHENTICATED', 'UPLOAD_NOT_READY', 'CONFLICT'])

/** Brings one tape to the server, while it is being recorded and after, for as long as it takes. */
export class Delivery {
  online = true
  error: ClinicalError | null = null
  #ownToken = false
  readonly #wakes = new Set<() => void>()

  constructor(
    readonly api: Api,
    readonly tape: Tape,
    readonly signal: AbortSignal,
    readonly changed: () => void,
  ) {}

  /** Resolves to the record of the tape, once it has ended. Rejects when the server refuses it, or on an abort. */
  async run(): Promise<FileResource> {
    const stir = () => this.#wakes.forEach((wake) => wake())
    addEventListener('online', stir)
    try {
      for (let delays = jittered(uploadDelays); ; ) {
        const before = this.tape.seconds.durable
        try {
          return await this.#attempt()
        } catch (error) {
          if (this.signal.aborted) throw abortReason(this.signal)
          if (!(error instanceof ClinicalError) || !passing.has(error.code)) throw error
          this.#report(error.code !== 'NETWORK', error.code === 'NETWORK' ? null : error)
          if (this.tape.seconds.durable > before) delays = jittered(uploadDelays)
          await this.#pause(delays.shift() ?? uploadDelays.at(-1)!)
        }
      }
    } finally {
      removeEventListener('online', stir)
    }
  }

  async #attempt(): Promise<FileResource> {
    const { manifest } = this.tape
    if (this.tape.spent) return (await get(this.api, { fileId: manifest.parts.at(-1)! })).fhir
    if (!manifest.target) await this.#create()
    const { uploadId, url } = manifest.target!
    const headers = () => (this.#ownToken ? this.api.headers() : manifest.target!.headers)
    const { signal, tape } = this
    const onAnswer = (offset: number | null) => {
      this.#report(offset !== null, null)
      if (offset !== null) void tape.acknowledge(offset).catch(() => {}) // forgetting is done again at the end
    }
    let trouble = new ClinicalError('UNAVAILABLE', 'the upload ended too early')
    try {
      await send({ url, headers, source: tape, chunkSize, signal, delays: shortly, onAnswer })
      if (tape.delivered) return (await finish(this.api, uploadId, undefined, signal)).fhir as FileResource
    } catch (error) {
      if (signal.aborted || !(error instanceof ClinicalError) || error.code === 'SOURCE') throw error
      trouble = error
    }
    await this.#judge(trouble, uploadId)
    return this.#attempt()
  }

  async #create(): Promise<void> {
    const { manifest } = this.tape
    const { uploadId, target } = await create(this.api, manifest.input, this.signal, shortly)
    manifest.target = { uploadId, url: target.url, headers: Object.fromEntries(target.headers.map(({ name, value }) => [name, value])) }
    await this.tape.save()
    this.#report(true, null)
  }

  /** The server's own word on an upload that does not go on. Returns where trying again makes sense. */
  async #judge(error: ClinicalError, uploadId: string): Promise<void> {
    if (passing.has(error.code) && error.code !== 'UNAUTHENTICATED' && error.code !== 'UNAVAILABLE') throw error
    const found = present((await this.api.again(UploadById, { id: uploadId }, { signal: this.signal })).upload)
    const elsewhere = found.state === 'COMPLETED' || found.state === 'STORED' || found.state === 'ASSEMBLING'
    if (found.failure && found.state !== 'EXPIRED') throw new ClinicalError(found.failure.code, found.failure.message ?? error.message, { uploadId, cause: error })
    if (found.state === 'CANCELLED') throw new ClinicalError('CANCELLED', 'the upload was cancelled', { uploadId, cause: error })
    if (elsewhere || found.state === 'EXPIRED') {
      await this.tape.acknowledge(found.receivedBytes)
      if (this.tape.delivered && elsewhere) return
      // Somebody finished it with what there was, on another device. What is here is not lost: it becomes a file of its own.
      if (found.file) this.tape.manifest.parts.push(found.file.id)
      await this.tape.split(found.receivedBytes, newKey())
      return
    }
    const tokenRefused = ['UNAUTHENTICATED', 'FORBIDDEN', 'NOT_FOUND'].includes(error.code)
    if (!tokenRefused || this.#ownToken) throw error
    this.#ownToken = true // the upload token has expired: the login's own does as well
  }

  /** Drops what the server has. */
  async cancel(): Promise<void> {
    const uploadId = this.tape.manifest.target?.uploadId
    if (uploadId) await this.api.again(CancelUpload, { input: { uploadId } })
  }

  #report(online: boolean, error: ClinicalError | null): void {
    if (this.online === online && this.error === error) return
    this.online = online
    this.error = error
    this.changed()
  }

  /** Waits, or until the browser finds a network. */
  #pause(ms: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(timer)
        this.#wakes.delete(end)
        this.signal.removeEventListener('abort', end)
        if (this.signal.aborted) reject(abortReason(this.signal))
        else resolve()
      }
      const timer = setTimeout(end, ms)
      this.#wakes.add(end)
      this.signal.addEventListener('abort', end)
    })
  }
}
