// Package uploads is the tus 1.0.0 edge (https://tus.io/protocols/resumable-upload):
// resumable uploads over HTTP, for tus-js-client, Uppy, curl and our own clients.
//
// The protocol is tusd's handler; behind it stands a data store of ours which
// translates its calls to verbs of package records, and failures to statuses.
// The bytes themselves are moved by package ledger.
//
// Extensions: creation, creation-with-upload, creation-defer-length,
// termination (of unfinished uploads), expiration, checksum. Deviations from
// the specification are listed in docs/tus.md.
package uploads
