// Package web holds the pages a browser is served, built and embedded, so that the binary needs
// neither Node nor a network to show them. The playground (GraphiQL) stands at [PlaygroundPath].
//
// What lives here: the built files, how they are sent (compressed, cached, conditional), and the
// headers that confine them ([SecurityHeaders]). What does not: any rule of the server. A page
// speaks to the public API with its user's own token and may do what that token may do.
//
// The sources of a page stand beside its built files: playground/src becomes playground/dist by
// `npm ci && npm run build` in playground. Built files are committed; a test fails when they are
// not those of the sources.
package web
