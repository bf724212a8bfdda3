package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

// NoteQuery is what a caller looks for among the notes they may see: every
// condition that is set must hold.
type NoteQuery struct {
	Patient   clinical.PatientID
	IDs       []clinical.NoteID
	Statuses  []clinical.NoteStatus
	Encounter clinical.EncounterID
	FromFile  clinical.FileID // one of its sources
	FromNote  clinical.NoteID // one of its sources
	// The instants are inclusive From and exclusive Before.
	CreatedFrom, CreatedBefore *time.Time
	UpdatedFrom, UpdatedBefore *time.Time
	// Ascending lists the oldest first; otherwise the newest come first.
	Ascending bool
}

// Notes lists the notes that the filter lets through and the query asks for.
func (tx *Tx) Notes(ctx context.Context, f policy.Filter, nq NoteQuery, p clinical.Page) (clinical.Slice[clinical.Note], error) {
	q := tx.bun.NewSelect().Model((*noteRow)(nil)).Where("n.tenant_id = ?", tx.tenant)
	if err := allow(tx, q, f, policy.Note); err != nil {
		return clinical.Slice[clinical.Note]{Total: -1}, err
	}
	nq.narrow(q)
	rows, err := page(ctx, tx, q, order[noteRow]{
		id: "n.id", key: "n.created_at", desc: !nq.Ascending,
		of: func(r noteRow) int64 { return r.CreatedAt.UnixMicro() }, arg: instant,
	}, shapeOf("notes", tx.tenant, f.Actor().ID, nq), p, func(r noteRow) string { return string(r.ID) }, scanAll)
	return mapSlice(rows, noteRow.note), err
}

// NotesByIDs reads those of the notes that the filter lets through, in no
// particular order.
func (tx *Tx) NotesByIDs(ctx context.Context, f policy.Filter, ids []clinical.NoteID) ([]clinical.Note, error) {
	var rows []noteRow
	q := tx.bun.NewSelect().Model(&rows).Where("n.tenant_id = ? AND n.id = ANY(?::uuid[])", tx.tenant, array(onlyWellFormed(ids)))
	if err := allow(tx, q, f, policy.Note); err != nil {
		return nil, err
	}
	err := q.Scan(ctx)
	return mapAll(rows, noteRow.note), fail(err)
}

// narrow ANDs the caller's conditions. An id that is none matches nothing.
func (nq NoteQuery) narrow(q *bun.SelectQuery) {
	mayRefer(q, "n.patient_id", nq.Patient)
	mayRefer(q, "n.encounter_id", nq.Encounter)
	refersToOneOf(q, "n.id", nq.IDs)
	isOneOf(q, "n.status", nq.Statuses)
	for _, source := range []string{string(nq.FromFile), string(nq.FromNote)} {
		if source != "" {
			from := q.NewSelect().ColumnExpr("s.tenant_id, s.note_id").TableExpr("note_source AS s")
			refers(from, "s.source_id", source)
			q.Where("(n.tenant_id, n.id) IN (?)", from)
		}
	}
	within(q, "n.created_at", nq.CreatedFrom, nq.CreatedBefore)
	within(q, "n.updated_at", nq.UpdatedFrom, nq.UpdatedBefore)
}
