// A subscription over Server-Sent Events: fetch alone can read it.

const text = `subscription ($patientId: ID!, $afterCursor: String) {
  fileEvents(patientId: $patientId, afterCursor: $afterCursor) { cursor type at file { id kind contentType size } }
}`

/** What happens to a patient's files from the cursor on, until the server ends the stream. Throws its error. */
export async function* fileEvents({ url, token, patientId, afterCursor, signal }) {
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json', Accept: 'text/event-stream' }
  const body = JSON.stringify({ query: text, variables: { patientId, afterCursor } })
  const response = await fetch(new URL('graphql', url.endsWith('/') ? url : `${url}/`), { method: 'POST', headers, body, signal })
  if (!response.ok || !response.body) throw new Error(`the server answered with status ${response.status}`)
  for await (const { event, data } of messages(response.body)) {
    if (event === 'complete') return
    if (event !== 'next') continue
    const { data: found, errors } = JSON.parse(data)
    if (errors) throw Object.assign(new Error(errors[0].message), { code: errors[0].extensions?.code })
    yield found.fileEvents
  }
}

/** The messages of a stream of events (HTML standard, section 9.2). */
async function* messages(stream) {
  let rest = ''
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + chunk.replaceAll('\r\n', '\n')).split('\n\n')
    rest = blocks.pop()
    for (const block of blocks) {
      const fields = block.split('\n').map((line) => line.match(/^(\w*):? ?(.*)$/))
      const of = (name) => fields.filter((field) => field?.[1] === name).map((field) => field[2]).join('\n')
      yield { event: of('event') || 'message', data: of('data') }
    }
  }
}
