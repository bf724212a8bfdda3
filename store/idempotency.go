package store

import (
	"bytes"
	"context"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
)

// Remember notes, in the transaction that makes it, what a creating call with an
// idempotency key makes: result, the id that was minted for it. When the same
// call of the same actor was made before, existing is the id it made then, and
// nothing is noted; "" otherwise. Conflict when the key came with other input.
//
// Calls with one key wait for each other: the second sees what the first
// committed, or goes ahead when the first failed. So this comes before whatever
// the call writes.
func (tx *Tx) Remember(ctx context.Context, actor clinical.ActorID, verb, key string, inputSHA []byte, result string) (existing string, err error) {
	n, err := tx.exec(ctx, `INSERT INTO idempotency (tenant_id, actor_id, verb, key, input_sha, result_id)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`, string(tx.tenant), string(actor), verb, key, inputSHA, result)
	if err != nil || n == 1 {
		return "", err
	}
	var sha []byte
	err = tx.queryRow(ctx, `SELECT input_sha, result_id FROM idempotency
		 WHERE tenant_id = $1 AND actor_id = $2 AND verb = $3 AND key = $4`, string(tx.tenant), string(actor), verb, key).
		Scan(&sha, &existing)
	if err == nil && !bytes.Equal(sha, inputSHA) {
		return "", clinical.Fail(clinical.Conflict, "this key was used with other input", nil).WithField("idempotencyKey")
	}
	return existing, err
}

// Forget drops keys noted before the given instant: later calls with them are
// new calls.
func (tx *Tx) Forget(ctx context.Context, before time.Time) error {
	_, err := tx.exec(ctx, `DELETE FROM idempotency WHERE tenant_id = $1 AND created_at < $2`, string(tx.tenant), before)
	return err
}
