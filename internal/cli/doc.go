// Package cli is the program's commands. main calls [Run] and so do the tests
// from end to end.
//
// What lives here: flags, what is printed, exit codes, and the order in which a
// command's parts start and stop. What does not: anything a command does that
// is of use without a terminal (packages server, sender, demo, config).
package cli
