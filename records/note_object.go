package records

import (
	"context"

	"github.com/bonfiredb/bonfire/blob"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/store"
)

// noteType is the content type of a note's text: its exact bytes in UTF-8.
const noteType = "text/plain; charset=utf-8"

// putText makes what a link leads to an object, where it is none yet: the text
// of a note. The key is fresh and listed as garbage before it is written
// (docs/decisions/0002, 0013); whoever dies before the row claims it leaves only
// what the sweeper removes. Failures: Gone when the note was retracted meanwhile,
// Unavailable.
func (r *Records) putText(ctx context.Context, what *content) error {
	if what.key != "" {
		return nil
	}
	now := r.Now().UTC()
	tenant := what.decision.Resource().Tenant
	key := clinical.ObjectKey(tenant, clinical.NewID[clinical.FileID](now), now)
	err := r.Store.InTx(ctx, tenant, func(ctx context.Context, tx *store.Tx) error {
		return tx.AwaitNoteObject(ctx, what.decision, key)
	})
	if err != nil {
		return err
	}
	if _, err := r.Bucket.Put(ctx, key, noteType, blob.BytesBody([][]byte{[]byte(what.text)})); err != nil {
		return err
	}
	return r.Store.InTx(ctx, tenant, func(ctx context.Context, tx *store.Tx) (err error) {
		what.key, err = tx.ClaimNoteObject(ctx, what.decision, what.version, key, now)
		return err
	})
}
