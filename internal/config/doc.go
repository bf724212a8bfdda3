// Package config is the program's configuration: one struct, read from the
// environment, checked whole before anything starts.
//
// What lives here: every BONFIRE_* variable with its default, its meaning and
// its limits, and the errors that name the variable and say how to mend it.
// The help text of the commands is made from the same struct. What does not:
// the standard AWS_* variables, which the AWS SDK reads by its own rules.
package config
