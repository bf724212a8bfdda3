import { Api, type ClinicalOptions } from './api.js'
import type { FileResource, ResourceOf } from './fhir.js'
import * as files from './files.js'
import * as notes from './notes.js'
import * as recording from './recorder.js'
import type { PendingRecording, Recorder, RecorderOptions, ResumeRecordingOptions } from './recording/contract.js'
import { upload, type UploadOptions } from './upload.js'
import * as uploads from './uploads.js'

/** The client of one server, on behalf of one login. It holds no connection and needs no closing. */
export interface Clinical {
  readonly files: {
    /** Sends a file, over a line that may break, and answers with the FHIR resource that it became. */
    upload<Kind extends string>(options: UploadOptions<Kind>): Promise<ResourceOf<Kind>>
    signedUrl(options: files.SignedUrlOptions): Promise<files.SignedUrl>
    get(options: { fileId: string }): Promise<files.ClinicalFileWithResource>
    list(options: files.ListOptions): Promise<files.FilePage>
    each(options: Omit<files.ListOptions, 'after' | 'withTotal'>): AsyncGenerator<files.ClinicalFile, void, undefined>
    supersede(options: { fileId: string; byFileId: string; version: number }): Promise<files.ClinicalFile>
    refile(options: files.RefileOptions): Promise<{ file: files.ClinicalFile; exposures: files.Link[] }>
    retract(options: { fileId: string; reason: string; version: number }): Promise<files.ClinicalFile>
    revokeLinks(options: Parameters<typeof files.revokeLinks>[1]): Promise<{ revoked: number; links: files.Link[] }>
  }
  readonly notes: {
    create(options: notes.CreateNoteOptions): Promise<notes.Note>
    get(options: { noteId: string }): Promise<notes.NoteWithSources>
    update(options: notes.UpdateNoteOptions): Promise<notes.Note>
    sign(options: notes.SignNoteOptions): Promise<notes.Note>
    amend(options: notes.AmendNoteOptions): Promise<notes.Note>
    retract(options: { noteId: string; version: number; reason: string }): Promise<notes.Note>
  }
  readonly uploads: {
    pending(options?: { patientId?: string | undefined }): Promise<uploads.PendingUpload[]>
    resume(options: uploads.ResumeOptions): Promise<FileResource>
    /** Ends a live recording with what the server has of it, from any device. */
    finish(options: { uploadId: string }): Promise<FileResource>
    cancel(options: { uploadId: string }): Promise<uploads.PendingUpload>
  }
  /** Records a visit and sends it while it goes on. In browsers, on pages served over https. */
  recorder<Kind extends string>(options: RecorderOptions<Kind>): Recorder<ResourceOf<Kind>>
  /** Recordings that a closed tab left on this device. */
  readonly recordings: {
    pending(): Promise<PendingRecording[]>
    resume(options: ResumeRecordingOptions): Recorder
    /** Drops a recording, here and on the server. */
    discard(options: { recordingId: string }): Promise<void>
    /** Deletes the login's key and its recordings on this device, sent or not. Answers how many these were. */
    forget(): Promise<number>
  }
  /**
   * Leaves nothing of this login on the device. Rejects with `UNSENT_RECORDINGS`
   * while there is sound that only this device has, unless told to discard it.
   */
  signOut(options?: { discardUnsent?: boolean }): Promise<void>
}

export function createClinical(options: ClinicalOptions): Clinical {
  const api = new Api(options)
  return {
    files: {
      upload: (o) => upload(api, o),
      signedUrl: (o) => files.signedUrl(api, o),
      get: (o) => files.get(api, o),
      list: (o) => files.list(api, o),
      each: (o) => files.each(api, o),
      supersede: (o) => files.supersede(api, o),
      refile: (o) => files.refile(api, o),
      retract: (o) => files.retract(api, o),
      revokeLinks: (o) => files.revokeLinks(api, o),
    },
    notes: {
      create: (o) => notes.create(api, o),
      get: (o) => notes.get(api, o),
      update: (o) => notes.update(api, o),
      sign: (o) => notes.sign(api, o),
      amend: (o) => notes.amend(api, o),
      retract: (o) => notes.retract(api, o),
    },
    uploads: {
      pending: (o) => uploads.pending(api, o),
      resume: (o) => uploads.resume(api, o),
      finish: (o) => uploads.end(api, o),
      cancel: (o) => uploads.cancel(api, o),
    },
    recorder: (o) => recording.recorder(api, o),
    recordings: {
      pending: () => recording.recordings.pending(api),
      resume: (o) => recording.recordings.resume(api, o),
      discard: (o) => recording.recordings.discard(api, o),
      forget: () => recording.recordings.forget(api),
    },
    signOut: (o) => recording.signOut(api, o),
  }
}
