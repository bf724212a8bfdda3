// An agent that drafts a note for each recording of the patients it was granted.
//
//   BONFIRE_URL=http://localhost:8080 BONFIRE_TOKEN=... PATIENT_IDS=...,... node scribe.js
import { ClinicalError, createClinical } from '@bonfiredb/client'
import { readFile, writeFile } from 'node:fs/promises'
import { fileEvents } from './events.js'
import { transcribe } from './transcribe.js'

const { BONFIRE_URL: url, BONFIRE_TOKEN: token, PATIENT_IDS: patients = '', CURSOR_FILE: cursorFile = '.cursors.json' } = process.env
if (!url || !token || !patients) {
  console.error('BONFIRE_URL, BONFIRE_TOKEN and PATIENT_IDS are needed')
  process.exit(2)
}
const clinical = createClinical({ url, token })
const cursors = JSON.parse(await readFile(cursorFile, 'utf8').catch(() => '{}'))
const ending = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => ending.abort())

/** Ends only with the program. A cursor is kept after the draft: what was half done is done again. */
async function attend(patientId) {
  while (!ending.signal.aborted) {
    try {
      for await (const event of fileEvents({ url, token, patientId, afterCursor: cursors[patientId] ?? '', signal: ending.signal })) {
        if (event.type === 'CREATED' && event.file.kind.endsWith('-audio')) await draft(patientId, event.file).catch(drafted)
        cursors[patientId] = event.cursor
        await writeFile(cursorFile, JSON.stringify(cursors))
      }
    } catch (error) {
      if (ending.signal.aborted) return
      console.error(`${error.code ?? 'stream'}: ${error.message}`)
      await new Promise((resolve) => setTimeout(resolve, 2_000))
    }
  }
}

async function draft(patientId, file) {
  const { url: link } = await clinical.files.signedUrl({ documentId: file.id, expiresIn: 300 })
  const response = await fetch(link)
  if (!response.ok) throw new Error(`the recording could not be fetched: ${response.status}`)
  const sound = new Uint8Array(await response.arrayBuffer())
  const note = await clinical.notes.create({
    patientId,
    draft: await transcribe(file, sound),
    derivedFrom: [file.id],
    idempotencyKey: `scribe-${file.id}`, // one draft a recording, however often this runs
  })
  console.log(`drafted ${note.id} from ${file.id}`)
}

/** A draft of this recording is there, in other words: recognisers do not always say the same. */
function drafted(error) {
  if (!(error instanceof ClinicalError) || error.code !== 'CONFLICT') throw error
}

await Promise.all(patients.split(',').map(attend))
