//go:build unix && !nodevstack

package devstack

import (
	"context"
	"errors"
	"sync"
)

// Stack is a running pair of servers on one directory.
type Stack struct {
	home     *home
	postgres *Postgres
	s3       *S3

	letGo func() // gives the directory back, once
}

// Start starts Postgres and S3 on o.Dir and waits until both answer; on the first run it makes the roles, the database and the bucket. It
// fails with ErrInUse when a stack runs there already, ErrNoPostgres when the machine has none. The context bounds the start, not the life:
// end it with Stop. The program must call ChildMain first thing in main.
func Start(ctx context.Context, o Options) (*Stack, error) {
	h, err := openHome(o.Dir)
	if err != nil {
		return nil, err
	}
	if err := h.hold(); err != nil {
		return nil, err
	}
	if o.Log != nil {
		o.Log = &sharedWriter{w: o.Log}
	}
	s := &Stack{
		home:     h,
		letGo:    sync.OnceFunc(h.letGo),
		postgres: &Postgres{home: h, opts: PostgresOptions{Dir: o.Dir, Port: o.PGPort, Log: o.Log, NoSync: o.NoSync}},
		s3:       &S3{home: h, opts: S3Options{Dir: o.Dir, Port: o.S3Port, Log: o.Log, CORSOrigins: o.CORSOrigins}},
	}
	if err := both(func() error { return s.postgres.Start(ctx) }, func() error { return s.s3.Start(ctx) }); err != nil {
		return nil, errors.Join(err, s.Stop(context.WithoutCancel(ctx)))
	}
	return s, nil
}

// Stop ends both servers cleanly, within a few seconds, and gives the directory back. When the context ends first the servers are killed: do
// not hand in the context whose end is the reason to stop. Stopping twice is fine.
func (s *Stack) Stop(ctx context.Context) error {
	defer s.letGo()
	return both(func() error { return s.postgres.Stop(ctx) }, func() error { return s.s3.Stop(ctx) })
}

// Env returns the KEY=value lines that a server needs: BONFIRE_DATABASE_URL, BONFIRE_MIGRATE_DATABASE_URL, BONFIRE_S3_* and AWS_*.
func (s *Stack) Env() []string { return append(s.postgres.Env(), s.s3.Env()...) }

// Postgres is the database server, to be stopped, killed and started alone.
func (s *Stack) Postgres() *Postgres { return s.postgres }

// S3 is the S3 server, to be stopped, killed and started alone.
func (s *Stack) S3() *S3 { return s.s3 }

// both runs two functions at once and returns what went wrong in either.
func both(f, g func() error) error {
	failed := make(chan error, 1)
	go func() { failed <- f() }()
	return errors.Join(g(), <-failed)
}
