// Package access holds the running program to the rules of who may do what:
// every principal of the demo clinic asks every operation of every edge about
// patients within its reach, beyond it, of another clinic and of none, over
// HTTP, against the real servers. What comes out must be what the table of the
// design says, and is written to docs/access-matrix.md.
//
// What lives here: that table as expectations, an attempt of each operation,
// and what is done to tokens, cursors and ids by those who should not. What does
// not: the rules themselves (package policy), and any code but tests.
//
// A new root field of the API, or a new operation of another edge, needs a line
// in operations_test.go or one of its neighbours; the tests say which is missing.
package access
