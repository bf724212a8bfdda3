//go:build nodevstack || !unix

package devstack

import (
	"context"
	"log/slog"
)

// Stack is what Start would return; in this build nothing makes one.
type Stack struct{}

// Postgres is what StartPostgres would return; in this build nothing makes one.
type Postgres struct{}

// S3 is what StartS3 would return; in this build nothing makes one.
type S3 struct{}

// Start returns ErrNotBuilt.
func Start(context.Context, Options) (*Stack, error) { return nil, ErrNotBuilt }

// StartPostgres returns ErrNotBuilt.
func StartPostgres(context.Context, PostgresOptions) (*Postgres, error) { return nil, ErrNotBuilt }

// StartS3 returns ErrNotBuilt.
func StartS3(context.Context, S3Options) (*S3, error) { return nil, ErrNotBuilt }

// ChildMain returns false: no process of this build is an S3 server.
func ChildMain() bool { return false }

// Remove returns ErrNotBuilt.
func Remove(string) error { return ErrNotBuilt }

// Env returns nothing.
func (*Stack) Env() []string { return nil }

// Postgres returns nil.
func (*Stack) Postgres() *Postgres { return nil }

// S3 returns nil.
func (*Stack) S3() *S3 { return nil }

// Stop does nothing.
func (*Stack) Stop(context.Context) error { return nil }

// Env returns nothing.
func (*Postgres) Env() []string { return nil }

// Stop does nothing.
func (*Postgres) Stop(context.Context) error { return nil }

// Env returns nothing.
func (*S3) Env() []string { return nil }

// Stop does nothing.
func (*S3) Stop(context.Context) error { return nil }

// Keep does nothing.
func (*Stack) Keep(context.Context, *slog.Logger) {}

// Keep does nothing.
func (*Postgres) Keep(context.Context, *slog.Logger) {}

// Keep does nothing.
func (*S3) Keep(context.Context, *slog.Logger) {}
