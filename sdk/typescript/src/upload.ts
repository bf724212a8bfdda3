import type { Api } from './api.js'
import { uploadDelays } from './backoff.js'
import { digestOf } from './digest.js'
import { abortReason, ClinicalError, present, throwProblem } from './errors.js'
import type { FileResource, ResourceOf } from './fhir.js'
import type { CodingInput, CreateUploadInput, FinishUploadInput, StoredFieldsFragment } from './generated/operations.js'
import { CreateUpload, FinishUpload, UploadById } from './generated/operations.js'
import { sourceOf, type Source, type Uploadable } from './source.js'
import { send, type Sending } from './tus.js'

export interface Progress {
  /** Bytes sent; never goes back. */
  sent: number
  /** Null while a stream's length is not known. */
  total: number | null
}

export interface UploadOptions<Kind extends string = string> {
  patientId: string
  file: Uploadable
  /** From the clinic's registry: `intake-form`, `session-audio`, ... */
  kind: Kind
  /** `clinical-note`, `media`, `administrative`, `laboratory`, `raw`; the kind's own when left out. */
  category?: string | undefined
  encounterId?: string | undefined
  noteId?: string | undefined
  /** A File's name when left out. */
  title?: string | undefined
  capturedAt?: Date | string | undefined
  bodySite?: CodingInput | undefined
  /** The media type, where `file` is not a Blob that knows it. */
  contentType?: string | undefined
  /** A stream's length in bytes, if known. */
  size?: number | undefined
  /** SHA-256 of all bytes, lower-case hexadecimal. Computed here for Blobs and arrays up to 16 MiB. */
  sha256?: string | undefined
  onProgress?: ((progress: Progress) => void) | undefined
  /** Called once, before the first byte is sent: with this id the upload can be cancelled, or resumed elsewhere. */
  onCreated?: ((upload: { uploadId: string }) => void) | undefined
  /** Stops sending. What was sent stays on the server: `uploads.resume` goes on with it, `uploads.cancel` drops it. */
  signal?: AbortSignal | undefined
}

/** Sends one file and answers with the record that it became. */
export async function upload<Kind extends string>(api: Api, options: UploadOptions<Kind>): Promise<ResourceOf<Kind>> {
  const { file, signal, onProgress } = options
  if (signal?.aborted) throw abortReason(signal)
  const source = sourceOf(file, options.size)
  try {
    const sha256 = options.sha256 ?? (await digestOf(file))
    const { uploadId, target } = await create(api, inputOf(options, source, sha256), signal)
    options.onCreated?.({ uploadId })
    const token = Object.fromEntries(target.headers.map(({ name, value }) => [name, value]))
    const sending = { url: target.url, headers: () => token, source, chunkSize: target.chunkSize, onProgress, signal, delays: api.uploadDelays }
    return (await deliver(api, uploadId, sending, sha256)) as ResourceOf<Kind>
  } finally {
    source.close()
  }
}

function inputOf(options: UploadOptions, source: Source, sha256: string | undefined): CreateUploadInput {
  const { patientId, kind, category, encounterId, noteId, bodySite, capturedAt, file } = options
  const name = typeof File === 'function' && file instanceof File ? file.name : undefined
  return {
    ...{ patientId, kind, category, encounterId, noteId, bodySite, sha256 },
    title: options.title ?? name,
    capturedAt: capturedAt instanceof Date ? capturedAt.toISOString() : capturedAt,
    contentType: options.contentType || (file instanceof Blob && file.type) || 'application/octet-stream',
    size: source.size,
    // A lost answer is asked for again without making a second upload.
    idempotencyKey: newKey(),
  }
}

/** Announces a file. The same input again answers with the same upload. */
export async function create(api: Api, input: CreateUploadInput, signal: AbortSignal | undefined, delays = api.uploadDelays ?? uploadDelays) {
  const { createUpload } = await api.again(CreateUpload, { input }, { signal, delays })
  throwProblem(createUpload.problems)
  return { uploadId: present(createUpload.upload).id, target: present(createUpload.tus) }
}

/**
 * Sends the bytes, then asks for the record. Whatever goes wrong on the way, the
 * server's own word on the upload decides: the last response may have been lost.
 */
export async function deliver(api: Api, uploadId: string, sending: Sending, sha256?: string): Promise<FileResource> {
  try {
    await send(sending)
    return verified(await finish(api, uploadId, sha256, sending.signal), uploadId, sha256)
  } catch (error) {
    if (!(error instanceof ClinicalError) || error.code === 'SOURCE') throw named(error, uploadId)
    const file = await settled(api, uploadId, error, sending.signal)
    return verified(file, uploadId, sha256)
  }
}

/** Asks the server to finish, which it may have done already, and for the record. */
export function finish(api: Api, uploadId: string, sha256: string | undefined, signal?: AbortSignal): Promise<StoredFieldsFragment> {
  return finishAs(api, { uploadId, ...(sha256 && { sha256 }) }, signal)
}

/** The same, in the schema's words. */
export async function finishAs(api: Api, input: FinishUploadInput, signal?: AbortSignal): Promise<StoredFieldsFragment> {
  const { finishUpload } = await api.again(FinishUpload, { input }, { signal, delays: api.uploadDelays ?? uploadDelays })
  throwProblem(finishUpload.problems, input.uploadId)
  return present(finishUpload.file)
}

/** The record of an upload that seemed to fail, or why it failed. */
async function settled(api: Api, uploadId: string, error: ClinicalError, signal: AbortSignal | undefined): Promise<StoredFieldsFragment> {
  let found
  try {
    found = (await api.again(UploadById, { id: uploadId }, { signal })).upload
  } catch (cause) {
    if (!(cause instanceof ClinicalError)) throw cause
  }
  if (found?.file) return found.file
  if (found?.failure) throw new ClinicalError(found.failure.code, found.failure.message ?? error.message, { uploadId, requestId: error.requestId, cause: error })
  if (found?.state === 'CANCELLED' || found?.state === 'EXPIRED') {
    throw new ClinicalError(found.state, `the upload is ${found.state.toLowerCase()}`, { uploadId, requestId: error.requestId, cause: error })
  }
  throw named(error, uploadId)
}

/** The same error, naming the upload. */
function named(error: unknown, uploadId: string): unknown {
  if (!(error instanceof ClinicalError) || error.uploadId) return error
  const { code, message, requestId, field, problem, cause } = error
  return new ClinicalError(code, message, { requestId, field, problem, cause, uploadId })
}

/** Holds the record's digest against ours. The server has done so too, where it was told ours in time. */
function verified(file: StoredFieldsFragment, uploadId: string, sha256: string | undefined): FileResource {
  if (sha256 && file.sha256 !== sha256) {
    throw new ClinicalError('CHECKSUM_MISMATCH', 'what is stored is not what was sent', { uploadId })
  }
  return file.fhir as FileResource
}

/** A key for mutations that create. `crypto.randomUUID` is missing on plain http. */
export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (word) => word.toString(16).padStart(8, '0')).join('')
}
