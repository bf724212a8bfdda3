import { CombinedGraphQLErrors, ServerError } from '@apollo/client'
import { ClinicalError } from '@bonfiredb/client'

/** A refusal or a fault, in words for the person at the screen. */
export interface Failure {
  code: string
  title: string
  words: string
  field: string | undefined
  requestId: string | undefined
}

/** What the codes mean to a person. The server's own words follow where they help. */
const titles: Record<string, string> = {
  UNAUTHENTICATED: 'Please sign in again',
  NOT_FOUND: 'Not found',
  FORBIDDEN: 'Not permitted',
  BAD_USER_INPUT: 'Something in the form is not right',
  CONFLICT: 'Somebody else was faster',
  VERSION_CONFLICT: 'It has changed while you were reading',
  TEXT_CHANGED: 'The text has changed while you were reading',
  NOTE_NOT_SIGNABLE: 'This note cannot be signed any more',
  CONTENT_REJECTED: 'This kind does not take that file',
  CONTENT_TYPE_MISMATCH: 'The file is not what its name says',
  CHECKSUM_MISMATCH: 'The bytes changed on their way',
  QUARANTINED: 'Not released yet',
  GONE: 'No longer there',
  NETWORK: 'No connection',
  UNAVAILABLE: 'Try again in a moment',
  UNSENT_RECORDINGS: 'There are recordings that only this device has',
  MICROPHONE: 'No microphone',
}

const explained: Record<string, string> = {
  NOT_FOUND: 'There is no such record, or none that you may know of.',
  FORBIDDEN: 'You may see this, but not do this. The attempt is in the audit trail.',
  VERSION_CONFLICT: 'Somebody saved another version in the meantime. Read the new one before you go on; nothing was overwritten.',
  TEXT_CHANGED: 'What is stored is not the text that you read. Nothing was signed.',
  QUARANTINED: 'The file waits for its scan. It can be opened once that is clean.',
  GONE: 'The bytes were given up when their time had come. The record stays.',
  NETWORK: 'The server could not be reached. What you entered is still here.',
  UNSENT_RECORDINGS: 'They are locked with a key of this login, which goes when you sign out. Store or discard them first.',
  UNAUTHENTICATED: 'Your login has ended. What you entered is still here.',
}

/** Reads any error that Apollo Client, the SDK or the browser may throw. */
export function failureOf(error: unknown): Failure {
  if (error instanceof ClinicalError) return of(error.code, error.message, error.requestId, error.field)
  if (CombinedGraphQLErrors.is(error)) return ofGraphQL(error.errors[0])
  if (ServerError.is(error)) return ofGraphQL(firstError(error.bodyText)) // 401 and 403 of the door
  if (error instanceof DOMException && error.name === 'NotAllowedError') return of('MICROPHONE', 'The browser was not allowed to use the microphone.')
  if (error instanceof SignInError) return of('SIGN_IN', error.message)
  return of('NETWORK', error instanceof Error ? error.message : '')
}

/** Signing in did not work, in words for the person who tried. */
export class SignInError extends Error {}

interface GraphQLErrorLike {
  message: string
  extensions?: Record<string, unknown> | undefined
}

function ofGraphQL(error: GraphQLErrorLike | undefined): Failure {
  const { code, requestId, field } = error?.extensions ?? {}
  return of(text(code) ?? 'NETWORK', error?.message ?? '', text(requestId), text(field))
}

function of(code: string, message: string, requestId?: string, field?: string): Failure {
  return { code, title: titles[code] ?? 'That did not work', words: explained[code] ?? sentence(message), requestId, field }
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
const sentence = (words: string): string => (words ? `${words[0]!.toUpperCase()}${words.slice(1).replace(/\.?$/, '.')}` : '')

function firstError(body: string): GraphQLErrorLike | undefined {
  try {
    return (JSON.parse(body) as { errors?: GraphQLErrorLike[] }).errors?.[0]
  } catch {
    return undefined
  }
}
