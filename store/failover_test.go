package store

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/devstack"
	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
	"github.com/bonfiredb/bonfire/internal/faultproxy"
)

// The pool finds the server that took over, be the old one gone or still there
// and refusing writes: no transaction is lost, and no connection stays behind (P1).
func TestP1_InTxFollowsAFailover(t *testing.T) {
	t.Parallel()
	for name, fall := range map[string]func(*testing.T, *devstack.Postgres){
		"killed":  func(_ *testing.T, p *devstack.Postgres) { p.Kill() },
		"demoted": func(t *testing.T, p *devstack.Postgres) { check(t, p.Demote(t.Context())) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			primary, standby, url := devtest.Pair(t)
			check(t, migrated(t.Context(), primary.OwnerURL(devstack.Database)))
			h := settleIn(t, &devtest.Env{AppURL: url})
			h.db.silence = 50 * time.Millisecond
			before := h.patient(north)
			h.warm(8)
			listening, ended := make(chan struct{}), make(chan error, 1)
			go func() {
				ended <- h.db.subscribe(t.Context(), "calls", sync.OnceFunc(func() { close(listening) }), func(string) {})
			}()
			<-listening
			fall(t, primary)
			check(t, standby.Promote(t.Context()))

			tries := h.retries.Load()
			after := h.patient(north)
			if n := h.retries.Load() - tries; n != 1 {
				t.Errorf("%d retries: the other connections were tried one by one", n)
			}
			select {
			case err := <-ended:
				wantKind(t, err, clinical.Unavailable)
			case <-time.After(10 * time.Second):
				t.Error("still listening to a server from which nothing comes")
			}
			h.in(north, func(ctx context.Context, tx *Tx) error {
				for _, p := range []string{string(before.ID), string(after.ID)} {
					var recovering bool
					if err := tx.queryRow(ctx, `SELECT pg_is_in_recovery() FROM patient WHERE id = $1`, p).Scan(&recovering); err != nil || recovering {
						t.Errorf("patient %s: %v", p, err)
					}
				}
				return nil
			})
		})
	}
}

// A server whose machine is gone says nothing, not even that the connection is
// closed. Who waits for it learns that a few seconds after a statement must have
// ended, and finds the server that answers at its address now (P1).
func TestP1_InTxLeavesAServerThatVanished(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	proxy, err := faultproxy.NewPostgres(h.env.AppURL, func(faultproxy.Op) faultproxy.Fate { return faultproxy.Passes })
	check(t, err)
	t.Cleanup(proxy.Close)
	if h.db, err = Open(t.Context(), proxy.URL, Options{StatementTimeout: 4 * time.Second, Log: slog.New(slog.NewTextHandler(h, nil))}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.db.Close() })
	h.warm(4)
	proxy.Vanish()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	check(t, h.db.InTx(ctx, north, func(ctx context.Context, tx *Tx) error {
		_, err := tx.exec(ctx, `SELECT 1`)
		return err
	}))
	if n := h.retries.Load(); n != 1 {
		t.Errorf("%d retries: the other connections were tried one by one", n)
	}
	h.warm(4)
}
