import type { ClinicalError, SignedUrlOptions } from '@bonfiredb/client'
import { useCallback, useEffect, useState } from 'react'
import { useClinical } from './provider.js'

export interface SignedUrlHook {
  /** Null until there is one, and again when it has expired. It stands in this component's state and nowhere else. */
  url: string | null
  /** RFC 3339, UTC. */
  expiresAt: string | null
  loading: boolean
  error: ClinicalError | null
  /** Asks for another one now: for a player whose link has expired. */
  renew(): void
}

export interface SignedUrlHookOptions extends SignedUrlOptions {
  /** No link is asked for; each one that is, is recorded. */
  skip?: boolean
  /** Asks for the next link before one expires, while the page is seen. True when left out; a new link makes players start over. */
  keepFresh?: boolean
}

type Shown = Omit<SignedUrlHook, 'renew'>
const none: Shown = { url: null, expiresAt: null, loading: false, error: null }

/** A link to a file, for as long as the component shows it. */
export function useSignedUrl({ skip = false, keepFresh = true, ...options }: SignedUrlHookOptions): SignedUrlHook {
  const clinical = useClinical()
  const wanted = JSON.stringify(options)
  const [turn, setTurn] = useState(0)
  const [held, setHeld] = useState<Shown & { of: string }>({ ...none, of: '' })

  useEffect(() => {
    if (skip) return
    let gone = false
    let timer: ReturnType<typeof setTimeout> | undefined
    const show = (change: Partial<Shown>) => !gone && setHeld((held) => ({ ...(held.of === wanted ? held : none), ...change, of: wanted }))
    const ask = async () => {
      document.removeEventListener('visibilitychange', whenSeen)
      show({ loading: true, error: null })
      try {
        const { url, expiresAt } = await clinical.files.signedUrl(JSON.parse(wanted) as SignedUrlOptions)
        if (gone) return
        show({ url, expiresAt, loading: false })
        const life = Math.max(0, Date.parse(expiresAt) - Date.now())
        // A tenth of its life is left for whoever has just begun to load it.
        timer = setTimeout(keepFresh ? whenSeen : expire, keepFresh ? life * 0.9 : life)
      } catch (error) {
        show({ ...none, error: error as ClinicalError })
      }
    }
    const expire = () => show(none)
    const whenSeen = () => {
      if (document.visibilityState === 'visible') return void ask()
      document.addEventListener('visibilitychange', whenSeen)
    }
    void ask()
    return () => {
      gone = true
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', whenSeen)
    }
  }, [clinical, wanted, skip, keepFresh, turn])

  const renew = useCallback(() => setTurn((turn) => turn + 1), [])
  // What belongs to another document is not shown for a single render.
  const { url, expiresAt, loading, error } = !skip && held.of === wanted ? held : { ...none, loading: !skip }
  return { url, expiresAt, loading, error, renew }
}
