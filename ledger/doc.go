// Package ledger moves the bytes of uploads: from a reader into S3, under an
// account in Postgres which says at every instant what is durable.
//
// It holds the lease (one writer at a time, on any replica), the spool (bounded
// memory for bytes on their way), the running digests, the units of commit and
// the assembly of the finished object. It promises P1: an offset once returned
// never goes down.
//
// It speaks no tus and no GraphQL (packages uploads and graph), decides nothing
// about who may write (package records, before it comes here), and holds no SQL
// (package store) and no S3 requests (package blob).
package ledger
