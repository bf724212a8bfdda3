// An agent that drafts a note for each recording of the patients it was granted.
//
//   BONFIRE_URL=http://localhost:8080 BONFIRE_TOKEN=... PATIENT_IDS=...,... node scribe.js
//   BONFIRE_URL=http://localhost:8080 BONFIRE_TOKEN=... WEBHOOK_SECRET=... PORT=8081 node scribe.js
import { ClinicalError, createClinical } from '@bonfiredb/client'
import { readFile, writeFile } from 'node:fs/promises'
import { draft } from './draft.js'
import { fileEvents } from './events.js'
import { receive } from './webhook.js'

const { BONFIRE_URL: url, BONFIRE_TOKEN: token, PATIENT_IDS: patients = '', CURSOR_FILE: cursorFile = '.cursors.json' } = process.env
const { WEBHOOK_SECRET: secret, PORT: port = '8081', HOST: host } = process.env
if (!url || !token || !(patients || secret)) {
  console.error('BONFIRE_URL and BONFIRE_TOKEN are needed, and PATIENT_IDS or WEBHOOK_SECRET')
  process.exit(2)
}
const clinical = createClinical({ url, token })
const ending = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => ending.abort())

if (secret) await receive({ secret, port: Number(port), host, work: told, signal: ending.signal })
else await subscribe()

/** One event of the webhook: ids alone, and of patients that were not granted too. */
async function told({ type, subject, patient }) {
  if (type !== 'file.created') return
  const file = await clinical.files.get({ fileId: subject }).catch(unlessHidden)
  if (file) await draft(clinical, patient, file)
}

function unlessHidden(error) {
  if (!(error instanceof ClinicalError) || !['NOT_FOUND', 'FORBIDDEN'].includes(error.code)) throw error
}

async function subscribe() {
  const cursors = JSON.parse(await readFile(cursorFile, 'utf8').catch(() => '{}'))
  await Promise.all(patients.split(',').map((patientId) => attend(patientId, cursors)))
}

/** Ends only with the program. A cursor is kept after the draft: what was half done is done again. */
async function attend(patientId, cursors) {
  while (!ending.signal.aborted) {
    try {
      for await (const event of fileEvents({ url, token, patientId, afterCursor: cursors[patientId] ?? '', signal: ending.signal })) {
        if (event.type === 'CREATED') await draft(clinical, patientId, event.file)
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
