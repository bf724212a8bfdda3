export { ClinicalProvider, useClinical } from './provider.js'
export { useRecorder, type RecorderHook } from './recorder.js'
export { useSignedUrl, type SignedUrlHook, type SignedUrlHookOptions } from './signedUrl.js'
export { useUpload, type UploadHook, type UploadState } from './upload.js'
