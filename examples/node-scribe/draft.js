import { ClinicalError } from '@bonfiredb/client'
import { transcribe } from './transcribe.js'

/** Drafts a note from a recording; does nothing for other files, or where there is a draft already. */
export async function draft(clinical, patientId, file) {
  if (!file.kind.endsWith('-audio')) return
  const { url } = await clinical.files.signedUrl({ documentId: file.id, expiresIn: 300 })
  const response = await fetch(url)
  if (!response.ok) throw new Error(`the recording could not be fetched: ${response.status}`)
  const sound = new Uint8Array(await response.arrayBuffer())
  const text = await transcribe(file, sound)
  try {
    // One draft a recording, however often this runs.
    const note = await clinical.notes.create({ patientId, draft: text, derivedFrom: [file.id], idempotencyKey: `scribe-${file.id}` })
    console.log(`drafted ${note.id} from ${file.id}`)
  } catch (error) {
    // There is a draft, in other words: recognisers do not always say the same.
    if (!(error instanceof ClinicalError) || error.code !== 'CONFLICT') throw error
  }
}
