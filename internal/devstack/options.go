package devstack

import (
	"errors"
	"io"
)

// Names of what a new stack holds.
const (
	Database  = "bonfire"       // the database, owned by OwnerRole
	Bucket    = "bonfire"       // the bucket
	OwnerRole = "bonfire_owner" // owns database and schema; runs migrations
	AppRole   = "bonfire_app"   // the server: owns nothing, no superuser, no BYPASSRLS, so row-level security binds it
	Region    = "us-east-1"     // the region that the S3 server signs for
)

// FreePort asks for a loopback TCP port that is free, the one of the last run where possible.
const FreePort = -1

// ErrNotBuilt is what Start and its kin return in a program without the embedded stack (build tag nodevstack, or a system that is not Unix).
var ErrNotBuilt = errors.New("devstack: this build has no embedded stack; name a database and a bucket in the environment (BONFIRE_DATABASE_URL, BONFIRE_S3_BUCKET)")

// ErrInUse says that another program (or another Stack of this one) runs on the directory.
var ErrInUse = errors.New("is in use by a running stack")

// Options say where a stack keeps its data and how it is reached.
type Options struct {
	// Dir is the data directory; it is made when missing. One program at a time may use it.
	Dir string
	// PGPort is 0 for a unix socket only, a port, or FreePort, for loopback TCP beside the socket. The URLs name TCP when there is TCP.
	PGPort int
	// S3Port is a loopback port; 0 (or FreePort) means a free one. The port of the last run in Dir is taken again when it is free, so that
	// signed URLs and written-down settings survive a restart.
	S3Port int
	// Log receives what both servers say. When nil they write postgres.log and s3.log in Dir.
	Log io.Writer
	// CORSOrigins are the browser origins that may GET, HEAD and PUT objects, such as "http://localhost:8080".
	CORSOrigins []string
	// NoSync lets Postgres leave its writes in the page cache: quicker, and safe against kill -9 but not against a crash of the machine. For tests.
	NoSync bool
}

// PostgresOptions are the options of a Postgres that is started alone; the fields mean what they mean in Options.
type PostgresOptions struct {
	Dir    string
	Port   int
	Log    io.Writer
	NoSync bool
	// Replicated lets other servers follow this one; see Standby. It counts when the cluster is made.
	Replicated bool
}

// S3Options are the options of an S3 server that is started alone; the fields mean what they mean in Options.
type S3Options struct {
	Dir         string
	Port        int
	Log         io.Writer
	CORSOrigins []string
}
