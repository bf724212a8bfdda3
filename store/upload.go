package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/uptrace/bun"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

// The row of an upload changes with every PATCH, so it is read and written by
// prepared statements instead of bun's models: uploadColumns stands in SELECT
// or RETURNING, scanUpload reads it, and the ledger does the same with columns
// of its own behind.

// uploadColumns are what scanUpload reads, in its order.
const uploadColumns = `tenant_id, id, patient_id, coalesce(encounter_id::text, ''), owner_id, kind, category, resource_type,
	title, content_type, sniffed, body_site, captured_at, coalesce(note_id::text, ''),
	length, max_size, at_offset, state, coalesce(failure_code, ''), coalesce(failure_words, ''), failure_retry,
	file_id, object_key, multipart, next_part, announced_sha, sha256, sha1, hash_state,
	(extract(epoch FROM ttl) * 1000000)::bigint, created_at, updated_at, expires_at,
	scan_rule, mismatch_rule, allow_empty, request_id, coalesce(via_key::text, '')`

// scanUpload reads uploadColumns, and whatever follows them into extra.
func scanUpload(r scanner, extra ...any) (clinical.Upload, error) {
	var u clinical.Upload
	var f clinical.UploadFailure
	var d clinical.Digests
	var bodySite []byte
	var ttl int64
	err := fail(r.Scan(append([]any{
		&u.Tenant, &u.ID, &u.Patient, &u.Encounter, &u.Owner, &u.Kind, &u.Category, &u.Resource,
		&u.Title, &u.ContentType, &u.Sniffed, &bodySite, &u.CapturedAt, &u.NoteID,
		&u.Length, &u.MaxSize, &u.Offset, &u.State, &f.Code, &f.Words, &f.Retryable,
		&u.File, &u.ObjectKey, &u.Multipart, &u.NextPart, &u.AnnouncedSHA256, &d.SHA256, &d.SHA1, &u.HashState,
		&ttl, &u.CreatedAt, &u.UpdatedAt, &u.ExpiresAt,
		&u.Scan, &u.Mismatch, &u.AllowEmpty, &u.RequestID, &u.Key,
	}, extra...)...))
	if err != nil {
		return clinical.Upload{}, err
	}
	if bodySite != nil {
		if err := json.Unmarshal(bodySite, &u.BodySite); err != nil {
			return clinical.Upload{}, internal(err)
		}
	}
	if f.Code != "" {
		u.Failure = &f
	}
	if d.SHA256 != nil {
		u.Digests = &d
	}
	u.TTL = time.Duration(ttl) * time.Microsecond
	u.CapturedAt = utc(u.CapturedAt)
	u.CreatedAt, u.UpdatedAt, u.ExpiresAt = u.CreatedAt.UTC(), u.UpdatedAt.UTC(), u.ExpiresAt.UTC()
	return u, nil
}

// InsertUpload reserves an upload. tokenHash is the SHA-256 of its capability.
// NotFound when the patient or the encounter does not exist, Conflict when the
// id is taken.
func (tx *Tx) InsertUpload(ctx context.Context, u clinical.Upload, tokenHash []byte) error {
	var bodySite any
	if u.BodySite != nil {
		text, err := json.Marshal(u.BodySite)
		if err != nil {
			return internal(err)
		}
		bodySite = string(text)
	}
	_, err := tx.exec(ctx, `INSERT INTO upload (tenant_id, id, patient_id, encounter_id, owner_id, kind, category, resource_type,
			title, content_type, body_site, captured_at, note_id, length, max_size, state, file_id, object_key, announced_sha,
			token_hash, ttl, created_at, updated_at, expires_at, scan_rule, mismatch_rule, allow_empty, request_id, via_key)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 'open', $16, $17, $18,
			$19, $20 * interval '1 microsecond', $21, $21, $22, $23, $24, $25, $26, $27)`,
		string(u.Tenant), string(u.ID), string(u.Patient), null(u.Encounter), string(u.Owner), u.Kind, u.Category, string(u.Resource),
		u.Title, u.ContentType, bodySite, u.CapturedAt, null(u.NoteID), u.Length, u.MaxSize, string(u.File), u.ObjectKey, u.AnnouncedSHA256,
		tokenHash, u.TTL.Microseconds(), u.CreatedAt, u.ExpiresAt, string(u.Scan), string(u.Mismatch), u.AllowEmpty, u.RequestID, null(u.Key))
	return taken(err)
}

func (tx *Tx) uploadRow(ctx context.Context, id clinical.UploadID) (clinical.Upload, error) {
	if !wellFormed(id) {
		return clinical.Upload{}, clinical.Missing()
	}
	return scanUpload(tx.queryRow(ctx, `SELECT `+uploadColumns+` FROM upload WHERE tenant_id = $1 AND id = $2`,
		string(tx.tenant), string(id)))
}

// UploadSubject is what the gate looks at of an upload; NotFound when there is none.
func (tx *Tx) UploadSubject(ctx context.Context, id clinical.UploadID) (policy.Resource, error) {
	u, err := tx.uploadRow(ctx, id)
	groups, err := tx.groupsAround(ctx, u.Patient, err)
	if err != nil {
		return policy.Resource{}, err
	}
	return policy.OfUpload(u, groups), nil
}

// Upload reads the upload that the decision is about.
func (tx *Tx) Upload(ctx context.Context, d policy.Decision) (clinical.Upload, error) {
	id := d.Resource().ID
	if err := covered(d, policy.Upload, id); err != nil {
		return clinical.Upload{}, err
	}
	return tx.uploadRow(ctx, clinical.UploadID(id))
}

// UploadToken is the SHA-256 of an upload's capability, nil when it has none,
// and whose upload it is. NotFound when there is no such upload.
func (tx *Tx) UploadToken(ctx context.Context, id clinical.UploadID) (hash []byte, owner clinical.ActorID, err error) {
	if !wellFormed(id) {
		return nil, "", clinical.Missing()
	}
	err = tx.queryRow(ctx, `SELECT token_hash, owner_id FROM upload WHERE tenant_id = $1 AND id = $2`,
		string(tx.tenant), string(id)).Scan(&hash, &owner)
	return hash, owner, err
}

// SetUploadToken replaces an upload's capability; nil revokes it. NotFound when
// there is no such upload.
func (tx *Tx) SetUploadToken(ctx context.Context, id clinical.UploadID, hash []byte) error {
	if !wellFormed(id) {
		return clinical.Missing()
	}
	return one(tx.exec(ctx, `UPDATE upload SET token_hash = $3 WHERE tenant_id = $1 AND id = $2`, string(tx.tenant), string(id), hash))
}

// UploadQuery is what a caller looks for among the uploads they may see.
type UploadQuery struct {
	States  []clinical.UploadState
	Patient clinical.PatientID
}

// Uploads lists the uploads that the filter lets through and the query asks
// for, the newest first.
func (tx *Tx) Uploads(ctx context.Context, f policy.Filter, uq UploadQuery, p clinical.Page) (clinical.Slice[clinical.Upload], error) {
	q := tx.bun.NewSelect().TableExpr("upload AS u").ColumnExpr(uploadColumns).Where("u.tenant_id = ?", tx.tenant)
	if err := allow(tx, q, f, policy.Upload); err != nil {
		return clinical.Slice[clinical.Upload]{}, err
	}
	isOneOf(q, "u.state", uq.States)
	mayRefer(q, "u.patient_id", uq.Patient)
	return page(ctx, tx, q, order[clinical.Upload]{id: "u.id", desc: true}, shapeOf("uploads", tx.tenant, f.Actor().ID, uq), p,
		func(u clinical.Upload) string { return string(u.ID) }, scanUploads)
}

// scanUploads is the fetch of uploads.
func scanUploads(ctx context.Context, q *bun.SelectQuery) (out []clinical.Upload, err error) {
	rows, err := q.Rows(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		u, err := scanUpload(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, u)
	}
	return out, rows.Err()
}
