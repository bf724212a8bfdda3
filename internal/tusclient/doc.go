// Package tusclient sends bytes by the tus resumable upload protocol 1.0.0
// (https://tus.io/protocols/resumable-upload), the client's half of it: PATCH
// in chunks, HEAD to learn where to go on, patience in between.
//
// It holds one promise: it never begins again by itself. Whatever fails on the
// way, it asks the server how much is durable and goes on from there, until
// the server says that this upload will never take another byte.
//
// What does not live here: creating an upload (the GraphQL API does) and
// anything clinical. Standard library only.
package tusclient
