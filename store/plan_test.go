package store

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/uptrace/bun"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

// overheard keeps the text of the last query that was run.
type overheard struct {
	sync.Mutex
	last string
}

func (o *overheard) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }

func (o *overheard) AfterQuery(_ context.Context, e *bun.QueryEvent) {
	o.Lock()
	defer o.Unlock()
	o.last = e.Query
}

// Behind row-level security only an index on leakproof comparisons is of use: the
// plan is asked of the role that the server works as. Everything but an index is
// made dear, so that a plan without one means that there is none.
func TestListsAreReadFromAnIndexBehindTheWall(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	f := h.furnish(north)
	doctor := h.clinician(north, f.Patient)
	files, notes := h.filter(doctor, policy.ListFiles, policy.File), h.filter(doctor, policy.ListNotes, policy.Note)
	where := DocumentFilters{Files: h.filter(doctor, policy.ReadProvenance, policy.File), Notes: h.filter(doctor, policy.ReadProvenance, policy.Note)}
	d := h.decide(doctor, policy.ReadFile, policy.OfFile(f, clinical.ScanNone, nil))
	page := clinical.Page{First: 25}
	heard := &overheard{}
	h.db.bun = h.db.bun.WithQueryHook(heard)
	for name, c := range map[string]struct {
		run   func(ctx context.Context, tx *Tx) error
		index string
		sorts bool
	}{
		"files of all": {run: func(ctx context.Context, tx *Tx) error {
			_, err := tx.Files(ctx, files, FileQuery{Descending: true}, page)
			return err
		}, index: "file_order"},
		"notes of all": {run: func(ctx context.Context, tx *Tx) error {
			_, err := tx.Notes(ctx, notes, NoteQuery{}, page)
			return err
		}, index: "note_order"},
		"notes from a file": {run: func(ctx context.Context, tx *Tx) error {
			_, err := tx.Notes(ctx, notes, NoteQuery{FromFile: f.ID}, page)
			return err
		}, index: "note_source_pkey", sorts: true},
		"evidence about a file": {run: func(ctx context.Context, tx *Tx) error {
			_, err := tx.ProvenanceOf(ctx, d)
			return err
		}, index: "provenance_target_pkey", sorts: true},
		"evidence about a chart's files": {run: func(ctx context.Context, tx *Tx) error {
			_, err := tx.ProvenanceAbout(ctx, where, []string{string(f.ID), string(f.Upload)})
			return err
		}, index: "provenance_target_pkey", sorts: true},
	} {
		h.in(north, func(ctx context.Context, tx *Tx) error {
			check(t, c.run(ctx, tx))
			plan := tx.plan(ctx, t, heard.last)
			if !strings.Contains(plan, "using "+c.index+" ") || strings.Contains(plan, "Seq Scan") || !c.sorts && strings.Contains(plan, "Sort") {
				t.Errorf("%s: not from the index %s:\n%s", name, c.index, plan)
			}
			if strings.Contains(plan, "(SubPlan ") {
				t.Errorf("%s: asks again for every row:\n%s", name, plan)
			}
			return nil
		})
	}
}

// plan is how the database would go about a query if it had no other means than an index.
func (tx *Tx) plan(ctx context.Context, t *testing.T, query string) string {
	t.Helper()
	for _, off := range []string{"enable_seqscan", "enable_bitmapscan", "enable_hashjoin", "enable_mergejoin"} {
		_, err := tx.exec(ctx, "SET LOCAL "+off+" = off")
		check(t, err)
	}
	rows, err := tx.query(ctx, "EXPLAIN (COSTS OFF) "+query)
	check(t, err)
	defer func() { _ = rows.Close() }()
	var plan strings.Builder
	for rows.Next() {
		var line string
		check(t, rows.Scan(&line))
		plan.WriteString(line + "\n")
	}
	check(t, rows.Err())
	return plan.String()
}
