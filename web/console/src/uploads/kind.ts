import type { KindsQuery } from '../generated/operations.js'
import { limit } from '../ui/words.js'

/** One entry of the clinic's registry: what may be uploaded. */
export type Kind = KindsQuery['kinds'][number]

const takesAnything = (kind: Kind) => kind.contentTypes.includes('*/*')

/** What the browser's file chooser is to show. */
export const accepts = (kind: Kind): string | undefined => (takesAnything(kind) ? undefined : kind.contentTypes.join(','))

/** The limits of a kind in words. */
export function describe(kind: Kind): string {
  const types = takesAnything(kind) ? 'Any type' : kind.contentTypes.map((type) => type.replace(/^(application|image|audio|text)\//, '')).join(', ')
  return `${types}; up to ${limit(kind.maxSize)}.`
}

/** Why a file will be refused, before it is sent; the server decides in the end. */
export function refusal(kind: Kind, file: { name: string; type: string; size: number }): string | undefined {
  const type = file.type.split(';')[0]!.trim()
  if (file.size === 0 && !kind.allowEmpty) return `${file.name} is empty.`
  if (file.size > kind.maxSize) return `${file.name} is larger than ${limit(kind.maxSize)}.`
  if (!takesAnything(kind) && !kind.contentTypes.includes(type)) return `${kind.display} does not take ${type || 'files of unknown type'} (${file.name}).`
  return undefined
}
