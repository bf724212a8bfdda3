/** What an error is, for a program. The list is open: a newer server may add to it. */
export type ClinicalErrorCode =
  // of the server
  | 'UNAUTHENTICATED'
  | 'NOT_FOUND'
  | 'FORBIDDEN'
  | 'BAD_USER_INPUT'
  | 'BAD_REQUEST'
  | 'CONFLICT'
  | 'GONE'
  | 'TOO_LARGE'
  | 'UNSUPPORTED'
  | 'QUARANTINED'
  | 'UNAVAILABLE'
  | 'QUERY_LIMIT_EXCEEDED'
  | 'NOT_IMPLEMENTED'
  | 'INTERNAL_SERVER_ERROR'
  // problems of a mutation
  | 'CONTENT_REJECTED'
  | 'UPLOAD_NOT_READY'
  | 'CHECKSUM_MISMATCH'
  | 'VERSION_CONFLICT'
  | 'NOTE_NOT_SIGNABLE'
  | 'TEXT_CHANGED'
  // why an upload failed
  | 'CONTENT_TYPE_MISMATCH'
  | 'INFECTED'
  | 'EXPIRED'
  | 'STORAGE'
  | 'REFUSED'
  | 'CANCELLED'
  // of this client
  /** No answer from the server, after all the retries. */
  | 'NETWORK'
  /** The given file or stream could not be read to its end. */
  | 'SOURCE'
  /** The microphone was not allowed, or was lost. */
  | 'MICROPHONE'
  /** This device has no room for a recording. */
  | 'DEVICE_FULL'
  /** Signing out would lose sound that only this device has. */
  | 'UNSENT_RECORDINGS'
  | (string & {})

/** What a mutation answered instead of doing it, as in the schema: `problems`. */
export type Problem = { readonly __typename: string; readonly message: string; readonly [key: string]: unknown }

export interface ClinicalErrorDetails {
  requestId?: string | undefined
  field?: string | undefined
  uploadId?: string | undefined
  problem?: Problem | undefined
  cause?: unknown
}

/**
 * Every failure of a call, but for an abort (a DOMException, `AbortError`).
 * Messages hold no patient data.
 */
export class ClinicalError extends Error {
  override readonly name = 'ClinicalError'
  /** Names the request in the server's log. */
  readonly requestId: string | undefined
  /** The input that was refused, as a dotted path. */
  readonly field: string | undefined
  /** The upload that failed: `uploads.resume({ uploadId, file })` goes on with it where that can help. */
  readonly uploadId: string | undefined
  /** Details of the refusal: allowed content types, the current version, ... */
  readonly problem: Problem | undefined

  constructor(
    readonly code: ClinicalErrorCode,
    message: string,
    details: ClinicalErrorDetails = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.requestId = details.requestId
    this.field = details.field
    this.uploadId = details.uploadId
    this.problem = details.problem
  }
}

/** Throws the first problem of a payload, if it has any. `VersionConflict` becomes code `VERSION_CONFLICT`. */
export function throwProblem(problems: readonly { __typename: string; message: string }[], uploadId?: string): void {
  const problem = problems[0] as Problem | undefined
  if (!problem) return
  const code = problem.__typename.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase()
  const field = typeof problem.field === 'string' ? problem.field : undefined
  throw new ClinicalError(code, problem.message, { problem, field, uploadId })
}

/** The entity of a payload that has no problems. */
export function present<T>(entity: T | null | undefined): T {
  if (entity == null) throw new ClinicalError('INTERNAL_SERVER_ERROR', 'the server answered without a result')
  return entity
}

/** The reason of an abort, as a DOMException. */
export function abortReason(signal: AbortSignal): DOMException {
  const reason: unknown = signal.reason
  return reason instanceof DOMException ? reason : new DOMException('the call was aborted', 'AbortError')
}

