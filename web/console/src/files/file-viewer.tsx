import { useEffect, useRef, useState } from 'react'
import { FailureNotice } from '../ui/notice.js'
import type { FileDetailed } from './file.js'
import { useSignedUrl, type Link } from './signed-url.js'

type Way = 'play' | 'picture' | 'page' | 'elsewhere'

/** How a browser shows a type of content. TIFF and HEIC most browsers do not. */
function wayOf(type: string): Way {
  if (/^(audio|video)\//.test(type)) return 'play'
  if (/^image\/(jpeg|png|webp)$/.test(type)) return 'picture'
  if (type === 'application/pdf' || type === 'text/plain') return 'page'
  return 'elsewhere'
}

const verbs: Record<Way, string> = { play: 'Play', picture: 'View', page: 'View', elsewhere: 'Open' }

/** Shows the bytes, which come from the bucket itself. */
export function FileViewer({ file }: { file: FileDetailed }) {
  const { link, open, close } = useSignedUrl(file.id)
  const way = wayOf(file.contentType)
  const expired = useExpired(link) && way !== 'play' // a player asks by itself
  if (file.purgedAt) return <p>The bytes were given up when their time had come.</p>
  if (!file.viewerCan.download) return <p>You may see that this file is there, but not what it holds.</p>
  return (
    <section className="viewer" aria-label="Content">
      <FailureNotice error={open.error} />
      {link && <Content way={way} link={link} file={file} renew={open.run} />}
      <div className="actions">
        <button type="button" className={link ? 'quiet' : 'primary'} disabled={open.running} onClick={() => (link && !expired ? close() : void open.run())}>
          {!link ? verbs[way] : expired ? 'The link has expired: open again' : 'Put away'}
        </button>
        {link && !expired && way !== 'play' && (
          <a href={link.url} target="_blank" rel="noopener noreferrer">
            Open in a tab of its own
          </a>
        )}
      </div>
    </section>
  )
}

function Content({ way, link, file, renew }: { way: Way; link: Link; file: FileDetailed; renew: () => Promise<void> }) {
  const name = file.title ?? file.kind
  if (way === 'play') return <Player link={link} name={name} renew={renew} />
  if (way === 'picture') return <img src={link.url} alt={name} referrerPolicy="no-referrer" />
  if (way === 'page') return <iframe src={link.url} title={name} referrerPolicy="no-referrer" />
  return null
}

/** Goes on where it was when its link had to be renewed, for a long recording is longer than a link lives. */
function Player({ link, name, renew }: { link: Link; name: string; renew: () => Promise<void> }) {
  const player = useRef<HTMLAudioElement>(null)
  const place = useRef({ at: 0, playing: false })
  const remember = () => {
    const { currentTime, paused } = player.current!
    if (currentTime > 0) place.current = { at: currentTime, playing: !paused }
  }
  const goOn = () => {
    player.current!.currentTime = place.current.at
    if (place.current.playing) void player.current!.play()
  }
  const fail = () => {
    if (Date.now() > link.expiresAt - 1_000) void renew()
  }
  return (
    <audio
      ref={player}
      src={link.url}
      controls
      preload="metadata"
      aria-label={name}
      onTimeUpdate={remember}
      onPause={remember}
      onLoadedMetadata={goOn}
      onError={fail}
    />
  )
}

/** Whether the link works no longer. */
function useExpired(link: Link | null): boolean {
  const [expired, setExpired] = useState(false)
  useEffect(() => {
    setExpired(false)
    if (!link) return
    const timer = setTimeout(() => setExpired(true), Math.max(0, link.expiresAt - Date.now()))
    return () => clearTimeout(timer)
  }, [link])
  return expired
}
