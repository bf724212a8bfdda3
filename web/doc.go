// Package web holds the pages a browser is served, built and embedded, so that the binary needs
// neither Node nor a network to show them. The console stands at [ConsolePath], the playground
// (GraphiQL) at [PlaygroundPath].
//
// What lives here: the built files, how they are sent (compressed, cached, conditional), and the
// headers that confine them ([SecurityHeaders]). What does not: any rule of the server. A page
// speaks to the public API with its user's own token and may do what that token may do.
//
// The sources of a page stand beside its built files: console/src becomes console/dist by
// `make pages`. Built files are committed; a test fails when they are not those of the sources, to
// which the console counts the TypeScript client it is written with.
package web
