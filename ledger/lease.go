package ledger

import (
	"context"
	"errors"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/store"
)

// errLost ends a session whose lease went to another writer.
var errLost = clinical.Fail(clinical.Busy, "another connection took this upload over", nil)

// Want says which upload is wanted, and by what right.
type Want struct {
	Tenant clinical.TenantID
	Upload clinical.UploadID
	// TokenHash is the SHA-256 of the upload token that was presented: without
	// the right one the upload is neither given nor is its holder disturbed. nil
	// when it was decided before that the caller may have it.
	TokenHash []byte
	// Announced is how many bytes the caller is about to send, 0 when that is not
	// known. Where they fill a part, its number comes with the lease.
	Announced int64
	// LetGo is called, at most once, when another caller wants the upload from
	// us; nil when there is nothing to be cut short.
	LetGo func()
}

// Acquire takes the lease of an upload: one writer at a time, on any replica.
// A holder is asked to let go; it commits what it has and leaves, and the
// newest caller gets the lease. Fails with NotFound, Unauthenticated, or Busy
// once patience is over. The session must be released.
func (e *Engine) Acquire(ctx context.Context, w Want) (s *Session, err error) {
	ctx, stop := context.WithTimeout(ctx, e.o.Patience)
	defer stop()
	err = await(ctx, func(ctx context.Context) error {
		s, err = e.take(ctx, w, true)
		var by *store.Held
		if errors.As(err, &by) {
			e.ask(store.Lease{Tenant: w.Tenant, Upload: w.Upload, Nonce: by.Nonce})
		}
		return err
	})
	if err != nil && ctx.Err() != nil {
		err = clinical.Fail(clinical.Busy, "another connection is sending this upload", err)
	}
	return s, err
}

// TryAcquire takes the lease if nobody holds it, and disturbs nobody; Busy otherwise.
func (e *Engine) TryAcquire(ctx context.Context, w Want) (*Session, error) {
	return e.take(ctx, w, false)
}

func (e *Engine) take(ctx context.Context, w Want, ask bool) (*Session, error) {
	lease := store.Lease{Tenant: w.Tenant, Upload: w.Upload, Nonce: nonce()}
	since := time.Now()
	claim := store.Claim{Lease: lease, Life: e.o.LeaseLife, TokenHash: w.TokenHash, Ask: ask, Plenty: e.plenty()}
	if w.Announced >= enough(e.o.PartSize) {
		claim.Numbers = 1
	}
	row, err := e.o.Store.TakeLease(ctx, claim)
	if err != nil {
		return nil, err
	}
	return e.open(row, lease, w.LetGo, since), nil
}

// ask asks the holder of a lease to let go, if that is in this process. A holder
// that has left is not mistaken for its successor.
func (e *Engine) ask(l store.Lease) {
	e.mu.Lock()
	s := e.held[l.Upload]
	e.mu.Unlock()
	if s != nil && s.lease == l {
		s.askToLetGo()
	}
}

// Run hears of other replicas' wishes until ctx ends. Without it, or while the
// database connection is away, holders notice at their next heartbeat.
func (e *Engine) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		err := e.o.Store.ListenRelease(ctx, e.ask)
		if ctx.Err() == nil {
			e.o.Log.WarnContext(ctx, "lease notifications interrupted", "error", err)
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
	}
	return nil
}
