package ledger

import (
	"context"
	"errors"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/store"
)

const (
	firstPause = 5 * time.Millisecond
	longPause  = 250 * time.Millisecond
)

// await calls try until it says something else than Busy, with pauses that
// double, or until ctx ends; then it answers what try said last.
func await(ctx context.Context, try func(context.Context) error) error {
	for pause := firstPause; ; pause = min(2*pause, longPause) {
		err := try(ctx)
		if !clinical.Is(err, clinical.Busy) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

// keeper keeps one lease alive.
type keeper struct {
	life, every time.Duration
	// renew prolongs the lease and tells whether another writer wants it.
	renew func(context.Context) (wanted bool, err error)
	// wanted and lost are told: the latter when the lease is another writer's,
	// or may be because it could not be renewed in time.
	wanted, lost func()
}

// run beats until done. since is when the lease was taken, or before.
func (k keeper) run(done <-chan struct{}, since time.Time) {
	t := time.NewTicker(k.every)
	defer t.Stop()
	for {
		select {
		case <-done:
			return
		case <-t.C:
		}
		asked := time.Now()
		ctx, stop := context.WithTimeout(context.Background(), k.every)
		wanted, err := k.renew(ctx)
		stop()
		switch {
		case err == nil:
			since = asked
		case errors.Is(err, store.ErrLeaseLost), time.Since(since) >= k.life:
			k.lost()
			return
		}
		if wanted {
			k.wanted()
		}
	}
}
