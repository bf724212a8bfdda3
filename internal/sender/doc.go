// Package sender is `bonfire upload`: it sends one file, or a stream, to a
// server as a client would, and gives the record that came of it.
//
// It reserves the upload by GraphQL, sends the bytes by tus and keeps a note of
// where it is, so that an interrupted call that is made again goes on. What
// does not live here: the protocol of the bytes (package tusclient), the
// terminal (package cli), and any rule of the server.
package sender
