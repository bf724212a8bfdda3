// Package blob keeps bytes in one S3 bucket: multipart uploads, single
// objects, presigned downloads, encryption headers and inspection.
//
// It knows keys, sizes and checksums and nothing of what the bytes mean: no
// patients, no records, no SQL. It decides nothing: a presigned URL is made
// only against a policy.Decision that permits the download.
//
// Four rules hold for every call:
//
//   - No body leaves without a checksum the store verifies. It is CRC32C,
//     known beforehand and sent as a header; the payload itself is not signed,
//     on http and https alike, so a body is read once per attempt.
//   - Writes are idempotent. An answer lost on the way is settled by asking
//     what the store holds, never by assuming.
//   - With a KMS key configured, encryption is believed only when the finished
//     object says so.
//   - Errors that leave the package are clinical.Failure values with constant
//     words: no bucket, key or endpoint. Their causes are for the log.
//
// Keys given and returned are relative to Config.Prefix. Deadlines are the
// caller's; the package adds retries within them, never time beyond them.
package blob
