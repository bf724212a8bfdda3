package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

// glassGrant is a grant of broken glass as memberRow selects it.
type glassGrant struct {
	ID      clinical.GrantID   `json:"id"`
	Patient clinical.PatientID `json:"patient"`
	Expires time.Time          `json:"expires"`
}

type breakGlassRow struct {
	bun.BaseModel `bun:"table:break_glass,alias:b"`

	Tenant     clinical.TenantID     `bun:"tenant_id,pk"`
	ID         clinical.GrantID      `bun:"id,pk"`
	Member     clinical.ActorID      `bun:"member_id"`
	Patient    clinical.PatientID    `bun:"patient_id"`
	Reason     string                `bun:"reason"`
	GrantedAt  time.Time             `bun:"granted_at"`
	ExpiresAt  time.Time             `bun:"expires_at"`
	Audit      clinical.AuditEventID `bun:"event_id"`
	ReviewedAt *time.Time            `bun:"reviewed_at"`
	ReviewedBy clinical.ActorID      `bun:"reviewed_by,nullzero"`
	Verdict    clinical.Verdict      `bun:"verdict,nullzero"`
	Remark     string                `bun:"remark"`
}

func (r breakGlassRow) breakGlass() clinical.BreakGlass {
	b := clinical.BreakGlass{
		ID: r.ID, Tenant: r.Tenant, Member: r.Member, Patient: r.Patient, Reason: r.Reason,
		GrantedAt: r.GrantedAt.UTC(), ExpiresAt: r.ExpiresAt.UTC(), Audit: r.Audit,
	}
	if r.ReviewedAt != nil {
		b.Review = &clinical.BreakGlassReview{By: r.ReviewedBy, At: r.ReviewedAt.UTC(), Verdict: r.Verdict, Remark: r.Remark}
	}
	return b
}

// InsertBreakGlass writes a grant that the decision permits: one to break the
// glass for this patient, made for whom the grant is for.
func (tx *Tx) InsertBreakGlass(ctx context.Context, d policy.Decision, b clinical.BreakGlass) error {
	if err := covered(d, policy.Patient, string(b.Patient)); err != nil {
		return err
	}
	if d.Action() != policy.BreakGlass || d.Actor().ID != b.Member {
		return internal(errUncovered)
	}
	row := breakGlassRow{
		Tenant: tx.tenant, ID: b.ID, Member: b.Member, Patient: b.Patient, Reason: b.Reason,
		GrantedAt: b.GrantedAt, ExpiresAt: b.ExpiresAt, Audit: b.Audit,
	}
	_, err := tx.bun.NewInsert().Model(&row).Exec(ctx)
	return taken(err)
}

// BreakGlassQuery narrows the list of grants.
type BreakGlassQuery struct {
	// Waiting lists only those that nobody has reviewed.
	Waiting bool
}

// reviewable refuses a decision that is not about this clinic, or its audit trail.
func (tx *Tx) reviewable(d policy.Decision) error {
	if d.Covers(policy.AuditLog, string(tx.tenant)) {
		return nil
	}
	return tx.administered(d)
}

// BreakGlasses lists grants, the oldest first.
func (tx *Tx) BreakGlasses(ctx context.Context, d policy.Decision, bq BreakGlassQuery, p clinical.Page) (clinical.Slice[clinical.BreakGlass], error) {
	if err := tx.reviewable(d); err != nil {
		return clinical.Slice[clinical.BreakGlass]{}, err
	}
	q := tx.bun.NewSelect().Model((*breakGlassRow)(nil)).Where("b.tenant_id = ?", tx.tenant)
	if bq.Waiting {
		q.Where("b.reviewed_at IS NULL")
	}
	rows, err := page(ctx, tx, q, order[breakGlassRow]{
		id: "b.id", key: "b.granted_at", of: func(r breakGlassRow) int64 { return r.GrantedAt.UnixMicro() }, arg: instant,
	}, shapeOf("break-glass", tx.tenant, d.Actor().ID, bq), p, func(r breakGlassRow) string { return string(r.ID) }, scanAll)
	return mapSlice(rows, breakGlassRow.breakGlass), err
}

// BreakGlassForReview reads a grant and keeps others from reviewing it until
// this transaction ends. NotFound when there is none.
func (tx *Tx) BreakGlassForReview(ctx context.Context, d policy.Decision, id clinical.GrantID) (clinical.BreakGlass, error) {
	if err := tx.administered(d); err != nil {
		return clinical.BreakGlass{}, err
	}
	if !wellFormed(id) {
		return clinical.BreakGlass{}, clinical.Missing()
	}
	var r breakGlassRow
	err := fail(tx.bun.NewSelect().Model(&r).Where("b.tenant_id = ? AND b.id = ?", tx.tenant, id).For("NO KEY UPDATE").Scan(ctx))
	return r.breakGlass(), err
}

// ReviewBreakGlass writes the review of a grant, once: NotFound when there is no
// such grant, or it has its review.
func (tx *Tx) ReviewBreakGlass(ctx context.Context, d policy.Decision, id clinical.GrantID, r clinical.BreakGlassReview) error {
	if err := tx.administered(d); err != nil {
		return err
	}
	if !wellFormed(id) {
		return clinical.Missing()
	}
	return one(tx.exec(ctx, `UPDATE break_glass SET reviewed_at = $3, reviewed_by = $4, verdict = $5, remark = $6
		WHERE tenant_id = $1 AND id = $2 AND reviewed_at IS NULL`,
		string(tx.tenant), string(id), r.At, string(r.By), string(r.Verdict), r.Remark))
}
