package store

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// What is about to be sent to S3 is written down first, durably, so that no two
// writers ever send under one name and whatever a crash leaves behind is found.

// unfinished fences a statement that comes before bytes are sent.
const unfinished = ` WHERE tenant_id = $1 AND id = $2 AND lease = $3 AND state IN ('open', 'receiving', 'assembling')`

// ReserveKey makes the key that a whole object or a multipart will be written
// under exclusive to this attempt. An earlier attempt may have left an object or
// a multipart that no commit names: then fresh becomes the key, the upload has
// no multipart any more, and what is under the old key is garbage.
func (db *DB) ReserveKey(ctx context.Context, l Lease, fresh string) (key string, err error) {
	// The UPDATE reads what it replaces from old, so that old is read first.
	return reserve[string](ctx, db, l, `WITH old AS MATERIALIZED (SELECT tenant_id, id, object_key, put_tried FROM upload`+unfinished+` FOR UPDATE),
		junk AS (INSERT INTO blob_garbage (tenant_id, object_key, multipart, settles)
		  SELECT tenant_id, object_key, '`+Everything+`', `+settled+` FROM old WHERE put_tried ON CONFLICT DO NOTHING)
		UPDATE upload u SET object_key = CASE WHEN old.put_tried THEN $4 ELSE old.object_key END, put_tried = true, multipart = ''
		  FROM old WHERE u.tenant_id = old.tenant_id AND u.id = old.id RETURNING u.object_key`, fresh)
}

// ReserveParts hands out the next n part numbers and returns the first: a number
// that two writers used would make the upload unfinishable. The multipart, when
// the upload has none yet, is recorded with them.
func (db *DB) ReserveParts(ctx context.Context, l Lease, multipart string, n int32) (first int32, err error) {
	return reserve[int32](ctx, db, l, `UPDATE upload SET next_part = next_part + $5::integer,
		multipart = CASE WHEN multipart = '' THEN $4 ELSE multipart END`+unfinished+` RETURNING next_part - $5::integer`, multipart, n)
}

// ReserveScratch notes that scratch objects of this upload may be in the bucket.
func (db *DB) ReserveScratch(ctx context.Context, l Lease) error {
	_, err := reserve[bool](ctx, db, l, `UPDATE upload SET scratch_used = true`+unfinished+` RETURNING scratch_used`)
	return err
}

// reserve runs a fenced statement that answers one value; ErrLeaseLost when it
// found nothing to change.
func reserve[T any](ctx context.Context, db *DB, l Lease, text string, args ...any) (got T, err error) {
	ours := false
	_, err = db.alone(ctx, l.Tenant, statement{text: text, args: l.args(args...), row: func(r pgx.Rows) error {
		ours = true
		return r.Scan(&got)
	}})
	if err == nil && !ours {
		err = ErrLeaseLost
	}
	return got, err
}
