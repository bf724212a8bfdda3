package records_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/clinictest"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/records"
	"github.com/bonfiredb/bonfire/store"
)

// statements counts what a database is asked.
type statements struct {
	slog.Handler
	n atomic.Int64
}

func (s *statements) Enabled(context.Context, slog.Level) bool { return true }

func (s *statements) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "sql" {
		s.n.Add(1)
	}
	return nil
}

// counted is a clinic whose verbs' statements are counted.
func counted(t *testing.T) (clinic, *statements) {
	t.Helper()
	var count statements
	c := open(t)
	db, err := store.Open(t.Context(), c.Env.AppURL, store.Options{Log: slog.New(&count), Debug: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	now := time.Now()
	c.Clinic = clinictest.New(t, clinictest.Setup{Env: c.Env, Records: func(o *records.Options) {
		o.Store, o.Now = db, func() time.Time { return now }
	}})
	return c, &count
}

// write makes drafts in the chart of the first demo patient, past the verbs.
func (c clinic) write(n int) {
	c.t.Helper()
	by, sum := c.As("clinician"), sha256.Sum256([]byte("Well."))
	err := c.Store.InTx(c.t.Context(), by.Tenant, func(ctx context.Context, tx *store.Tx) error {
		for i := range n {
			at := time.Date(2026, 1, 1, 0, i, 0, 0, time.UTC)
			note := clinical.Note{
				ID: clinical.NewID[clinical.NoteID](at), Tenant: by.Tenant, Patient: demo.Patient, Encounter: demo.Encounter,
				Status: clinical.NoteDraft, Version: 1, Title: fmt.Sprint("Visit ", i), Text: "Well.", TextSHA256: sum[:],
				Author: by.ID, AuthorKind: by.Kind, CreatedAt: at, UpdatedAt: at,
			}
			if err := tx.InsertNote(ctx, note, by); err != nil {
				return err
			}
			if err := tx.AppendProvenance(ctx, clinical.Provenance{
				ID: clinical.NewID[clinical.ProvenanceID](at), Tenant: by.Tenant, Patient: demo.Patient, RecordedAt: at, Activity: clinical.ActivityDraft,
				Targets: []clinical.Ref{{Type: "DocumentReference", ID: string(note.ID), Version: 1}},
				Agents:  []clinical.ProvenanceAgent{{Type: "author", Actor: by.ID, ActorKind: by.Kind}},
			}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		c.t.Fatal(err)
	}
}

// TestBundlePagesTakeTheSameNumberOfStatements: however deep in the chart, and
// however large the page.
func TestBundlePagesTakeTheSameNumberOfStatements(t *testing.T) {
	c, count := counted(t)
	c.upload("clinician", intake(), pdf)
	c.write(600)
	actor := c.As("clinician")
	var want int64
	seen := map[string]bool{}
	evidence := 0
	for _, size := range []int{50, 300} {
		clear(seen)
		evidence = 0
		for after := ""; ; {
			before := count.n.Load()
			page, err := c.Records.Bundle(t.Context(), actor, demo.Patient, records.BundleQuery{
				Provenance: true, Page: clinical.Page{First: size, After: after},
			})
			if err != nil {
				t.Fatal(err)
			}
			if took := count.n.Load() - before; want == 0 {
				want = took // with the registry, which is remembered
				if want > 20 || want < 5 {
					t.Errorf("%d statements for the first page", took)
				}
			} else if took > want || took < want-4 {
				t.Errorf("a page of %d after %d took %d statements, the first %d", size, len(seen), took, want)
			}
			for _, d := range page.Documents {
				if id := d.Ref().ID; seen[id] {
					t.Errorf("%s is on two pages", id)
				} else {
					seen[id] = true
				}
			}
			evidence += len(page.Provenance)
			if page.Patient == nil || page.Clinic == "" || len(page.Principals) == 0 || len(page.Documents) > 1 && len(page.Encounters) != 1 {
				t.Error("a page lacks what it refers to")
			}
			if !page.HasNext {
				break
			}
			after = page.End
		}
		if len(seen) != 601 || evidence != 601 {
			t.Errorf("pages of %d: %d documents and %d entries of evidence, want 601 of each", size, len(seen), evidence)
		}
	}
}

func TestP4_BundleHoldsWhatItsReaderMaySee(t *testing.T) {
	c := open(t)
	f := c.upload("clinician", intake(), pdf)
	c.write(2)
	page, err := c.Records.Bundle(t.Context(), c.As("clinician"), demo.Patient, records.BundleQuery{Provenance: true, Page: clinical.Page{First: 10}})
	if err != nil || len(page.Documents) != 3 || len(page.Provenance) != 3 {
		t.Fatalf("%d documents, %d entries of evidence, %v", len(page.Documents), len(page.Provenance), err)
	}
	one, err := c.Records.Bundle(t.Context(), c.As("clinician"), demo.Patient, records.BundleQuery{Files: []clinical.FileID{f.ID}, Page: clinical.Page{First: 10}})
	if err != nil || len(one.Documents) != 1 || one.Documents[0].File == nil || one.Documents[0].File.ID != f.ID || one.Provenance != nil {
		t.Errorf("by id: %+v, %v", one.Documents, err)
	}
	later := time.Now().Add(time.Hour)
	none, err := c.Records.Bundle(t.Context(), c.As("clinician"), demo.Patient, records.BundleQuery{Since: &later, Page: clinical.Page{First: 10}})
	if err != nil || len(none.Documents) != 0 || none.Patient == nil {
		t.Errorf("since the future: %+v, %v", none.Documents, err)
	}
	for who, want := range map[string]clinical.Kind{
		"colleague": clinical.NotFound, "outsider": clinical.NotFound, "clerk": clinical.Forbidden, "auditor": clinical.Forbidden,
		"admin": clinical.Forbidden, "scribe": clinical.Forbidden, "pipeline": clinical.NotFound,
	} {
		_, err := c.Records.Bundle(t.Context(), c.As(who), demo.Patient, records.BundleQuery{Page: clinical.Page{First: 10}})
		if !clinical.Is(err, want) {
			t.Errorf("%s: %v, want %s", who, err, want)
		}
	}
	_, err = c.Records.Bundle(t.Context(), c.As("clinician"), demo.Patient, records.BundleQuery{AuditEvents: true, Page: clinical.Page{First: 10}})
	c.wantKind(err, clinical.Forbidden) // clinicians read no trail
	_, err = c.Records.Bundle(t.Context(), clinical.Actor{}, demo.Patient, records.BundleQuery{Page: clinical.Page{First: 10}})
	c.wantKind(err, clinical.Unauthenticated)
}

func TestP5_ExportsAndSearchesAreOnTheTrail(t *testing.T) {
	c := open(t)
	f := c.upload("clinician", intake(), pdf)
	page, err := c.Records.Bundle(t.Context(), c.As("clinician"), demo.Patient, records.BundleQuery{Page: clinical.Page{First: 10}})
	if err != nil {
		t.Fatal(err)
	}
	events := c.events("bundle")
	if len(events) != 1 || events[0].ID != page.Audit || events[0].Subtype != "export" || events[0].Patient != demo.Patient ||
		len(events[0].Entities) != 1 || events[0].Entities[0].ID != string(f.ID) || events[0].Detail["count"] != "1" {
		t.Errorf("events of the export: %+v", events)
	}
	search := records.DocumentSearch{Files: true, Notes: true, Patient: demo.Patient, Page: clinical.Page{First: 10}}
	for _, who := range []string{"clinician", "colleague", "outsider"} {
		found, err := c.Records.Documents(t.Context(), c.As(who), search)
		if who == "clinician" && (err != nil || len(found.Documents) != 1) || who != "clinician" && !clinical.Is(err, clinical.NotFound) {
			t.Errorf("%s: %+v, %v", who, found.Documents, err)
		}
	}
	events = c.events("documents")
	if len(events) != 2 || events[0].Outcome != clinical.Success || events[1].Outcome != clinical.MinorFailure || events[0].Patient != demo.Patient {
		t.Errorf("events of the searches: %+v", events)
	}
	search.Patient, search.IDs = "", []string{string(f.ID)}
	if found, err := c.Records.Documents(t.Context(), c.As("colleague"), search); err != nil || len(found.Documents) != 0 {
		t.Errorf("by the id of a hidden file: %+v, %v", found.Documents, err)
	}
	if found, err := c.Records.Documents(t.Context(), c.As("clinician"), search); err != nil || len(found.Documents) != 1 {
		t.Errorf("by id: %+v, %v", found.Documents, err)
	}
}

func TestP4_LooksAtHiddenAndMissingAreTheSame(t *testing.T) {
	c := open(t)
	f := c.upload("clinician", intake(), pdf)
	evidence, err := c.Records.FileProvenance(t.Context(), c.As("clinician"), f.ID)
	if err != nil || len(evidence) == 0 {
		t.Fatal(evidence, err)
	}
	ctx := t.Context()
	if p, err := c.Records.ProvenanceEntry(ctx, c.As("clinician"), evidence[0].ID); err != nil || p.ID != evidence[0].ID {
		t.Errorf("evidence: %+v, %v", p, err)
	}
	if doc, err := c.Records.Document(ctx, c.As("clinician"), string(f.ID)); err != nil || doc.Documents[0].File.ID != f.ID || doc.Principals[f.UploadedBy].ID == "" {
		t.Errorf("document: %+v, %v", doc, err)
	}
	for _, who := range []string{"colleague", "outsider"} {
		for _, id := range []string{string(f.ID), nobody, "", "x"} {
			_, err := c.Records.Document(ctx, c.As(who), id)
			c.wantKind(err, clinical.NotFound)
		}
		for _, id := range []clinical.ProvenanceID{evidence[0].ID, nobody, "", "x"} {
			_, err := c.Records.ProvenanceEntry(ctx, c.As(who), id)
			c.wantKind(err, clinical.NotFound)
		}
	}
	if name, err := c.Records.Organization(ctx, c.As("clinician"), demo.Harbor); err != nil || !strings.Contains(name, "Harbor") {
		t.Errorf("clinic: %q, %v", name, err)
	}
	_, err = c.Records.Organization(ctx, c.As("clinician"), demo.Lakeside)
	c.wantKind(err, clinical.NotFound)
	if a, err := c.Records.Principal(ctx, c.As("clerk"), f.UploadedBy); err != nil || a.ID != f.UploadedBy {
		t.Errorf("principal: %+v, %v", a, err)
	}
	_, err = c.Records.Principal(ctx, c.As("outsider"), f.UploadedBy)
	c.wantKind(err, clinical.NotFound)
}

func TestP4_EvidenceIsFoundByThoseWhoMayReadItsTarget(t *testing.T) {
	c := open(t)
	c.upload("clinician", intake(), pdf)
	search := records.ProvenanceSearch{Patient: demo.Patient, Page: clinical.Page{First: 10}}
	for who, want := range map[string]int{"clinician": 1, "colleague": 0, "outsider": 0} {
		found, err := c.Records.Provenances(t.Context(), c.As(who), search)
		if err != nil && !clinical.Is(err, clinical.NotFound) || len(found.Provenance) != want || want > 0 && err != nil {
			t.Errorf("%s: found %d, want %d (%v)", who, len(found.Provenance), want, err)
		}
	}
	if n := len(c.events("provenances")); n != 2 { // the outsider's is on the other clinic's trail
		t.Errorf("%d events, want 2", n)
	}
}
