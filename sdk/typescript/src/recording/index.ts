// The recorder's own part of the client: loaded when somebody records.
import type { Api } from '../api.js'
import { ClinicalError } from '../errors.js'
import { CancelUpload } from '../generated/operations.js'
import type { PendingRecording } from './contract.js'
import { Journal } from './journal.js'
import { owned } from './owner.js'
import { shelfOf } from './shelf.js'
import { manifestOf } from './manifest.js'
import { Tape } from './tape.js'
import { keyLife, loginOf, Vault } from './vault.js'

export { Take } from './take.js'

/** The login's recordings on this device; what has outlived its key is removed on the way. */
export async function pending(api: Api): Promise<PendingRecording[]> {
  const journal = await Journal.open()
  try {
    await sweep(journal)
    const login = await loginOf(api)
    const rows = await journal.recordings(login)
    if (!rows.length) return []
    const [vault, active] = await Promise.all([Vault.of(journal, login), owned()])
    const found = rows.map(async (row): Promise<PendingRecording> => {
      const { input, startedAt, target } = await manifestOf(vault, row)
      const pieces = await journal.pieces(row.id)
      const capturedSeconds = pieces.at(-1)?.until ?? 0
      return {
        ...{ recordingId: row.id, patientId: input.patientId, kind: input.kind, title: input.title ?? null, encounterId: input.encounterId ?? null },
        ...{ startedAt, capturedSeconds, localSeconds: capturedSeconds - (pieces[0]?.from ?? 0), uploadId: target?.uploadId ?? null, active: active(row.id) },
      }
    })
    return (await Promise.all(found)).sort((a, b) => (a.startedAt < b.startedAt ? -1 : 1))
  } finally {
    journal.close()
  }
}

/** Drops a recording, here and on the server. */
export async function discard(api: Api, recordingId: string): Promise<void> {
  const tape = await Tape.open(api, recordingId, () => {})
  try {
    const uploadId = tape.manifest.target?.uploadId
    if (uploadId) await api.again(CancelUpload, { input: { uploadId } }).catch(ended)
    await tape.drop()
  } finally {
    tape.leave()
  }
}

/** It is a record already, or was cancelled: there is nothing to drop on the server. */
function ended(error: unknown): void {
  if (!(error instanceof ClinicalError) || !['CONFLICT', 'NOT_FOUND', 'GONE'].includes(error.code)) throw error
}

/** Deletes the login's key and all of its recordings on this device. Answers how many these were. */
export async function forget(api: Api): Promise<number> {
  const journal = await Journal.open()
  try {
    return await forgetLogin(journal, await loginOf(api))
  } finally {
    journal.close()
  }
}

async function forgetLogin(journal: Journal, login: string): Promise<number> {
  await journal.dropKey(login) // first: without it the rest is noise
  const shelf = await shelfOf(journal)
  const rows = await journal.recordings(login)
  for (const { id } of rows) await shelf.dropAll(id)
  return rows.length
}

/** Forgets logins whose key was not used for long. */
async function sweep(journal: Journal): Promise<void> {
  for (const { login, usedAt } of await journal.keys()) if (Date.now() - usedAt > keyLife) await forgetLogin(journal, login)
}
