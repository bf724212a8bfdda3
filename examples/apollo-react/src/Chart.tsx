import { gql, type TypedDocumentNode } from '@apollo/client'
import { useQuery } from '@apollo/client/react'
import { useSignedUrl, useUpload } from '@bonfiredb/react'
import { clinicalErrorOf, nextPage } from '@bonfiredb/react/apollo'
import { useState } from 'react'

interface Files {
  files: {
    nodes: { id: string; title: string | null; kind: string; contentType: string }[]
    pageInfo: { hasNextPage: boolean; endCursor: string | null }
  }
}

const FILES: TypedDocumentNode<Files, { patientId: string; after?: string | null }> = gql`
  query Files($patientId: ID!, $after: String) {
    files(patientId: $patientId, first: 10, after: $after) {
      nodes {
        id
        title
        kind
        contentType
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`

export function Chart({ patientId }: { patientId: string }) {
  const { data, error, fetchMore, refetch } = useQuery(FILES, { variables: { patientId } })
  const [chosen, choose] = useState<string | null>(null)
  if (error) return <p role="alert">{clinicalErrorOf(error).message}</p>
  if (!data) return <p>Loading</p>
  const { nodes, pageInfo } = data.files
  return (
    <main>
      <Add patientId={patientId} onDone={() => void refetch()} />
      <ul>
        {nodes.map((file) => (
          <li key={file.id}>
            <button onClick={() => choose(file.id)}>{file.title ?? file.kind}</button>
            {chosen === file.id && <Play documentId={file.id} contentType={file.contentType} />}
          </li>
        ))}
      </ul>
      {pageInfo.hasNextPage && <button onClick={() => void nextPage({ fetchMore }, pageInfo.endCursor)}>More</button>}
    </main>
  )
}

function Add({ patientId, onDone }: { patientId: string; onDone: () => void }) {
  const { upload, status, progress, error } = useUpload()
  const send = async (file: File | undefined) => {
    if (!file) return
    const kind = file.type.startsWith('audio/') ? 'session-audio' : 'intake-form'
    if (await upload({ patientId, file, kind })) onDone()
  }
  return (
    <p>
      <label>
        Add a file <input type="file" onChange={(event) => void send(event.target.files?.[0])} />
      </label>
      {status === 'sending' && progress?.total && <progress max={progress.total} value={progress.sent} />}
      <output>{status === 'done' ? 'Stored' : error?.message}</output>
    </p>
  )
}

function Play({ documentId, contentType }: { documentId: string; contentType: string }) {
  // A player would start over with each new link: this one asks when its link has expired.
  const { url, error, renew } = useSignedUrl({ documentId, expiresIn: 300, keepFresh: false })
  if (error) return <p role="alert">{error.message}</p>
  if (!url) return <button onClick={renew}>Load</button>
  if (contentType.startsWith('audio/')) return <audio controls src={url} />
  if (contentType.startsWith('image/')) return <img src={url} alt="" />
  return <a href={url}>Open</a>
}
