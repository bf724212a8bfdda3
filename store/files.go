package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

// FileOrder is what files are sorted by; the id breaks ties.
type FileOrder string

// The orders. Titles are compared without regard to case, by code point.
const (
	ByCreatedAt FileOrder = "created_at"
	ByTitle     FileOrder = "title"
	BySize      FileOrder = "size"
)

// FileQuery is what a caller looks for among the files they may see: every
// condition that is set must hold. An empty list is no condition.
type FileQuery struct {
	Patient           clinical.PatientID
	IDs               []clinical.FileID
	Kinds             []string
	Categories        []string
	Statuses          []clinical.FileStatus
	ResourceTypes     []clinical.ResourceType
	Encounter         clinical.EncounterID
	SourceOf          clinical.NoteID // whoever asks may see that note
	ContentTypePrefix string
	CreatedFrom       *time.Time // inclusive
	CreatedBefore     *time.Time // exclusive
	UpdatedFrom       *time.Time // inclusive
	UpdatedBefore     *time.Time // exclusive
	CapturedFrom      *time.Time // inclusive
	CapturedBefore    *time.Time // exclusive
	CareFrom          *time.Time // inclusive; when it was captured, or else created
	CareBefore        *time.Time // exclusive
	Shelves           *Shelves
	Text              string    // PHI: part of the title, without regard to case
	OrderBy           FileOrder // "" is ByCreatedAt
	Descending        bool
	// WithTotal counts the whole list, too.
	WithTotal bool
}

// Shelves are the places that files are looked for in: kinds with categories,
// pair by pair, and the categories for files of a kind that is not Known.
type Shelves struct {
	Kinds, Categories []string // of the same length
	Known             []string
	Others            []string
}

var fileOrders = map[FileOrder]order[fileRow]{
	ByCreatedAt: {
		id: "f.id", key: "f.created_at",
		of: func(r fileRow) int64 { return r.CreatedAt.UnixMicro() }, arg: instant,
	},
	BySize: {
		id: "f.id", key: "f.size",
		of: func(r fileRow) int64 { return r.Size }, arg: count,
	},
	ByTitle: { // a title is patient data and stays out of cursors
		id: "f.id", key: `lower(f.title) COLLATE "C"`,
		lookup: `SELECT lower(c.title) COLLATE "C", c.id FROM file AS c WHERE c.tenant_id = ? AND c.id = ?::uuid`,
	},
}

// Files lists the files that the filter lets through and the query asks for.
// The filter holds on every page and in the total.
func (tx *Tx) Files(ctx context.Context, f policy.Filter, fq FileQuery, p clinical.Page) (clinical.Slice[clinical.File], error) {
	none := clinical.Slice[clinical.File]{Total: -1}
	if fq.OrderBy == "" {
		fq.OrderBy = ByCreatedAt
	}
	o, ok := fileOrders[fq.OrderBy]
	if !ok {
		return none, clinical.Bad("orderBy", "unknown order")
	}
	o.desc = fq.Descending
	q := tx.bun.NewSelect().Model((*fileRow)(nil)).Where("f.tenant_id = ?", tx.tenant)
	if err := allow(tx, q, f, policy.File); err != nil {
		return none, err
	}
	fq.narrow(q)
	total := int64(-1)
	if fq.WithTotal {
		var err error
		if total, err = q.Clone().Count(ctx); err != nil {
			return none, fail(err)
		}
		fq.WithTotal = false // makes no other list
	}
	rows, err := page(ctx, tx, q, o, shapeOf("files", tx.tenant, f.Actor().ID, fq), p,
		func(r fileRow) string { return string(r.ID) }, scanAll)
	out := mapSlice(rows, fileRow.file)
	out.Total = int(total)
	return out, err
}

// FilesByIDs reads those of the files that the filter lets through, in no
// particular order.
func (tx *Tx) FilesByIDs(ctx context.Context, f policy.Filter, ids []clinical.FileID) ([]clinical.File, error) {
	var rows []fileRow
	q := tx.bun.NewSelect().Model(&rows).Where("f.tenant_id = ? AND f.id = ANY(?::uuid[])", tx.tenant, array(onlyWellFormed(ids)))
	if err := allow(tx, q, f, policy.File); err != nil {
		return nil, err
	}
	err := q.Scan(ctx)
	return mapAll(rows, fileRow.file), fail(err)
}

// narrow ANDs the caller's conditions. An id that is none matches nothing.
func (fq FileQuery) narrow(q *bun.SelectQuery) {
	mayRefer(q, "f.patient_id", fq.Patient)
	mayRefer(q, "f.encounter_id", fq.Encounter)
	refersToOneOf(q, "f.id", fq.IDs)
	if fq.SourceOf != "" {
		sources := q.NewSelect().ColumnExpr("s.tenant_id, s.source_id").TableExpr("note_source AS s")
		refers(sources, "s.note_id", fq.SourceOf)
		q.Where("(f.tenant_id, f.id) IN (?)", sources)
	}
	isOneOf(q, "f.kind", fq.Kinds)
	isOneOf(q, "f.category", fq.Categories)
	isOneOf(q, "f.status", fq.Statuses)
	isOneOf(q, "f.resource_type", fq.ResourceTypes)
	if fq.ContentTypePrefix != "" {
		q.Where("starts_with(f.content_type, ?)", fq.ContentTypePrefix)
	}
	within(q, "f.created_at", fq.CreatedFrom, fq.CreatedBefore)
	within(q, "f.updated_at", fq.UpdatedFrom, fq.UpdatedBefore)
	within(q, "f.captured_at", fq.CapturedFrom, fq.CapturedBefore)
	within(q, "coalesce(f.captured_at, f.created_at)", fq.CareFrom, fq.CareBefore)
	if s := fq.Shelves; s != nil {
		q.Where(`((f.kind, f.category) IN (SELECT * FROM unnest(?::text[], ?::text[])) OR f.category = ANY(?::text[]) AND f.kind <> ALL(?::text[]))`,
			array(s.Kinds), array(s.Categories), array(s.Others), array(s.Known))
	}
	if fq.Text != "" {
		q.Where("f.title ILIKE ?", containing(fq.Text))
	}
}

// within restricts an instant to [from, before), where they are given.
func within(q *bun.SelectQuery, column string, from, before *time.Time) {
	if from != nil {
		q.Where("? >= ?", bun.Safe(column), *from)
	}
	if before != nil {
		q.Where("? < ?", bun.Safe(column), *before)
	}
}
