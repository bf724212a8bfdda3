// Package arch holds the house to its plan: its tests read the import graph and
// fail, with the reason, when an import points up the stairs or a room takes up
// what it was built to do without.
//
// The plan is the table in rooms_test.go. A new package needs a line there,
// which is the moment to ask what it does: name, judge, remember, hold bytes,
// do what a person asked, or speak a protocol? Two answers are two packages.
package arch
