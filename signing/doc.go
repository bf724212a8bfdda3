// Package signing holds the server's signing keys and what is signed with them:
// the content of a signed note, as canonical JSON in a compact JWS (RFC 7515).
// Whoever has the public keys, a note as it was exported and the bytes of its
// sources can check offline that they belong together (see Check).
//
// The private keys are read from PEM or from a JSON Web Key Set. The first
// private key signs; all keys, those of earlier years included, verify: to
// rotate, put the new key first and keep the old ones behind it.
//
// What lives here: keys, the canonical form, signatures and their verification.
// What does not: SQL, S3, HTTP, and any decision about who may sign (package
// policy) or when (package records).
package signing
