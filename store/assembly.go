package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/bonfiredb/bonfire/clinical"
)

// BeginAssembly closes an upload to further bytes; its length is its offset from
// now on. Idempotent for the holder of the lease.
func (db *DB) BeginAssembly(ctx context.Context, l Lease) error {
	_, err := reserve[bool](ctx, db, l, `UPDATE upload SET state = 'assembling', length = at_offset,
		updated_at = CASE WHEN state = 'assembling' THEN updated_at ELSE now() END`+
		unfinished+` AND (length IS NULL OR length = at_offset) RETURNING true`)
	return err
}

const markStored = `WITH moved AS (UPDATE upload SET state = 'stored', sha256 = $4, sha1 = $5, updated_at = now(),
	sniffed = CASE WHEN $6::text = '' THEN sniffed ELSE $6::text END
	 WHERE tenant_id = $1 AND id = $2 AND lease = $3 AND (state = 'assembling' OR state = 'stored' AND sha256 = $4)
	RETURNING tenant_id, id, object_key, multipart, scratch_used)` + strays + dropTails

// MarkStored records that the finished object exists with these digests. It
// returns the scratch objects nobody needs any more, like CommitUnit.
func (db *DB) MarkStored(ctx context.Context, l Lease, d clinical.Digests, sniffed string) (scratch []string, err error) {
	n := 0
	_, err = db.alone(ctx, l.Tenant, statement{
		text: markStored, args: l.args(d.SHA256, d.SHA1, sniffed),
		row: func(r pgx.Rows) error { return r.Scan(&n, &scratch) },
	})
	if err == nil && n == 0 {
		err = ErrLeaseLost
	}
	return scratch, err
}

// CompleteUpload ends a stored upload whose record is written in the same
// transaction. Conflict when it is not stored: somebody else completed it.
func (tx *Tx) CompleteUpload(ctx context.Context, id clinical.UploadID) error {
	n, err := tx.exec(ctx, `WITH done AS (UPDATE upload SET state = 'completed', hash_state = NULL, updated_at = now()
		 WHERE tenant_id = $1 AND id = $2 AND state = 'stored' RETURNING tenant_id, id),
		dropped AS (DELETE FROM upload_part p USING done d WHERE p.tenant_id = d.tenant_id AND p.upload_id = d.id)
		SELECT FROM done`, string(tx.tenant), string(id))
	if err == nil && n == 0 {
		return clinical.Fail(clinical.Conflict, "this upload is not stored", nil)
	}
	return err
}

// endings are the states from which an upload may come to a terminal one
// without a record. One that was fully received becomes a record, whoever would
// rather not (P2); it fails only when its bytes are not what they should be, or
// the gate refuses.
var endings = map[clinical.UploadState][]string{
	clinical.UploadCancelled: {"open", "receiving"},
	clinical.UploadExpired:   {"open", "receiving"},
	clinical.UploadFailed:    {"open", "receiving", "assembling", "stored"},
}

// EndUpload brings an upload to failed, cancelled or expired under its lease:
// its bytes become garbage and its row stays as a tombstone, without title and
// digest states. Conflict when it may not end so.
func (tx *Tx) EndUpload(ctx context.Context, l Lease, state clinical.UploadState, f *clinical.UploadFailure) error {
	var code, words any
	retry := false
	if f != nil {
		code, words, retry = string(f.Code), f.Words, f.Retryable
	}
	n, err := tx.exec(ctx, `WITH done AS (UPDATE upload SET state = $4, failure_code = $5, failure_words = $6, failure_retry = $7,
		hash_state = NULL, title = '', lease_wanted = false, updated_at = now()
		 WHERE tenant_id = $1 AND id = $2 AND lease = $3 AND state = ANY($8)
		   AND ($4 = 'failed' OR length IS NULL OR at_offset < length)
		RETURNING tenant_id, id, object_key, put_tried, scratch_used),
		parts AS (DELETE FROM upload_part p USING done d WHERE p.tenant_id = d.tenant_id AND p.upload_id = d.id),
		tails AS (DELETE FROM upload_tail t USING done d WHERE t.tenant_id = d.tenant_id AND t.upload_id = d.id),
		junk AS (INSERT INTO blob_garbage (tenant_id, object_key, multipart, settles)
		  SELECT tenant_id, tenant_id || '/scratch/' || id || '/', '`+Everything+`', `+settled+` FROM done WHERE scratch_used
		  UNION ALL
		  SELECT tenant_id, object_key, '`+Everything+`', `+settled+` FROM done WHERE put_tried
		  ON CONFLICT DO NOTHING)
		SELECT FROM done`, l.args(string(state), code, words, retry, endings[state])...)
	if err == nil && n == 0 {
		return clinical.Fail(clinical.Conflict, "this upload has ended, or has been received and is being stored", nil)
	}
	return err
}

// PendingWork is an upload that waits for the sweeper.
type PendingWork struct {
	Tenant clinical.TenantID
	Upload clinical.UploadID
	State  clinical.UploadState
}

// UploadWork lists uploads nobody holds which wait to be finished or have
// expired, of all tenants; those that were longest not looked at come first.
func (db *DB) UploadWork(ctx context.Context, limit int) (work []PendingWork, err error) {
	err = db.across(ctx, func() error {
		rows, err := db.pool.Query(ctx, `SELECT tenant_id, id::text, state FROM upload_work($1)`, limit)
		if err != nil {
			return err
		}
		work, err = pgx.CollectRows(rows, pgx.RowToStructByPos[PendingWork])
		return err
	})
	return work, err
}
