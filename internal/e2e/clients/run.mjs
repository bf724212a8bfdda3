// Sends a file with a tus client as apps use it, and prints what became of it as
// one line of JSON. The settings come on standard input:
// {scenario, path, state, endpoint, headers, metadata}.
import { readFileSync, statSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import Uppy from '@uppy/core'
import Tus from '@uppy/tus'
import * as tus from 'tus-js-client'

const mib = 1 << 20
const set = JSON.parse(await text(process.stdin))
const retryDelays = [0, 50, 200, 500, 1000, 2000]
const seen = { patches: 0, heads: 0, posts: 0 }

// watch counts the requests.
const watch = {
  onBeforeRequest(req) {
    const count = { PATCH: 'patches', HEAD: 'heads', POST: 'posts' }[req.getMethod()]
    if (count) seen[count]++
  },
}

const common = { endpoint: set.endpoint, headers: set.headers, retryDelays, chunkSize: mib, ...watch }

// finish runs a tus.Upload to its end.
function finish(source, more = {}) {
  return new Promise((resolve, reject) => {
    const upload = new tus.Upload(source, {
      ...common, metadata: set.metadata, ...more, onError: reject, onSuccess: () => resolve(upload),
    })
    more.begin ? more.begin(upload) : upload.start()
  })
}

// half runs a tus.Upload until some of it is acknowledged, and stops.
function half(source, more = {}, terminate = false) {
  return new Promise((resolve, reject) => {
    const upload = new tus.Upload(source, {
      ...common, metadata: set.metadata, ...more, onError: reject,
      onChunkComplete(_size, sent) {
        if (sent >= 3 * mib) upload.abort(terminate).then(() => resolve(upload), reject)
      },
    })
    upload.start()
  })
}

const scenarios = {
  interrupted: () => finish(readFileSync(set.path)),
  // Not from a stream: asked again for what a stream ends with, the client waits for ever.
  deferred: () => finish(readFileSync(set.path), { uploadLengthDeferred: true }),
  terminated: () => half(readFileSync(set.path), {}, true),
  // As after a restart of the app: what is known of the upload is on disk.
  async resumed() {
    const storage = { urlStorage: new tus.FileUrlStorage(set.state), fingerprint: async () => 'the file' }
    const first = await half(readFileSync(set.path), storage)
    const second = await finish(readFileSync(set.path), {
      ...storage,
      async begin(upload) {
        const [previous] = await upload.findPreviousUploads()
        upload.resumeFromPreviousUpload(previous)
        upload.start()
      },
    })
    if (second.url !== first.url) throw new Error('another upload was begun')
    return second
  },
  async uppy() {
    const uppy = new Uppy({ meta: set.metadata })
    uppy.use(Tus, { ...common, allowedMetaFields: Object.keys(set.metadata) })
    const data = Object.assign(readFileSync(set.path), { size: statSync(set.path).size })
    uppy.addFile({ name: 'file.bin', type: set.metadata.filetype, data })
    const { successful, failed } = await uppy.upload()
    if (failed.length > 0) throw failed[0].error
    return { url: successful[0].uploadURL }
  },
}

try {
  const { url } = await scenarios[set.scenario]()
  console.log(JSON.stringify({ ...seen, url }))
  process.exit(0)
} catch (err) {
  console.error(err)
  process.exit(1)
}
