export { createClinical, type Clinical } from './clinical.js'
export type { ClinicalOptions, TokenSource } from './api.js'
export { ClinicalError, type ClinicalErrorCode, type Problem } from './errors.js'
export type * from './fhir.js'
export type { ClinicalFile, ClinicalFileWithResource, FilePage, Link, ListOptions, RefileOptions, SignedUrl, SignedUrlOptions } from './files.js'
export type { AmendNoteOptions, CreateNoteOptions, Note, NoteWithSources, SignNoteOptions, UpdateNoteOptions } from './notes.js'
export type {
  PendingRecording,
  Recorder,
  RecorderOptions,
  RecorderPhase,
  RecorderState,
  ResumeRecordingOptions,
} from './recording/contract.js'
export type { Uploadable } from './source.js'
export type { Progress, UploadOptions } from './upload.js'
export type { PendingUpload, ResumeOptions } from './uploads.js'
export type {
  Disposition,
  FileFilter,
  FileOrder,
  FileStatus,
  LinkDelivery,
  NoteSourceInput,
  NoteStatus,
  PurposeOfUse,
  RevokeLinksInput,
  ScanStatus,
  UploadState,
} from './generated/operations.js'
