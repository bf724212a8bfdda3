// Uppy as it is, against the tus endpoint: no code of Bonfire's.
import Uppy from '@uppy/core'
import Tus from '@uppy/tus'

const form = document.querySelector('form')
const output = document.querySelector('output')
const endpoint = new URL('uploads/', import.meta.env.VITE_BONFIRE_URL ?? location.origin).href

const uppy = new Uppy({ autoProceed: false }).use(Tus, {
  endpoint,
  chunkSize: 8 * 1024 * 1024,
  headers: () => ({ Authorization: `Bearer ${form.elements.token.value}` }),
  allowedMetaFields: ['patientId', 'kind', 'filename', 'filetype'],
  // tus-js-client would write the file's name into localStorage.
  storeFingerprintForResuming: false,
  onAfterResponse: (_request, response) => {
    const id = response.getHeader('Bonfire-Resource-Id')
    if (id) output.value = `${response.getHeader('Bonfire-Resource-Type')} ${id}`
  },
})
uppy.on('progress', (percent) => (document.querySelector('progress').value = percent))
uppy.on('upload-error', (_file, error, response) => (output.value = response?.body?.xhr?.responseText || error.message))

form.addEventListener('submit', async (event) => {
  event.preventDefault()
  const { patientId, kind, file } = form.elements
  const data = file.files[0]
  uppy.clear()
  uppy.addFile({ name: data.name, type: data.type, data, meta: { patientId: patientId.value, kind: kind.value, filename: data.name, filetype: data.type } })
  await uppy.upload()
})
