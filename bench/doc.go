// Package bench measures what the design promises in figures, against the real
// servers: what the gate costs a request, and a list. `make bench` runs it; it is
// no part of the suite, since what it finds depends on the machine.
//
// What lives here: benchmarks that need more than one room. What does not: those
// of a single function, which stand beside it, and those of uploads (bench/uploads).
package bench
