package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

// ProvenanceQuery is what a caller looks for among the evidence they may see:
// every condition that is set must hold.
type ProvenanceQuery struct {
	Patient clinical.PatientID
	Target  string // the id of a file or note
	IDs     []clinical.ProvenanceID
	From    *time.Time // inclusive
	Before  *time.Time // exclusive
}

// Provenances lists the evidence that the query asks for and of which the
// filters let a target through, the oldest first: whoever may read where one
// target comes from may read it.
func (tx *Tx) Provenances(ctx context.Context, f DocumentFilters, pq ProvenanceQuery, p clinical.Page) (clinical.Slice[clinical.Provenance], error) {
	q := tx.bun.NewSelect().Model((*provenanceRow)(nil)).Where("v.tenant_id = ?", tx.tenant)
	if err := tx.allowTargets(q, f); err != nil {
		return clinical.Slice[clinical.Provenance]{Total: -1}, err
	}
	if pq.Patient != "" {
		q.Where("v.patient_id = ANY(?::uuid[])", array(onlyWellFormed([]clinical.PatientID{pq.Patient})))
	}
	if len(pq.IDs) > 0 {
		q.Where("v.id = ANY(?::uuid[])", array(onlyWellFormed(pq.IDs)))
	}
	if pq.Target != "" {
		targeting(q, []string{pq.Target})
	}
	within(q, "v.recorded_at", pq.From, pq.Before)
	rows, err := page(ctx, tx, q, order[provenanceRow]{
		id: "v.id", key: "v.recorded_at",
		of: func(r provenanceRow) int64 { return r.RecordedAt.UnixMicro() }, arg: instant,
	}, shapeOf("provenance", tx.tenant, f.Files.Actor().ID, pq), p, func(r provenanceRow) string { return string(r.ID) }, scanAll)
	return mapSlice(rows, provenanceRow.provenance), err
}

// ProvenanceAbout lists the evidence about any of a patient's documents, as far
// as the filters let it be read, the oldest first. What was written while a
// file stood in another chart is evidence about it, too.
func (tx *Tx) ProvenanceAbout(ctx context.Context, f DocumentFilters, patient clinical.PatientID, ids []string) ([]clinical.Provenance, error) {
	var moved bool
	if err := tx.queryRow(ctx, `SELECT EXISTS (SELECT FROM file f JOIN upload u ON u.tenant_id = f.tenant_id AND u.id = f.upload_id
		WHERE f.tenant_id = $1 AND f.id = ANY($2::uuid[]) AND u.patient_id <> f.patient_id)`,
		string(tx.tenant), onlyWellFormed(ids)).Scan(&moved); err != nil {
		return nil, err
	}
	var rows []provenanceRow
	q := tx.bun.NewSelect().Model(&rows).Where("v.tenant_id = ?", tx.tenant).Order("v.recorded_at", "v.id")
	if !moved {
		q.Where("v.patient_id = ANY(?::uuid[])", array(onlyWellFormed([]clinical.PatientID{patient})))
	}
	targeting(q, ids)
	if err := tx.allowTargets(q, f); err != nil {
		return nil, err
	}
	err := q.Scan(ctx)
	return mapAll(rows, provenanceRow.provenance), fail(err)
}

// targeting leaves the evidence about one of the things.
func targeting(q *bun.SelectQuery, ids []string) {
	q.Where("EXISTS (SELECT FROM jsonb_array_elements(v.targets) AS x WHERE x->>'id' = ANY(?::text[]))", array(ids))
}

// allowTargets leaves the evidence of which the filters let a target through.
func (tx *Tx) allowTargets(q *bun.SelectQuery, f DocumentFilters) error {
	const targets = "jsonb_array_elements(v.targets) AS x"
	files := tx.bun.NewSelect().ColumnExpr("1").TableExpr(targets).Join("JOIN file AS f ON f.tenant_id = v.tenant_id AND f.id = (x->>'id')::uuid")
	if err := allow(tx, files, f.Files, policy.File); err != nil {
		return err
	}
	notes := tx.bun.NewSelect().ColumnExpr("1").TableExpr(targets).Join("JOIN note AS n ON n.tenant_id = v.tenant_id AND n.id = (x->>'id')::uuid")
	if err := allow(tx, notes, f.Notes, policy.Note); err != nil {
		return err
	}
	q.Where("(EXISTS (?) OR EXISTS (?))", files, notes)
	return nil
}
