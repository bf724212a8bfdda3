package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/bonfiredb/bonfire/clinical"
)

// What Garbage.Multipart says beside the id of one multipart upload.
const (
	// Everything: whatever is, or comes, under the key: the object and every
	// multipart upload. A key that ends in a slash stands for all that begin so.
	Everything = "*"
	// Multiparts: every multipart upload under the key, and not the object.
	Multiparts = "+"
)

// settled is when no request that a writer sent before it lost its lease can
// have an effect any more: S3 refuses requests signed 15 minutes ago
// (https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html), and
// no unit may take longer than a few.
const settled = `now() + interval '25 minutes'`

// Garbage is what no row needs any more. Its row goes when it is really gone (P3).
type Garbage struct {
	Tenant    clinical.TenantID
	ObjectKey string
	// Multipart is "" for the object itself, the id of a multipart upload,
	// Everything or Multiparts.
	Multipart string
}

// AddGarbage notes, in the transaction that stops needing it, that an object or,
// with a multipart id, a multipart upload is to be deleted. Repeating it
// changes nothing.
func (tx *Tx) AddGarbage(ctx context.Context, objectKey, multipart string) error {
	_, err := tx.exec(ctx, `INSERT INTO blob_garbage (tenant_id, object_key, multipart) VALUES ($1, $2, $3)
		ON CONFLICT DO NOTHING`, string(tx.tenant), objectKey, multipart)
	return err
}

// DropGarbage notes that it is gone; nothing happens when that is known. What
// may yet come back stays listed, to be deleted once more when it has settled.
func (tx *Tx) DropGarbage(ctx context.Context, objectKey, multipart string) error {
	n, err := tx.exec(ctx, `DELETE FROM blob_garbage
		 WHERE tenant_id = $1 AND object_key = $2 AND multipart = $3 AND settles <= now()`, string(tx.tenant), objectKey, multipart)
	if err == nil && n == 0 {
		_, err = tx.exec(ctx, `UPDATE blob_garbage SET not_before = settles
			 WHERE tenant_id = $1 AND object_key = $2 AND multipart = $3`, string(tx.tenant), objectKey, multipart)
	}
	return err
}

// KeepGarbage puts off what could not be deleted, for longer the older it is, so
// that it does not stand in the way of the rest.
func (tx *Tx) KeepGarbage(ctx context.Context, objectKey, multipart string) error {
	_, err := tx.exec(ctx, `UPDATE blob_garbage
		SET not_before = now() + least(interval '1 hour', interval '10 seconds' + (now() - since) / 2)
		 WHERE tenant_id = $1 AND object_key = $2 AND multipart = $3`, string(tx.tenant), objectKey, multipart)
	return err
}

// Collected notes that objects are gone which nobody can bring back.
func (db *DB) Collected(ctx context.Context, tenant clinical.TenantID, objectKeys []string) error {
	_, err := db.alone(ctx, tenant, statement{
		text: `DELETE FROM blob_garbage WHERE tenant_id = $1 AND object_key = ANY($2) AND multipart = ''`,
		args: []any{string(tenant), objectKeys},
	})
	return err
}

// GarbageWork lists what is to be deleted, of all tenants, the oldest first.
func (db *DB) GarbageWork(ctx context.Context, limit int) (work []Garbage, err error) {
	err = db.across(ctx, func() error {
		rows, err := db.pool.Query(ctx, `SELECT tenant_id, object_key, multipart FROM garbage_work($1)`, limit)
		if err != nil {
			return err
		}
		work, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Garbage])
		return err
	})
	return work, err
}
