package records

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	// driftTurn is the name under which one replica at a time compares.
	driftTurn = "compare bucket"
	// driftSoon is the longest that the first comparison waits after the start,
	// and how long a replica leaves the turn to another before it asks again.
	driftSoon = 5 * time.Minute
	// driftLogged is how many differences of one comparison go to the log.
	driftLogged = 100
)

// WatchDrift compares bucket and database now and then, about as often as it is
// told, until ctx ends. It changes nothing. Of all replicas one does it, for as
// long as it lives; the others wait for their turn.
func (r *Records) WatchDrift(ctx context.Context, every time.Duration) error {
	for sleep(ctx, some(min(every, driftSoon))) {
		_, err := r.Store.HoldTurn(ctx, driftTurn, func(ctx context.Context) error {
			defer r.drift.Store(nil) // whoever has the turn then knows better
			for again := true; again; again = sleep(ctx, every*9/10+some(every/5)) {
				r.watchDrift(ctx)
			}
			return nil
		})
		if err != nil && ctx.Err() == nil {
			r.Log.WarnContext(ctx, "comparison of bucket and database", "error", err)
		}
	}
	return nil
}

// watchDrift is one comparison. What differs goes to the log in ids and keys.
func (r *Records) watchDrift(ctx context.Context) {
	told := 0
	report, err := r.CompareBucket(ctx, DriftCheck{}, func(d Drift) error {
		if d.Code == DriftForeign {
			return nil
		}
		if told++; told <= driftLogged {
			r.Log.WarnContext(ctx, "bucket and database differ", "code", d.Code, "tenant", d.Tenant, "key", d.Key, "row", d.Row, "id", d.ID)
		}
		return nil
	})
	switch {
	case ctx.Err() != nil:
	case err != nil:
		r.Log.WarnContext(ctx, "comparison of bucket and database", "error", err)
	default:
		r.drift.Store(&report)
	}
}

// LastDrift is what the last comparison in the background has seen; false where
// this replica has made none, or it is another's turn.
func (r *Records) LastDrift() (DriftReport, bool) {
	if last := r.drift.Load(); last != nil {
		return *last, true
	}
	return DriftReport{}, false
}

// sleep waits; false when ctx has ended.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// some is a part of d, drawn by lot.
func some(d time.Duration) time.Duration { return rand.N(max(d, 1)) }
