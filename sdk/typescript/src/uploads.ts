import type { Api } from './api.js'
import { abortReason, ClinicalError, present } from './errors.js'
import type { FileResource } from './fhir.js'
import type { UploadFieldsFragment, UploadsQuery, UploadState } from './generated/operations.js'
import { CancelUpload, UploadById, Uploads } from './generated/operations.js'
import { sourceOf, type Uploadable } from './source.js'
import { deliver, finish, finishAs, type Progress } from './upload.js'

/** An upload on the server, on whichever device it was begun. */
export type PendingUpload = UploadFieldsFragment

export interface ResumeOptions {
  uploadId: string
  /** The same bytes from their beginning. Not needed for an upload that the server has whole. */
  file?: Uploadable | undefined
  /** A stream's length in bytes, if known. */
  size?: number | undefined
  onProgress?: ((progress: Progress) => void) | undefined
  signal?: AbortSignal | undefined
}

const unfinished: UploadState[] = ['OPEN', 'RECEIVING', 'ASSEMBLING', 'STORED']
/** The server's part size. Only what createUpload answers can say otherwise. */
const chunkSize = 8 << 20

/** The caller's own unfinished uploads, on any device. */
export async function pending(api: Api, options: { patientId?: string | undefined } = {}): Promise<PendingUpload[]> {
  const found: PendingUpload[] = []
  for (let after: string | null = null; ; ) {
    const { uploads }: UploadsQuery = await api.again(Uploads, { states: unfinished, patientId: options.patientId, first: 100, after })
    found.push(...uploads.nodes)
    after = uploads.pageInfo.endCursor
    if (!uploads.pageInfo.hasNextPage || !after) return found
  }
}

/** Goes on with an upload of the caller's where it stopped, with the caller's login. Resolves as `files.upload` does. */
export async function resume(api: Api, options: ResumeOptions): Promise<FileResource> {
  const { uploadId, file, onProgress, signal } = options
  if (signal?.aborted) throw abortReason(signal)
  const found = present((await api.again(UploadById, { id: uploadId }, { signal })).upload)
  if (found.file) return found.file.fhir as FileResource
  if (found.failure) throw new ClinicalError(found.failure.code, found.failure.message ?? 'the upload failed', { uploadId })
  if (!unfinished.includes(found.state)) throw new ClinicalError(found.state, `the upload is ${found.state.toLowerCase()}`, { uploadId })
  if (found.receivedBytes === found.totalBytes || found.state === 'ASSEMBLING' || found.state === 'STORED') {
    return (await finish(api, uploadId, undefined, signal)).fhir as FileResource
  }
  if (!file) throw new ClinicalError('BAD_USER_INPUT', 'the rest of the file is needed', { field: 'file', uploadId })
  return sendRest(api, found, file, { ...options, onProgress, signal })
}

async function sendRest(api: Api, found: UploadFieldsFragment, file: Uploadable, { size, onProgress, signal }: ResumeOptions) {
  const source = sourceOf(file, size ?? found.totalBytes ?? undefined)
  try {
    if (source.size !== null && (source.size < found.receivedBytes || (found.totalBytes !== null && source.size !== found.totalBytes))) {
      throw new ClinicalError('BAD_USER_INPUT', 'not the file that this upload was begun with: its length differs', { field: 'file', uploadId: found.id })
    }
    const url = api.address(`uploads/${encodeURIComponent(found.id)}`)
    return await deliver(api, found.id, { url, headers: () => api.headers(), source, chunkSize, onProgress, signal, delays: api.uploadDelays })
  } finally {
    source.close()
  }
}

/**
 * Ends a live recording with what the server has of it, from any device. What
 * the recording device still had becomes a file of its own when it comes back.
 */
export async function end(api: Api, { uploadId }: { uploadId: string }): Promise<FileResource> {
  return (await finishAs(api, { uploadId, declareLength: true })).fhir as FileResource
}

/** Drops an unfinished upload and what was sent of it. */
export async function cancel(api: Api, { uploadId }: { uploadId: string }): Promise<PendingUpload> {
  return (await api.again(CancelUpload, { input: { uploadId } })).cancelUpload.upload
}
