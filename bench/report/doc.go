// Command report reads what Go's benchmarks print, passes it on, and ends with the same
// figures as tables in Markdown: one for each workload, a row for each rival.
//
// What lives here: the form of the tables. What does not: any measuring (bench,
// bench/uploads).
//
//	make bench
package main
