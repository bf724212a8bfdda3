// Package policy is the gate: it decides who may do what, and why, and hands
// out the receipts that the rest of the house demands before it acts.
//
// Authorize judges one resource and answers with a Decision; Filter judges a
// list and answers with a Filter, whose Predicate package store turns into
// WHERE. Both ask the same Cedar policies (*.cedar, schema.cedarschema; the
// language is described at https://docs.cedarpolicy.com), both deny by default, and both
// have unexported fields, so that a receipt can be made nowhere else. Their
// zero values deny.
//
// What lives here: the shipped policies, the schema they are checked against,
// what a policy may look at (Resource, clinical.Actor), the narrowing of a
// token by its SMART scopes, and the checks and truth tables with which a
// clinic replaces the shipped policies by its own (docs/access.md).
//
// What does not: SQL, HTTP, any clock (now is a parameter) and any look-up.
// Whoever asks brings the facts along.
package policy
