package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

// Retention says which files' bytes have had their time.
type Retention struct {
	Kind   string
	Before time.Time // created earlier than this
	// Signed takes files, too, that a signed note comes from.
	Signed bool
}

// due is the condition on a file: its time has come, its bytes are there, nobody
// holds it, and no signed note rests on it.
func (r Retention) due(q *bun.SelectQuery) {
	q.Where("f.kind = ? AND f.created_at < ? AND f.purged_at IS NULL AND NOT f.legal_hold", r.Kind, r.Before)
	if !r.Signed {
		q.Where(`NOT EXISTS (SELECT FROM note_source AS s JOIN note AS n ON n.tenant_id = s.tenant_id AND n.id = s.note_id
			WHERE s.tenant_id = f.tenant_id AND s.source_id = f.id AND n.status IN ('signed', 'amended'))`)
	}
}

// RetentionDue lists files whose bytes are to be given up, the oldest first.
func (tx *Tx) RetentionDue(ctx context.Context, r Retention, limit int) (ids []clinical.FileID, err error) {
	q := tx.bun.NewSelect().Model((*fileRow)(nil)).Column("id").Where("f.tenant_id = ?", tx.tenant).
		Order("f.created_at", "f.id").Limit(int64(limit))
	r.due(q)
	return ids, fail(q.Scan(ctx, &ids))
}

// PurgeFile gives up the bytes of a file that is due, and certifies it: the
// object becomes garbage, the record stays. NotFound when the file is not due
// (any more).
func (tx *Tx) PurgeFile(ctx context.Context, id clinical.FileID, r Retention, rule string, at time.Time) (clinical.File, error) {
	// The lock first: what is asked next sees what was committed until then.
	if _, err := tx.fileRow(ctx, id, alone); err != nil {
		return clinical.File{}, err
	}
	var row fileRow
	q := tx.bun.NewSelect().Model(&row).Where("f.tenant_id = ? AND f.id = ?", tx.tenant, id)
	r.due(q)
	if err := q.Scan(ctx); err != nil {
		return clinical.File{}, fail(err)
	}
	row.PurgedAt, row.UpdatedAt, row.Version = &at, at, row.Version+1
	if err := one(tx.exec(ctx, `UPDATE file SET purged_at = $3, updated_at = $3, version = $4 WHERE tenant_id = $1 AND id = $2`,
		string(tx.tenant), string(id), at, row.Version)); err != nil {
		return clinical.File{}, err
	}
	if _, err := tx.exec(ctx, `INSERT INTO deletion (tenant_id, file_id, patient_id, kind, object_key, size, sha256, rule, decided_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, string(tx.tenant), string(id), string(row.Patient), row.Kind, row.ObjectKey,
		row.Size, row.SHA256, rule, at); err != nil {
		return clinical.File{}, err
	}
	return row.file(), tx.AddGarbage(ctx, row.ObjectKey, "")
}

// CertifyDeleted completes the certificate of an object that is really gone, if
// it has one.
func (tx *Tx) CertifyDeleted(ctx context.Context, objectKey string, at time.Time) error {
	_, err := tx.exec(ctx, `UPDATE deletion SET deleted_at = $3 WHERE tenant_id = $1 AND object_key = $2 AND deleted_at IS NULL`,
		string(tx.tenant), objectKey, at)
	return err
}

// Deletion is the certificate of the file that the decision is about; NotFound
// while its bytes are there.
func (tx *Tx) Deletion(ctx context.Context, d policy.Decision) (clinical.Deletion, error) {
	id := d.Resource().ID
	if err := covered(d, policy.File, id); err != nil {
		return clinical.Deletion{}, err
	}
	out := clinical.Deletion{Tenant: tx.tenant}
	err := tx.queryRow(ctx, `SELECT file_id, patient_id, kind, object_key, size, sha256, rule, decided_at, deleted_at
		FROM deletion WHERE tenant_id = $1 AND file_id = $2`, string(tx.tenant), id).
		Scan(&out.File, &out.Patient, &out.Kind, &out.ObjectKey, &out.Size, &out.SHA256, &out.Rule, &out.DecidedAt, &out.DeletedAt)
	out.DecidedAt, out.DeletedAt = out.DecidedAt.UTC(), utc(out.DeletedAt)
	return out, err
}
