// Package faultproxy stands between the server and what it depends on, and
// breaks it on demand: a proxy for S3 and one for Postgres, which see single
// calls and decide the fate of each, and one for any TCP connection, which cuts
// it after so many bytes. It is for tests; nothing in production imports it.
//
// What does not live here: what to break when, and what must hold then. The
// package knows no schema and no bucket layout.
package faultproxy
