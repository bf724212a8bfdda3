import { CombinedGraphQLErrors, ServerError } from '@apollo/client/errors'
import { ClinicalError } from '@bonfiredb/client'

/** What went wrong, in the words of the client: `code`, `field`, `requestId`. */
export function clinicalErrorOf(error: unknown): ClinicalError {
  if (error instanceof ClinicalError) return error
  if (CombinedGraphQLErrors.is(error)) {
    const first = error.errors[0]
    const { code, field, requestId } = (first?.extensions ?? {}) as Partial<Record<'code' | 'field' | 'requestId', string>>
    return new ClinicalError(code ?? 'INTERNAL_SERVER_ERROR', first?.message ?? 'the server refused', { field, requestId, cause: error })
  }
  const requestId = ServerError.is(error) ? (error.response.headers.get('X-Request-Id') ?? undefined) : undefined
  if (ServerError.is(error)) {
    const code = error.statusCode === 401 ? 'UNAUTHENTICATED' : error.statusCode >= 502 || error.statusCode === 429 ? 'UNAVAILABLE' : 'INTERNAL_SERVER_ERROR'
    return new ClinicalError(code, `the server answered with status ${error.statusCode}`, { requestId, cause: error })
  }
  return new ClinicalError('NETWORK', 'the server could not be reached', { cause: error })
}
