// Package e2e tests the program from outside, as its users meet it: the built
// binary, started as a process, spoken to over HTTP and killed without warning.
package e2e
