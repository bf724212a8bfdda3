//go:build unix && !nodevstack

package devstack

import (
	"context"
	"log/slog"
	"time"
)

// Keep starts a server of the stack again when it ends without being asked to, until ctx ends: a developer's kill -9, or the kernel's, costs
// a moment and no restart by hand. End ctx before Stop.
func (s *Stack) Keep(ctx context.Context, log *slog.Logger) {
	_ = both(func() error { s.postgres.Keep(ctx, log); return nil }, func() error { s.s3.Keep(ctx, log); return nil })
}

// Keep starts the server again when it ends without being asked to, until ctx ends. End ctx before Stop.
func (p *Postgres) Keep(ctx context.Context, log *slog.Logger) {
	keep(ctx, log, "postgres", p.ended, func() error { p.Kill(); return p.Start(ctx) })
}

// Keep starts the server again when it ends without being asked to, until ctx ends. End ctx before Stop.
func (s *S3) Keep(ctx context.Context, log *slog.Logger) {
	keep(ctx, log, "s3", s.ended, func() error { s.Kill(); return s.Start(ctx) })
}

// ended is closed when the process that runs now is gone.
func (p *Postgres) ended() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.proc.done
}

func (s *S3) ended() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.proc.done
}

func keep(ctx context.Context, log *slog.Logger, name string, ended func() <-chan struct{}, again func() error) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-ended():
		}
		if ctx.Err() != nil {
			return
		}
		log.WarnContext(ctx, "embedded server ended, starting it again", "server", name)
		if err := again(); err != nil {
			log.ErrorContext(ctx, "embedded server did not start", "server", name, "error", err)
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Second):
			}
		}
	}
}
