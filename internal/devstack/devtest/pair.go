//go:build unix && !nodevstack

package devtest

import (
	"context"
	"net/url"
	"testing"

	"github.com/bonfiredb/bonfire/internal/devstack"
)

// Pair is a Postgres with a standby that has written down every commit before it is answered, both the test's own. writable is the address,
// for the server's role, of whichever of them takes writes.
func Pair(t testing.TB) (primary, standby *devstack.Postgres, writable string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	primary, err := devstack.StartPostgres(ctx, devstack.PostgresOptions{Dir: Dir(t), Port: devstack.FreePort, NoSync: true, Replicated: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { revive(primary); _ = primary.Stop(context.Background()) })
	if standby, err = primary.Standby(ctx, Dir(t)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { revive(standby); _ = standby.Stop(context.Background()) })
	if err := primary.Synchronous(ctx); err != nil {
		t.Fatal(err)
	}
	return primary, standby, either(t, primary.URL(), standby.URL())
}

// revive starts a killed server, so that it can be stopped: only a clean stop gives its shared memory back to the machine.
func revive(p *devstack.Postgres) {
	if p.PID() == 0 {
		_ = p.Start(context.Background())
	}
}

// either is the address of the first of two servers that takes writes (libpq, section 34.1.1.3).
func either(t testing.TB, one, other string) string {
	t.Helper()
	u, err := url.Parse(one)
	if err != nil {
		t.Fatal(err)
	}
	second, err := url.Parse(other)
	if err != nil {
		t.Fatal(err)
	}
	u.Host += "," + second.Host
	q := u.Query()
	q.Set("target_session_attrs", "read-write")
	u.RawQuery = q.Encode()
	return u.String()
}
