import { useState } from 'react'
import { useSession } from '../session/context.js'
import { useTask } from '../ui/task.js'

export interface Link {
  url: string
  expiresAt: number
}

/**
 * A signed URL of a file, fetched when it is asked for: that it was is in the audit trail. It stays
 * in memory, works for minutes, and is fetched anew when it no longer does.
 */
export function useSignedUrl(documentId: string) {
  const { clinical } = useSession()
  const [link, setLink] = useState<Link | null>(null)
  const open = useTask(async () => {
    const { url, expiresAt } = await clinical.files.signedUrl({ documentId })
    setLink({ url, expiresAt: Date.parse(expiresAt) })
  })
  return { link, open, close: () => setLink(null) }
}
