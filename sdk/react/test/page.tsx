// What the tests put on a page in Chromium: a small application for each.
import { gql, type ApolloClient } from '@apollo/client'
import { createClinical, type FileResource } from '@bonfiredb/client'
import { StrictMode, useEffect, useState, type ReactNode } from 'react'
import { createRoot } from 'react-dom/client'
import { ClinicalProvider, useRecorder, useSignedUrl, useUpload } from '../src/index.js'
import { clinicalApollo, clinicalErrorOf, nextPage } from '../src/apollo/index.js'

let root: ReturnType<typeof createRoot> | undefined

function show(token: string, what: ReactNode) {
  root?.unmount()
  root = createRoot(document.getElementById('root')!)
  const clinical = createClinical({ url: location.origin, token })
  root.render(
    <StrictMode>
      <ClinicalProvider clinical={clinical}>{what}</ClinicalProvider>
    </StrictMode>,
  )
}

function Upload({ patientId }: { patientId: string }) {
  const { upload, cancel, status, progress, resource, error } = useUpload()
  const send = (kind: string) => upload({ patientId, kind, file: new Blob(['Sleeps badly.'], { type: 'text/plain' }) })
  return (
    <main>
      <button onClick={() => void send('intake-form')}>Upload</button>
      <button onClick={() => void send('wound-photo')}>Upload as a photo</button>
      <button onClick={cancel}>Cancel</button>
      <output>{[status, progress?.sent, resource?.resourceType, error?.code].filter(Boolean).join(' ')}</output>
    </main>
  )
}

function Visit({ patientId }: { patientId: string }) {
  const { state, start, pause, resume, stop } = useRecorder()
  const [saved, setSaved] = useState<FileResource | null>(null)
  return (
    <main>
      <button onClick={() => void start({ patientId, kind: 'session-audio' })}>Record</button>
      <button onClick={pause}>Pause</button>
      <button onClick={() => void resume()}>Go on</button>
      <button onClick={() => void stop().then(setSaved)}>Stop</button>
      <output>{`${state.phase} ${Math.floor(state.durableSeconds)} ${saved?.resourceType ?? ''}`}</output>
    </main>
  )
}

function Away({ children }: { children: ReactNode }) {
  const [here, setHere] = useState(true)
  return (
    <>
      <button onClick={() => setHere(false)}>Leave</button>
      {here && children}
    </>
  )
}

function Link({ documentId, expiresIn }: { documentId: string; expiresIn: number }) {
  const { url, error, loading } = useSignedUrl({ documentId, expiresIn })
  useEffect(() => void (url && globalThis.urls.push(url)), [url])
  return <output>{error ? error.code : loading && !url ? 'loading' : url}</output>
}

const page = {
  gql,
  clinicalApollo,
  clinicalErrorOf,
  nextPage,
  upload: (token: string, patientId: string) => show(token, <Upload patientId={patientId} />),
  visit: (token: string, patientId: string) => show(token, <Away><Visit patientId={patientId} /></Away>),
  link: (token: string, documentId: string, expiresIn: number) => show(token, <Link {...{ documentId, expiresIn }} />),
}

declare global {
  var react: typeof page
  var urls: string[]
  var apollo: ApolloClient
}
Object.assign(globalThis, { react: page, urls: [] })
