package records

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/ledger"
	"github.com/bonfiredb/bonfire/store"
)

// SystemID is the principal of this program's own background work.
const SystemID clinical.ActorID = "00000000-0000-7000-8000-000000000001"

// sweepers bounds the uploads that one replica finishes at a time.
const sweepers = 4

// systemActor acts for the program in one tenant.
func systemActor(t clinical.TenantID) clinical.Actor {
	return clinical.Actor{
		ID: SystemID, Kind: clinical.System, Tenant: t, Display: "Bonfire",
		Session: clinical.Session{Purpose: clinical.Operations},
	}
}

// Sweeper finishes what a crash left half-done, until ctx ends: stored uploads
// become records, complete ones are assembled, expired ones end, garbage goes.
// Every replica runs one; leases keep them from doing a thing twice.
func (r *Records) Sweeper(ctx context.Context, every time.Duration) error {
	Rounds{Every: every, Early: r.nudge, Name: "sweep", Level: slog.LevelWarn, Log: r.Log}.Run(ctx, r.Sweep)
	return nil
}

// sweepSoon wakes this replica's sweeper.
func (r *Records) sweepSoon() {
	select {
	case r.nudge <- struct{}{}:
	default:
	}
}

// Sweep is one round over all tenants. What fails is left for a later round and
// keeps nothing else waiting.
func (r *Records) Sweep(ctx context.Context) error {
	work, err := r.Store.UploadWork(ctx, 100)
	if err != nil {
		return err
	}
	var group errgroup.Group
	group.SetLimit(sweepers)
	for _, w := range work {
		group.Go(func() error {
			if err := r.sweepUpload(ctx, w); err != nil && !clinical.Is(err, clinical.Busy) {
				r.Log.WarnContext(ctx, "upload not swept", "upload", w.Upload, "state", w.State, "error", err)
			}
			return nil
		})
	}
	_ = group.Wait()
	return r.takeOut(ctx)
}

func (r *Records) sweepUpload(ctx context.Context, w store.PendingWork) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	s, err := r.Ledger.TryAcquire(ctx, ledger.Want{Tenant: w.Tenant, Upload: w.Upload})
	if err != nil {
		return err
	}
	defer s.Release()
	in := &Incoming{r: r, actor: systemActor(w.Tenant), session: s}
	u := s.Upload()
	switch {
	case u.State.Terminal():
		return nil
	case u.Complete() || !u.State.Receives():
		_, err = in.Finish(ctx, false)
	case r.Now().After(u.ExpiresAt):
		gone := &clinical.UploadFailure{Code: clinical.FailedExpired, Words: "nothing was received for too long", Retryable: true}
		err = r.endUpload(ctx, in.actor, "expireUpload", s, clinical.UploadExpired, gone)
	}
	return err
}

// takeOut deletes objects and multiparts that no row needs any more. The row
// that lists one goes only after it is gone.
func (r *Records) takeOut(ctx context.Context) error {
	garbage, err := r.Store.GarbageWork(ctx, 500)
	if err != nil {
		return err
	}
	for _, g := range garbage {
		gone, err := r.takeOutOne(ctx, g)
		if gone != nil {
			r.Log.WarnContext(ctx, "garbage not deleted", "error", gone)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// takeOutOne deletes what one row of the garbage list stands for, and notes it.
// gone is why it could not be deleted.
func (r *Records) takeOutOne(ctx context.Context, g store.Garbage) (gone, err error) {
	gone = r.remove(ctx, g)
	return gone, r.Store.InTx(ctx, g.Tenant, func(ctx context.Context, tx *store.Tx) error {
		if gone != nil {
			return tx.KeepGarbage(ctx, g.ObjectKey, g.Multipart)
		}
		if err := tx.CertifyDeleted(ctx, g.ObjectKey, r.Now().UTC()); err != nil {
			return err
		}
		return tx.DropGarbage(ctx, g.ObjectKey, g.Multipart)
	})
}

// remove deletes what one row of the garbage list stands for.
func (r *Records) remove(ctx context.Context, g store.Garbage) error {
	switch {
	case g.Multipart == "":
		return r.Bucket.Delete(ctx, g.ObjectKey)
	case g.Multipart == store.Multiparts:
		return r.abortUnder(ctx, g.ObjectKey)
	case g.Multipart != store.Everything:
		return r.Bucket.AbortMultipart(ctx, g.ObjectKey, g.Multipart)
	case !strings.HasSuffix(g.ObjectKey, "/"):
		if err := r.abortUnder(ctx, g.ObjectKey); err != nil {
			return err
		}
		return r.Bucket.Delete(ctx, g.ObjectKey)
	}
	var keys []string
	for o, err := range r.Bucket.List(ctx, g.ObjectKey) {
		if err != nil {
			return err
		}
		keys = append(keys, o.Key)
	}
	return r.Bucket.Delete(ctx, keys...)
}

// abortUnder aborts every multipart upload under a key.
func (r *Records) abortUnder(ctx context.Context, key string) error {
	for m, err := range r.Bucket.ListMultiparts(ctx, key) {
		if err != nil {
			return err
		}
		if m.Key != key {
			continue
		}
		if err := r.Bucket.AbortMultipart(ctx, m.Key, m.UploadID); err != nil {
			return err
		}
	}
	return nil
}
