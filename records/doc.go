// Package records holds the verbs: one exported method for each thing that a
// person or a program can do with clinical files.
//
// A verb is a paragraph: load, decide, act, audit, return. Each asks the gate
// (package policy) before it touches a row, does all of its effects and its
// audit event in one transaction, and returns nouns of package clinical.
// Transactions begin here and, for the bytes of uploads, in package ledger;
// nowhere else.
//
// It knows no GraphQL, tus or HTTP: edges translate those to verbs, and
// failures of kind clinical.Kind to their own statuses.
package records
