/** Numbers and times as people read them, in the browser's own language. */

const units = ['bytes', 'kB', 'MB', 'GB', 'TB']

export function size(bytes: number): string {
  const step = bytes < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3))
  const value = bytes / 1000 ** step
  return `${value.toLocaleString(undefined, { maximumFractionDigits: step && value < 10 ? 1 : 0 })} ${units[step]}`
}

/** Limits are powers of two: 5 GiB. */
export function limit(bytes: number): string {
  const step = Math.min(4, Math.floor(Math.log2(bytes) / 10))
  return `${(bytes / 1024 ** step).toLocaleString(undefined, { maximumFractionDigits: 1 })} ${['bytes', 'KiB', 'MiB', 'GiB', 'TiB'][step]}`
}

export const when = (instant: string): string => new Date(instant).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' })

/** 75.2 becomes 1:15. */
export function clock(seconds: number): string {
  const whole = Math.floor(seconds)
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
  const two = (n: number) => String(n).padStart(2, '0')
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`
}

/** ENTERED_IN_ERROR becomes Entered in error. */
export function plain(code: string): string {
  const words = code.toLowerCase().replaceAll(/[_-]/g, ' ')
  return words[0]!.toUpperCase() + words.slice(1)
}

/** A FHIR reference with the end of its id, which is the part that differs: Media …71f4-8884. */
export const short = (reference: string): string => reference.replace(/^(\w+)\/.*?([^/]{12})(\/_history\/(\d+))?$/, (_all, type, end, _history, version) => `${type} …${end}${version ? ` v${version}` : ''}`)
