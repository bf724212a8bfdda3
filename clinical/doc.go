// Package clinical is the vocabulary of the house: the nouns of a clinic's
// files, their identifiers, state machines and error kinds.
//
// Every other package speaks in these types. This one imports the standard
// library only, does no I/O, reads no clock of its own and makes no decision
// about who may do what (package policy) or how things are kept (package
// store).
package clinical
