// Package server builds the rooms out of a configuration, refuses to serve from
// what is not safe to serve from, and runs the HTTP server and the background
// workers until it is told to stop.
//
// What lives here: wiring, routes, health, metrics, time limits, the order of
// stopping. What does not: what the routes do (the edges), commands and
// signals (package cli), development (packages demo and devstack).
package server
