// The other way to hear of recordings: the server comes by itself, for all patients of its clinics.
import { createServer } from 'node:http'
import { setTimeout as after } from 'node:timers/promises'
import { Webhook } from 'standardwebhooks'

const longest = 64 << 10 // bytes of an event, and then some
const patience = 8_000 // milliseconds; the server waits ten seconds for an answer
const memory = 5 * 60_000 // for as long as a signature is good, so that a replay does nothing

/**
 * Receives events until the signal aborts. Each is given to `work` once, and
 * answered when that is done: what fails, or a crash interrupts, is sent again.
 * What takes longer is refused for now; it will be done when it comes again.
 */
export function receive({ secret, port, host = '127.0.0.1', work, signal }) {
  const key = new Webhook(secret, secret.startsWith('whsec_') ? undefined : { format: 'raw' })
  const known = new Map() // id of an event to the status that it ends with

  function begin(event) {
    const done = Promise.resolve(event).then(work)
    known.set(event.id, done.then(() => 204, () => 500))
    done.then(
      () => after(memory, undefined, { ref: false }).then(() => known.delete(event.id)),
      (error) => {
        known.delete(event.id)
        console.error(`${event.id}: ${error.code ?? 'failed'}: ${error.message}`)
      },
    )
  }

  async function statusOf(request) {
    if (request.method !== 'POST') return 405
    const body = await read(request)
    if (!body) return 413
    let event
    try {
      event = key.verify(body, request.headers)
    } catch {
      return 401
    }
    if (!known.has(event.id)) begin(event)
    return Promise.race([known.get(event.id), after(patience, 503, { ref: false })])
  }

  const server = createServer((request, response) => {
    statusOf(request).then(
      (status) => response.writeHead(status, status === 413 ? { Connection: 'close' } : {}).end(),
      () => response.destroy(), // the caller went away
    )
  })
  return new Promise((resolve, reject) => {
    server.on('error', reject).on('close', resolve)
    server.listen({ port, host, signal }, () => console.log(`listening on http://${host}:${server.address().port}`))
  })
}

/** The body's bytes as they came, for the signature is over them; null if there are too many. */
async function read(request) {
  const chunks = []
  let length = 0
  for await (const chunk of request) {
    length += chunk.length
    if (length > longest) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
