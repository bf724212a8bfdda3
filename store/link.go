package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

type linkRow struct {
	bun.BaseModel `bun:"table:link,alias:l"`

	Tenant      clinical.TenantID     `bun:"tenant_id,pk"`
	ID          clinical.LinkID       `bun:"id,pk"`
	File        clinical.FileID       `bun:"file_id,nullzero"`
	Note        clinical.NoteID       `bun:"note_id,nullzero"`
	Version     int                   `bun:"file_version"`
	Patient     clinical.PatientID    `bun:"patient_id"`
	Actor       clinical.ActorID      `bun:"actor_id"`
	Purpose     clinical.PurposeOfUse `bun:"purpose"`
	Delivery    clinical.Delivery     `bun:"delivery"`
	Disposition clinical.Disposition  `bun:"disposition"`
	SingleUse   bool                  `bun:"single_use"`
	TokenHash   []byte                `bun:"token_hash"`
	IssuedAt    time.Time             `bun:"issued_at"`
	ExpiresAt   time.Time             `bun:"expires_at"`
	UsedAt      *time.Time            `bun:"used_at"`
	RevokedAt   *time.Time            `bun:"revoked_at"`
	Key         clinical.KeyID        `bun:"via_key,nullzero"`
	RevokedBy   clinical.ActorID      `bun:"revoked_by,nullzero"`
	Reason      string                `bun:"revoked_reason"`
}

func (r linkRow) link() clinical.Link {
	return clinical.Link{
		ID: r.ID, Tenant: r.Tenant, File: r.File, Note: r.Note, Version: r.Version, Patient: r.Patient, Actor: r.Actor,
		Purpose: r.Purpose, Delivery: r.Delivery, Disposition: r.Disposition, SingleUse: r.SingleUse, TokenHash: r.TokenHash,
		IssuedAt: r.IssuedAt.UTC(), ExpiresAt: r.ExpiresAt.UTC(), UsedAt: utc(r.UsedAt), RevokedAt: utc(r.RevokedAt),
		Key: r.Key, RevokedBy: r.RevokedBy, RevokedReason: r.Reason,
	}
}

// InsertLink writes an issued link. NotFound when there is no such file or note.
func (tx *Tx) InsertLink(ctx context.Context, l clinical.Link) error {
	r := linkRow{
		Tenant: l.Tenant, ID: l.ID, File: l.File, Note: l.Note, Version: l.Version, Patient: l.Patient, Actor: l.Actor,
		Purpose: l.Purpose, Delivery: l.Delivery, Disposition: l.Disposition, SingleUse: l.SingleUse, TokenHash: l.TokenHash,
		IssuedAt: l.IssuedAt, ExpiresAt: l.ExpiresAt, UsedAt: l.UsedAt, RevokedAt: l.RevokedAt,
		Key: l.Key, RevokedBy: l.RevokedBy, Reason: l.RevokedReason,
	}
	_, err := tx.bun.NewInsert().Model(&r).Exec(ctx)
	return taken(err)
}

// LinkByToken finds a gated link by the SHA-256 of its token, and nobody else
// uses or revokes it until this transaction ends. The token is the receipt: it
// was issued under a decision. NotFound when there is none.
func (tx *Tx) LinkByToken(ctx context.Context, hash []byte) (clinical.Link, error) {
	var r linkRow
	err := tx.bun.NewSelect().Model(&r).Where("l.tenant_id = ? AND l.token_hash = ?", tx.tenant, hash).For("UPDATE").Scan(ctx)
	return r.link(), fail(err)
}

// MarkUsed records a fetch; the time of the first one stays. NotFound when there
// is no such link.
func (tx *Tx) MarkUsed(ctx context.Context, id clinical.LinkID, at time.Time) error {
	if !wellFormed(id) {
		return clinical.Missing()
	}
	return one(tx.exec(ctx, `UPDATE link SET used_at = coalesce(used_at, $3) WHERE tenant_id = $1 AND id = $2`,
		string(tx.tenant), string(id), at))
}

// LinkSubject is what the gate looks at of a link; NotFound when there is none.
func (tx *Tx) LinkSubject(ctx context.Context, id clinical.LinkID) (policy.Resource, error) {
	if !wellFormed(id) {
		return policy.Resource{}, clinical.Missing()
	}
	var r linkRow
	if err := tx.bun.NewSelect().Model(&r).Where("l.tenant_id = ? AND l.id = ?", tx.tenant, id).Scan(ctx); err != nil {
		return policy.Resource{}, fail(err)
	}
	groups, err := tx.CareGroups(ctx, r.Patient)
	return policy.OfLink(r.link(), groups), err
}

// LinkQuery names links by what they have in common; every id that is set must match.
type LinkQuery struct {
	ID      clinical.LinkID
	File    clinical.FileID
	Note    clinical.NoteID
	Actor   clinical.ActorID
	Patient clinical.PatientID
	// LiveAt leaves only links which are neither revoked nor expired at this instant.
	LiveAt *time.Time
}

// named restricts q to the links meant. Invalid without any id: that would be
// every link of the clinic.
func named[Q wherer[Q]](q Q, lq LinkQuery) error {
	none := true
	for _, c := range []struct{ column, id string }{
		{"l.id", string(lq.ID)}, {"l.file_id", string(lq.File)}, {"l.note_id", string(lq.Note)},
		{"l.actor_id", string(lq.Actor)}, {"l.patient_id", string(lq.Patient)},
	} {
		if c.id != "" {
			none = false
			refers(q, c.column, c.id)
		}
	}
	if none {
		return clinical.Fail(clinical.Invalid, "say which links", nil)
	}
	if lq.LiveAt != nil {
		q.Where("l.revoked_at IS NULL AND l.expires_at > ?", *lq.LiveAt)
	}
	return nil
}

// Links lists the links that the filter lets through and the query names, the
// oldest first. Invalid when the query names none.
func (tx *Tx) Links(ctx context.Context, f policy.Filter, lq LinkQuery) ([]clinical.Link, error) {
	var rows []linkRow
	q := tx.bun.NewSelect().Model(&rows).Where("l.tenant_id = ?", tx.tenant).Order("l.id")
	if err := allow(tx, q, f, policy.Link); err != nil {
		return nil, err
	}
	if err := named(q, lq); err != nil {
		return nil, err
	}
	err := q.Scan(ctx)
	return mapAll(rows, linkRow.link), fail(err)
}

// FileLinks lists every link to the file that the decision is about, whoever it
// was issued to, the oldest first: who may have seen it.
func (tx *Tx) FileLinks(ctx context.Context, d policy.Decision) ([]clinical.Link, error) {
	file := d.Resource().ID
	if err := covered(d, policy.File, file); err != nil {
		return nil, err
	}
	var rows []linkRow
	err := tx.bun.NewSelect().Model(&rows).Where("l.tenant_id = ? AND l.file_id = ?", tx.tenant, file).Order("l.id").Scan(ctx)
	return mapAll(rows, linkRow.link), fail(err)
}

// RevokeLinks ends at once those of the named links that the filter lets
// through and that are not revoked yet, and returns them. The filter's actor is
// noted as who did it, for the reason given. Invalid when the query names none.
func (tx *Tx) RevokeLinks(ctx context.Context, f policy.Filter, lq LinkQuery, at time.Time, reason string) ([]clinical.Link, error) {
	var rows []linkRow
	q := tx.revocation(&rows, at).Set("revoked_by = ?, revoked_reason = ?", f.Actor().ID, reason)
	if err := allow(tx, q, f, policy.Link); err != nil {
		return nil, err
	}
	if err := named(q, lq); err != nil {
		return nil, err
	}
	_, err := q.Exec(ctx)
	return mapAll(rows, linkRow.link), fail(err)
}

// RevokeFileLinks ends every link to the file that the decision is about, whoever
// it was issued to: the file leaves the chart, or goes away.
func (tx *Tx) RevokeFileLinks(ctx context.Context, d policy.Decision, at time.Time) ([]clinical.Link, error) {
	file := d.Resource().ID
	if err := covered(d, policy.File, file); err != nil {
		return nil, err
	}
	var rows []linkRow
	_, err := tx.revocation(&rows, at).Where("l.file_id = ?", file).Exec(ctx)
	return mapAll(rows, linkRow.link), fail(err)
}

// RevokeNoteLinks ends every link to the note that the decision is about, whoever
// it was issued to.
func (tx *Tx) RevokeNoteLinks(ctx context.Context, d policy.Decision, at time.Time) error {
	note := d.Resource().ID
	if err := covered(d, policy.Note, note); err != nil {
		return err
	}
	var rows []linkRow
	_, err := tx.revocation(&rows, at).Where("l.note_id = ?", note).Exec(ctx)
	return fail(err)
}

func (tx *Tx) revocation(rows *[]linkRow, at time.Time) *bun.UpdateQuery {
	return tx.bun.NewUpdate().Model(rows).Set("revoked_at = ?", at).
		Where("l.tenant_id = ? AND l.revoked_at IS NULL", tx.tenant).Returning("*")
}
