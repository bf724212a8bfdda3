// Package store remembers: all SQL lives here, and nothing but SQL. It holds the
// migrations, the bun models, the queries, the upload ledger, and the turning
// of a policy filter into a WHERE clause.
//
// Everything of a tenant is read and written through a [Tx], which [DB.InTx]
// opens with the transaction's app.tenant set: row-level security holds every
// row against it (P9). Reads of patient data demand a [policy.Decision] that
// covers the row, or a [policy.Filter] of the same tenant and type (P4). The
// few questions that span tenants are methods of [DB] and answer with ids only.
//
// Errors that leave the package are [clinical.Failure]s: NotFound for a missing
// row, Unavailable when the database does not answer, Conflict, Gone and
// Invalid where a method says so, Internal for everything else. Their causes
// name SQLSTATE, table and constraint, never a value of a row (P10).
//
// No S3, no HTTP, no FHIR, no decision about who may do what.
package store
