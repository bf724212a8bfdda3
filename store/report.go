package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

// AuditSubject tells what an audit event belongs to, to be decided on: the
// tenant's trail, or its part about one patient. NotFound when there is none.
func (tx *Tx) AuditSubject(ctx context.Context, id clinical.AuditEventID) (policy.Resource, error) {
	if !wellFormed(id) {
		return policy.Resource{}, clinical.Missing()
	}
	var patient clinical.PatientID
	err := tx.queryRow(ctx, `SELECT coalesce(patient_id::text, '') FROM audit_event WHERE tenant_id = $1 AND id = $2`,
		string(tx.tenant), string(id)).Scan(&patient)
	return policy.OfAuditLog(tx.tenant, patient), err
}

// AuditEvent reads one event, if the filter lets it through. NotFound when there
// is none, or none for the filter's actor.
func (tx *Tx) AuditEvent(ctx context.Context, f policy.Filter, id clinical.AuditEventID) (clinical.AuditEvent, error) {
	if !wellFormed(id) {
		return clinical.AuditEvent{}, clinical.Missing()
	}
	var r auditRow
	q := tx.events().Model(&r).Where("a.id = ?", id).Limit(1)
	if err := allow(tx, q, f, policy.AuditLog); err != nil {
		return clinical.AuditEvent{}, err
	}
	err := q.Scan(ctx)
	return r.event(), fail(err)
}

// FileAccess lists the events about a patient's files that the filter lets
// through, the newest first: who asked for one, in a list or by itself, who was
// refused it or anything else of the chart, who was handed a link, who fetched,
// who changed or exported it, and who broke the glass for the chart.
func (tx *Tx) FileAccess(ctx context.Context, f policy.Filter, patient clinical.PatientID, from, before *time.Time, p clinical.Page,
) (clinical.Slice[clinical.AuditEvent], error) {
	q := tx.events().Model((*auditRow)(nil)).
		Where(`(jsonb_path_exists(a.entities, '$[*] \? (@.type == "DocumentReference" || @.type == "Media" || @.type == "Binary" || @.type == "File" || @.type == "Link")')
			OR a.query LIKE 'File%' OR a.subtype IN ('disclose', 'export', 'break-glass') OR a.outcome = '4')`)
	if err := allow(tx, q, f, policy.AuditLog); err != nil {
		return clinical.Slice[clinical.AuditEvent]{}, err
	}
	refers(q, "a.patient_id", patient)
	within(q, "a.recorded_at", from, before)
	return tx.newestEvents(ctx, q, shapeOf("access", tx.tenant, f.Actor().ID, patient, from, before), p)
}

// events selects from the tenant's trail, each event with the repeats counted so far.
func (tx *Tx) events() *bun.SelectQuery {
	return tx.bun.NewSelect().ColumnExpr("?TableColumns").
		ColumnExpr(`coalesce((SELECT n.repeats FROM audit_denial AS n WHERE n.tenant_id = a.tenant_id AND n.event_id = a.id), 0) AS repeats`).
		Where("a.tenant_id = ?", tx.tenant)
}

// newestEvents is a page of events, the newest first.
func (tx *Tx) newestEvents(ctx context.Context, q *bun.SelectQuery, s shape, p clinical.Page) (clinical.Slice[clinical.AuditEvent], error) {
	rows, err := page(ctx, tx, q, order[auditRow]{
		id: "a.id", key: "a.recorded_at", desc: true,
		of: func(r auditRow) int64 { return r.RecordedAt.UnixMicro() }, arg: instant,
	}, s, p, func(r auditRow) string { return string(r.ID) }, scanAll)
	return mapSlice(rows, auditRow.event), err
}
