// Package media makes the files that tests upload, with the tools that write
// such files in a clinic: a browser prints a form to PDF, a camera format is
// encoded, speech is synthesised and encoded by a recorder's codecs. Nothing is
// shipped as a binary, and nothing is somebody's real data.
package media
