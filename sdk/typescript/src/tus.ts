import { DefaultHttpStack, DetailedError, Upload } from 'tus-js-client'
import { jittered, uploadDelays } from './backoff.js'
import { abortReason, ClinicalError } from './errors.js'
import { Pace } from './pace.js'
import type { Source } from './source.js'

export interface Sending {
  /** The upload's own address. tus-js-client gets no other one, so nothing makes it start a second upload at 0. */
  url: string
  /** Asked before each request. */
  headers(): Promise<Record<string, string>> | Record<string, string>
  source: Source
  chunkSize: number
  /** `total` is null while the length is not known. */
  onProgress?: ((progress: { sent: number; total: number | null }) => void) | undefined
  /** Called after each answer, with the bytes that the server has, and with null when there was none. */
  onAnswer?: ((offset: number | null) => void) | undefined
  signal?: AbortSignal | undefined
  delays?: readonly number[] | undefined
}

/** A request that moves nothing for this long is given up and tried again, milliseconds. */
const stalled = 60_000

/** Sends the bytes that the server does not have yet. Resolves when it has acknowledged the last one. */
export function send({ url, headers, source, chunkSize, onProgress, onAnswer, signal, delays = uploadDelays }: Sending): Promise<void> {
  const pace = new Pace(chunkSize, source.size)
  return new Promise((resolve, reject) => {
    const upload = new Upload(placeholder, {
      uploadUrl: url,
      chunkSize: pace.chunk,
      ...(source.size === null ? { uploadLengthDeferred: true } : { uploadSize: source.size }),
      fileReader: { openFile: async () => source as never },
      httpStack: { createRequest: (method, address) => watched(stack.createRequest(method, address)), getName: () => 'watched' },
      retryDelays: jittered(delays),
      onShouldRetry: (error) => {
        pace.broke()
        if (!error.originalResponse) onAnswer?.(null)
        return retryable(error)
      },
      // Nothing about the upload is written to localStorage.
      fingerprint: async () => null as never,
      storeFingerprintForResuming: false,
      onBeforeRequest: async (request) => {
        for (const [name, value] of Object.entries(await headers())) request.setHeader(name, value)
      },
      onAfterResponse: (_request, response) => {
        const offset = Number(response.getHeader('Upload-Offset') ?? 0)
        pace.reached(offset)
        onAnswer?.(offset)
        upload.options.chunkSize = pace.chunk // looked at before each request
      },
      onProgress: progressOf(source, onProgress),
      onSuccess: () => end(resolve),
      onError: (error) => end(() => reject(failureOf(error))),
    })
    const end = (then: () => void) => {
      signal?.removeEventListener('abort', abort)
      then()
    }
    const abort = () => {
      void upload.abort(false)
      end(() => reject(abortReason(signal!)))
    }
    if (signal?.aborted) return reject(abortReason(signal))
    signal?.addEventListener('abort', abort)
    upload.start()
  })
}

type Request = ReturnType<DefaultHttpStack['createRequest']>
const stack = new DefaultHttpStack({})
// The bytes come from the source; tus-js-client only wants something that is not null.
const placeholder = { read: async () => ({ done: true as const, value: undefined }) }

/** Gives up a request that stands still: browsers' have no such limit of their own. */
function watched(request: Request): Request {
  let timer: ReturnType<typeof setTimeout> | undefined
  let stop = () => {}
  const watch = () => {
    clearTimeout(timer)
    timer = setTimeout(() => stop(), stalled)
  }
  return {
    getMethod: () => request.getMethod(),
    getURL: () => request.getURL(),
    setHeader: (name, value) => request.setHeader(name, value),
    getHeader: (name) => request.getHeader(name),
    getUnderlyingObject: () => request.getUnderlyingObject(),
    abort: () => {
      clearTimeout(timer)
      return request.abort()
    },
    setProgressHandler: (handler) =>
      request.setProgressHandler((sent) => {
        watch()
        handler(sent)
      }),
    send: (body) =>
      new Promise((resolve, reject) => {
        stop = () => {
          reject(new Error('no progress'))
          void request.abort()
        }
        watch()
        request.send(body).then(resolve, reject).finally(() => clearTimeout(timer))
      }),
  }
}

/** Never goes back, though a lost connection makes some bytes be sent twice. Ends with `sent` equal to `total`. */
function progressOf(source: Source, report: Sending['onProgress']) {
  let most = -1
  let known: number | null = source.size
  return (sent: number, total: number | null) => {
    const learned = known === null && total !== null
    known ??= total
    if (!report || (sent <= most && !learned)) return
    most = Math.max(most, sent)
    report({ sent: most, total: known })
  }
}

/** What passes by itself: no answer at all, a held lease, a server that is busy or being replaced. */
function retryable(error: DetailedError): boolean {
  if (error.causingError instanceof ClinicalError) return false // the source's, or the token function's
  const status = error.originalResponse?.getStatus() ?? 0
  return status < 400 || status >= 500 || [408, 409, 423, 425, 429].includes(status)
}

const codes: Record<number, string> = {
  400: 'BAD_USER_INPUT',
  401: 'UNAUTHENTICATED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  409: 'CONFLICT',
  410: 'GONE',
  413: 'TOO_LARGE',
  415: 'UNSUPPORTED',
  423: 'UNAVAILABLE',
  460: 'CHECKSUM_MISMATCH',
  503: 'UNAVAILABLE',
}

/** tus-js-client's own message holds addresses and whole responses: the server's words are kept, the rest is left. */
function failureOf(error: Error): ClinicalError {
  const detailed = error as Partial<DetailedError>
  if (detailed.causingError instanceof ClinicalError) return detailed.causingError
  const response = detailed.originalResponse
  if (!response) return new ClinicalError('NETWORK', 'the connection was lost, and could not be had again', { cause: detailed.causingError ?? error })
  const status = response.getStatus()
  const words = (response.getBody() ?? '').trim()
  const message = words && words.length <= 200 && !words.startsWith('<') ? words : `the server answered with status ${status}`
  return new ClinicalError(codes[status] ?? 'INTERNAL_SERVER_ERROR', message, { requestId: response.getHeader('X-Request-Id') ?? undefined })
}
