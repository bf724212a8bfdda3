// One tab owns a recording at a time.
import { ClinicalError } from '../errors.js'

const lockOf = (id: string) => `bonfire-recording-${id}`

/** How long a tab that is going away may take to let go, milliseconds. */
const patience = 3_000

/** Takes the recording for this tab; the answer lets go of it. The browser does so when the tab ends, however it ends. */
export function hold(id: string): Promise<() => void> {
  return new Promise((resolve, reject) => {
    const give = () => new Promise<void>((free) => resolve(free))
    navigator.locks
      .request(lockOf(id), { signal: AbortSignal.timeout(patience) }, give)
      .catch((cause: unknown) => reject(new ClinicalError('CONFLICT', 'this recording is going on in another tab', { cause })))
  })
}

/** The recordings that some tab owns. */
export async function owned(): Promise<(id: string) => boolean> {
  const names = new Set((await navigator.locks.query()).held?.map((lock) => lock.name))
  return (id) => names.has(lockOf(id))
}
