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
	mayRefer(q, "v.patient_id", pq.Patient)
	refersToOneOf(q, "v.id", pq.IDs)
	if pq.Target != "" {
		tx.targeting(q, []string{pq.Target})
	}
	within(q, "v.recorded_at", pq.From, pq.Before)
	rows, err := page(ctx, tx, q, order[provenanceRow]{
		id: "v.id", key: "v.recorded_at",
		of: func(r provenanceRow) int64 { return r.RecordedAt.UnixMicro() }, arg: instant,
	}, shapeOf("provenance", tx.tenant, f.Files.Actor().ID, pq), p, func(r provenanceRow) string { return string(r.ID) }, scanAll)
	return mapSlice(rows, provenanceRow.provenance), err
}

// ProvenanceAbout lists the evidence about any of the documents, as far as the
// filters let it be read, the oldest first: what was written while a file stood
// in another chart, too.
func (tx *Tx) ProvenanceAbout(ctx context.Context, f DocumentFilters, ids []string) ([]clinical.Provenance, error) {
	var rows []provenanceRow
	q := tx.bun.NewSelect().Model(&rows).Where("v.tenant_id = ?", tx.tenant).Order("v.recorded_at", "v.id")
	tx.targeting(q, ids)
	if err := tx.allowTargets(q, f); err != nil {
		return nil, err
	}
	err := q.Scan(ctx)
	return mapAll(rows, provenanceRow.provenance), fail(err)
}

// targeting leaves the evidence about one of the things. What is inside refers to
// nothing outside of it, so that it is asked once and not for every row.
func (tx *Tx) targeting(q *bun.SelectQuery, ids []string) {
	about := q.NewSelect().ColumnExpr("x.provenance_id").TableExpr("provenance_target AS x").Where("x.tenant_id = ?", tx.tenant)
	about.Where("x.target_id = ANY(?::uuid[])", array(onlyWellFormed(ids)))
	q.Where("v.id IN (?)", about)
}

// allowTargets leaves the evidence of which the filters let a target through.
func (tx *Tx) allowTargets(q *bun.SelectQuery, f DocumentFilters) error {
	targets := func() *bun.SelectQuery {
		return tx.bun.NewSelect().ColumnExpr("1").TableExpr("provenance_target AS x").Where("x.tenant_id = v.tenant_id AND x.provenance_id = v.id")
	}
	files := targets().Join("JOIN file AS f ON f.tenant_id = x.tenant_id AND f.id = x.target_id")
	if err := allow(tx, files, f.Files, policy.File); err != nil {
		return err
	}
	notes := targets().Join("JOIN note AS n ON n.tenant_id = x.tenant_id AND n.id = x.target_id")
	if err := allow(tx, notes, f.Notes, policy.Note); err != nil {
		return err
	}
	q.Where("(EXISTS (?) OR EXISTS (?))", files, notes)
	return nil
}
