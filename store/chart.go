package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

// DocumentQuery is what a caller looks for among files and notes together. A
// part that is nil leaves its sort out; both nil is an empty list. Orders are
// the list's own: the oldest first.
type DocumentQuery struct {
	Files *FileQuery
	Notes *NoteQuery
	// WithTotal counts the whole list, too.
	WithTotal bool
}

// DocumentFilters are the receipts for a list of files and notes.
type DocumentFilters struct{ Files, Notes policy.Filter }

// documentRow is a place in the list.
type documentRow struct {
	ID     string    `bun:"id"`
	At     time.Time `bun:"at"`
	IsNote bool      `bun:"is_note"`
}

// Documents lists the files and notes that the filters let through and the query
// asks for, the oldest first: three statements, whatever the size of the chart.
func (tx *Tx) Documents(ctx context.Context, f DocumentFilters, dq DocumentQuery, p clinical.Page) (clinical.Slice[clinical.Document], error) {
	none := clinical.Slice[clinical.Document]{Total: -1}
	parts, err := tx.documentParts(f, dq)
	if err != nil {
		return none, err
	}
	q := tx.bun.NewSelect().TableExpr("(?) AS d", parts)
	total := int64(-1)
	if dq.WithTotal {
		if total, err = q.Clone().Count(ctx); err != nil {
			return none, fail(err)
		}
		dq.WithTotal = false // makes no other list
	}
	rows, err := page(ctx, tx, q.ColumnExpr("d.id, d.at, d.is_note"), order[documentRow]{
		id: "d.id", key: "d.at", of: func(r documentRow) int64 { return r.At.UnixMicro() }, arg: instant,
	}, shapeOf("documents", tx.tenant, f.Files.Actor().ID, dq), p, func(r documentRow) string { return r.ID }, scanAll)
	if err != nil {
		return none, err
	}
	out := mapSlice(rows, func(documentRow) clinical.Document { return clinical.Document{} })
	out.Total = int(total)
	return out, tx.fetchDocuments(ctx, f, rows.Items, out.Items)
}

// documentParts selects the places of both sorts.
func (tx *Tx) documentParts(f DocumentFilters, dq DocumentQuery) (*bun.SelectQuery, error) {
	files := tx.bun.NewSelect().Model((*fileRow)(nil)).ColumnExpr("f.id, f.created_at AS at, false AS is_note").Where("f.tenant_id = ?", tx.tenant)
	if err := allow(tx, files, f.Files, policy.File); err != nil {
		return nil, err
	}
	notes := tx.bun.NewSelect().Model((*noteRow)(nil)).ColumnExpr("n.id, n.created_at AS at, true AS is_note").Where("n.tenant_id = ?", tx.tenant)
	if err := allow(tx, notes, f.Notes, policy.Note); err != nil {
		return nil, err
	}
	if dq.Files != nil {
		dq.Files.narrow(files)
	} else {
		files.Where("FALSE")
	}
	if dq.Notes != nil {
		dq.Notes.narrow(notes)
	} else {
		notes.Where("FALSE")
	}
	return files.UnionAll(notes), nil
}

// fetchDocuments fills in what is at the places. All of it is of one
// transaction's view only where the caller's is: a row that left in between
// leaves an empty Document, which is taken out.
func (tx *Tx) fetchDocuments(ctx context.Context, f DocumentFilters, places []documentRow, out []clinical.Document) error {
	var fileIDs []clinical.FileID
	var noteIDs []clinical.NoteID
	at := make(map[string]int, len(places))
	for i, p := range places {
		at[p.ID] = i
		if p.IsNote {
			noteIDs = append(noteIDs, clinical.NoteID(p.ID))
		} else {
			fileIDs = append(fileIDs, clinical.FileID(p.ID))
		}
	}
	files, err := tx.FilesByIDs(ctx, f.Files, fileIDs)
	if err != nil {
		return err
	}
	notes, err := tx.NotesByIDs(ctx, f.Notes, noteIDs)
	if err != nil {
		return err
	}
	for i := range files {
		out[at[string(files[i].ID)]].File = &files[i]
	}
	for i := range notes {
		out[at[string(notes[i].ID)]].Note = &notes[i]
	}
	return nil
}

// EncountersByIDs reads those of the visits that the filter lets through, in
// the order of their ids.
func (tx *Tx) EncountersByIDs(ctx context.Context, f policy.Filter, ids []clinical.EncounterID) ([]clinical.Encounter, error) {
	var rows []encounterRow
	q := tx.bun.NewSelect().Model(&rows).Where("e.tenant_id = ? AND e.id = ANY(?::uuid[])", tx.tenant, array(onlyWellFormed(ids))).Order("e.id")
	if err := allow(tx, q, f, policy.Encounter); err != nil {
		return nil, err
	}
	err := q.Scan(ctx)
	return mapAll(rows, encounterRow.encounter), fail(err)
}

// EventsTouching lists the newest 1,000 of the patient's audit events that the
// filter lets through and that touched one of the things given.
func (tx *Tx) EventsTouching(ctx context.Context, f policy.Filter, patient clinical.PatientID, ids []string) ([]clinical.AuditEvent, error) {
	var rows []auditRow
	q := tx.events().Model(&rows).
		Where("EXISTS (SELECT FROM jsonb_array_elements(a.entities) AS x WHERE x->>'id' = ANY(?::text[]))", array(ids)).
		OrderExpr("a.recorded_at DESC, a.id DESC").Limit(1000)
	refers(q, "a.patient_id", patient)
	if err := allow(tx, q, f, policy.AuditLog); err != nil {
		return nil, err
	}
	err := q.Scan(ctx)
	return mapAll(rows, auditRow.event), fail(err)
}
