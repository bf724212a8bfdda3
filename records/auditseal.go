package records

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bonfiredb/bonfire/blob"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/seal"
	"github.com/bonfiredb/bonfire/store"
)

const (
	// sealRows is how many rows one seal holds at most: the transaction that
	// writes it is short, and its anchor small.
	sealRows = 1000
	// anchorTime bounds the writing of one anchor.
	anchorTime = 30 * time.Second
	// DefaultAuditRetention is how long anchors are kept where the bucket locks
	// objects and has no rule of its own: six years, as 45 CFR 164.316(b)(2)(i)
	// asks of the documentation of security.
	DefaultAuditRetention = 6 * 366 * 24 * time.Hour
)

// Sealer seals the audit trail of every tenant, until ctx ends: no event that
// was committed waits longer than within. Every replica runs one; a lock of the
// database lets one at a time seal a tenant. Anchors follow on their own, so that
// a bucket that does not answer delays no seal.
func (r *Records) Sealer(ctx context.Context, within time.Duration) error {
	var group errgroup.Group
	for name, round := range map[string]func(context.Context) error{"audit trail: seal": r.sealAll, "audit trail: anchor": r.anchorAll} {
		group.Go(func() error {
			Rounds{Every: within / 2, Name: name, Level: slog.LevelError, Log: r.Log}.Run(ctx, round)
			return nil
		})
	}
	return group.Wait()
}

// Seal is one round over all tenants: what waits is sealed, then anchored.
func (r *Records) Seal(ctx context.Context) error {
	return errors.Join(r.sealAll(ctx), r.anchorAll(ctx))
}

// eachTenant does the work for every tenant that has some; one tenant's trouble
// is not another's.
func (r *Records) eachTenant(ctx context.Context, work func(context.Context, clinical.TenantID) error) error {
	tenants, err := r.Store.SealWork(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, t := range tenants {
		errs = append(errs, work(ctx, t))
	}
	return errors.Join(errs...)
}

func (r *Records) sealAll(ctx context.Context) error {
	return r.eachTenant(ctx, func(ctx context.Context, t clinical.TenantID) error { return r.sealTenant(ctx, t, false) })
}

// sealTenant seals all that waits now. Without wait it leaves a tenant that
// another replica is sealing to that one.
func (r *Records) sealTenant(ctx context.Context, t clinical.TenantID, wait bool) error {
	for {
		n := 0
		err := r.Store.InTx(ctx, t, func(ctx context.Context, tx *store.Tx) (err error) {
			n, err = sealOnce(ctx, tx, wait)
			return err
		})
		if err != nil || n < sealRows {
			return err
		}
	}
}

// sealOnce writes one seal and tells how many rows it holds.
func sealOnce(ctx context.Context, tx *store.Tx, wait bool) (int, error) {
	mine, err := tx.LockSeals(ctx, wait)
	if err != nil || !mine {
		return 0, err
	}
	rows, err := tx.Unsealed(ctx, sealRows)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	end, now, err := tx.SealEnd(ctx)
	if err != nil {
		return 0, err
	}
	return len(rows), tx.InsertSeal(ctx, end.Next(string(tx.Tenant()), rows, now))
}

func (r *Records) anchorAll(ctx context.Context) error {
	retention, err := r.Bucket.Retention(ctx)
	if err != nil {
		return err
	}
	return r.eachTenant(ctx, func(ctx context.Context, t clinical.TenantID) error { return r.anchorTenant(ctx, t, retention) })
}

// anchorNow writes one tenant's anchors.
func (r *Records) anchorNow(ctx context.Context, t clinical.TenantID) error {
	retention, err := r.Bucket.Retention(ctx)
	if err != nil {
		return err
	}
	return r.anchorTenant(ctx, t, retention)
}

// anchorTenant writes the anchors that are due, in the order of the seals. Where
// other bytes lie already, somebody tampers: they stay, for the check to find,
// and the next anchors are written all the same.
func (r *Records) anchorTenant(ctx context.Context, t clinical.TenantID, retention blob.Retention) error {
	for {
		var due []seal.Seal
		err := r.Store.InTx(ctx, t, func(ctx context.Context, tx *store.Tx) (err error) {
			due, err = tx.Unanchored(ctx, 16)
			return err
		})
		if err != nil || len(due) == 0 {
			return err
		}
		for _, s := range due {
			err := r.anchor(ctx, s, retention)
			if clinical.Is(err, clinical.Conflict) {
				r.Log.ErrorContext(ctx, "another anchor lies in this one's place: run bonfire audit verify", "tenant", t, "seal", s.Number)
			} else if err != nil {
				return err
			}
			if err := r.Store.InTx(ctx, t, func(ctx context.Context, tx *store.Tx) error {
				return tx.Anchored(ctx, s.Number)
			}); err != nil {
				return err
			}
		}
	}
}

func (r *Records) anchor(ctx context.Context, s seal.Seal, retention blob.Retention) error {
	ctx, stop := context.WithTimeout(ctx, anchorTime)
	defer stop()
	text, err := s.JSON()
	if err != nil {
		return clinical.Fail(clinical.Internal, "internal error", err)
	}
	body := blob.BytesBody([][]byte{text})
	if retention.Locks && !retention.Rule {
		_, err = r.Bucket.PutRetained(ctx, s.Key(), "application/json", body, s.SealedAt.Add(r.AuditRetention))
	} else {
		_, err = r.Bucket.Put(ctx, s.Key(), "application/json", body)
	}
	return err
}
