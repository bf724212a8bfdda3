// Package versioned gives tests an S3 server that keeps versions and locks
// objects, as production buckets do and the development stack's server does not.
// It is the same server, versitygw, with a directory for versions.
//
// For tests alone: a test binary that imports it turns into that server when it
// is started as such.
package versioned
