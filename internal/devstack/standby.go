//go:build unix && !nodevstack

package devstack

import (
	"context"
	"fmt"
	"strconv"
)

// Standby starts a second server on a directory of its own, which follows this one (made with Replicated) and answers questions, but takes no
// writes until Promote. Each has its own address; roles, passwords and databases are this one's. For tests of what happens when a primary
// fails: nothing watches either of them.
func (p *Postgres) Standby(ctx context.Context, dir string) (*Postgres, error) {
	h, err := openHome(dir)
	if err != nil {
		return nil, err
	}
	o := p.opts
	o.Dir = dir
	if o.Port > 0 {
		o.Port = FreePort
	}
	return begun(ctx, &Postgres{opts: o, home: h, follows: p})
}

// Synchronous makes every commit from now on wait until a standby has written it down. A primary whose last standby is gone then answers no
// commit.
func (p *Postgres) Synchronous(ctx context.Context) error {
	return p.alter(ctx, "synchronous_standby_names", "*")
}

// Demote makes the server refuse writes, on sessions that are open, too, as a primary does that another one has taken over from.
func (p *Postgres) Demote(ctx context.Context) error {
	return p.alter(ctx, "default_transaction_read_only", "on")
}

// alter changes a setting and returns when it holds.
func (p *Postgres) alter(ctx context.Context, setting, value string) error {
	if err := p.psql(ctx, fmt.Sprintf("ALTER SYSTEM SET %s = '%s';\nSELECT FROM pg_reload_conf();\n", setting, value)); err != nil {
		return err
	}
	return waitUntil(ctx, startPatience, func() bool {
		return p.psql(ctx, fmt.Sprintf("SELECT 1 / (current_setting('%s') = '%s')::int;\n", setting, value)) == nil
	})
}

// Promote makes a standby the primary; it returns when that takes writes.
func (p *Postgres) Promote(ctx context.Context) error {
	return p.psql(ctx, `SELECT 1 / pg_promote()::int;`)
}

// baseBackup fills work with a copy of the server that p follows, and with how to follow it.
func (p *Postgres) baseBackup(ctx context.Context, work string) error {
	of := p.follows
	args := []string{"-D", work, "-h", of.place.sockets, "-p", strconv.Itoa(of.port), "-U", superuser,
		"--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast"}
	if p.opts.NoSync {
		args = append(args, "--no-sync")
	}
	return p.fill(ctx, "pg_basebackup", work, args...)
}
