package records

import (
	"context"
	"net/url"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
	"github.com/bonfiredb/bonfire/store"
)

// Within is a span of time, its beginning included and its end not; nil is open.
type Within struct{ From, Before *time.Time }

// After moves the beginning forward to the instant, unless it is later already.
func (w *Within) After(t time.Time) {
	if w.From == nil || w.From.Before(t) {
		w.From = &t
	}
}

// Until moves the end back to the instant, unless it is earlier already.
func (w *Within) Until(t time.Time) {
	if w.Before == nil || w.Before.After(t) {
		w.Before = &t
	}
}

// DocumentSearch narrows a list of files and notes together; every condition is
// ANDed inside the policy.
type DocumentSearch struct {
	Patient   clinical.PatientID
	Encounter clinical.EncounterID
	IDs       []string
	// Files and Notes say which sorts are wanted at all.
	Files, Notes  bool
	ResourceTypes []clinical.ResourceType // of files; empty: all
	Kinds         []string                // of files; empty: all
	Shelves       *store.Shelves          // of files; nil: all
	// Captured is of files only: no note is captured.
	Created, Captured, Updated Within
	WithTotal                  bool
	Page                       clinical.Page
	// Asked is the search in ids and codes, as the audit trail keeps it.
	Asked url.Values
}

// Found is a page of what a search found, with what it takes to show it.
type Found struct {
	clinical.Chart
	HasNext bool
	End     string // the cursor of the last of them; "" without any
	Total   int    // -1 when it was not asked for
}

// Documents searches files and notes, the oldest first. NotFound when the
// patient that is asked for is hidden or missing.
func (r *Records) Documents(ctx context.Context, actor clinical.Actor, q DocumentSearch) (out Found, err error) {
	kinds, err := r.registry(ctx, actor)
	if err != nil {
		return out, err
	}
	err = r.act(ctx, actor, "documents", func(ctx context.Context, c *call) error {
		f, err := c.documentFilters(ctx, policy.ListFiles, policy.ListNotes)
		if err != nil {
			return err
		}
		page, err := c.Tx.Documents(ctx, f, q.narrow(), q.Page)
		if err != nil {
			return err
		}
		out = Found{Chart: clinical.Chart{At: c.now, Tenant: actor.Tenant, Documents: standing(page.Items)}, HasNext: page.HasNext, Total: page.Total}
		if n := len(page.Cursors); n > 0 {
			out.End = page.Cursors[n-1]
		}
		if err := c.auditFound(ctx, f.Files, q.Patient, out.charts(), "Document?"+q.Asked.Encode()); err != nil {
			return err
		}
		return c.show(ctx, kinds, &out.Chart)
	})
	return out, err
}

// narrow is the search as the store knows it.
func (q DocumentSearch) narrow() store.DocumentQuery {
	out := store.DocumentQuery{WithTotal: q.WithTotal}
	if q.Files {
		out.Files = &store.FileQuery{
			Patient: q.Patient, Encounter: q.Encounter, IDs: as[clinical.FileID](q.IDs), ResourceTypes: q.ResourceTypes,
			Kinds: q.Kinds, Shelves: q.Shelves, CreatedFrom: q.Created.From, CreatedBefore: q.Created.Before,
			CapturedFrom: q.Captured.From, CapturedBefore: q.Captured.Before, UpdatedFrom: q.Updated.From, UpdatedBefore: q.Updated.Before,
		}
	}
	if q.Notes {
		out.Notes = &store.NoteQuery{
			Patient: q.Patient, Encounter: q.Encounter, IDs: as[clinical.NoteID](q.IDs), CreatedFrom: q.Created.From,
			CreatedBefore: q.Created.Before, UpdatedFrom: q.Updated.From, UpdatedBefore: q.Updated.Before,
		}
	}
	return out
}

func as[ID ~string](ids []string) []ID {
	out := make([]ID, len(ids))
	for i, id := range ids {
		out[i] = ID(id)
	}
	return out
}

// charts are the patients whose charts were looked into, each once.
func (f Found) charts() []clinical.PatientID {
	seen := map[clinical.PatientID]bool{}
	var out []clinical.PatientID
	add := func(id clinical.PatientID) {
		if !seen[id] {
			seen[id], out = true, append(out, id)
		}
	}
	for _, d := range f.Documents {
		if d.File != nil {
			add(d.File.Patient)
		} else {
			add(d.Note.Patient)
		}
	}
	for _, p := range f.Provenance {
		add(p.Patient)
	}
	return out
}

// auditFound writes the events of a search: one for each chart that it looked
// into. A search of one chart that found nothing is for those only who may know
// of the patient.
func (c *call) auditFound(ctx context.Context, f policy.Filter, patient clinical.PatientID, charts []clinical.PatientID, query string) error {
	if patient != "" && len(charts) == 0 {
		if _, err := c.patient(ctx, policy.ReadPatient, patient); err != nil {
			return err
		}
		charts = []clinical.PatientID{patient}
	}
	if len(charts) == 0 {
		return c.auditList(ctx, f, "", query)
	}
	for _, id := range charts {
		if err := c.auditList(ctx, f, id, query); err != nil {
			return err
		}
	}
	return nil
}

// ProvenanceSearch narrows a list of evidence.
type ProvenanceSearch struct {
	Patient  clinical.PatientID
	Target   string // the id of a file or note
	IDs      []string
	Recorded Within
	Page     clinical.Page
	Asked    url.Values // the search in ids and codes, as the audit trail keeps it
}

// Provenances searches the evidence, the oldest first. NotFound when the patient
// that is asked for is hidden or missing.
func (r *Records) Provenances(ctx context.Context, actor clinical.Actor, q ProvenanceSearch) (out Found, err error) {
	err = r.act(ctx, actor, "provenances", func(ctx context.Context, c *call) error {
		f, err := c.documentFilters(ctx, policy.ReadProvenance, policy.ReadProvenance)
		if err != nil {
			return err
		}
		page, err := c.Tx.Provenances(ctx, f, store.ProvenanceQuery{
			Patient: q.Patient, Target: q.Target, IDs: as[clinical.ProvenanceID](q.IDs), From: q.Recorded.From, Before: q.Recorded.Before,
		}, q.Page)
		if err != nil {
			return err
		}
		out = Found{Chart: clinical.Chart{At: c.now, Tenant: actor.Tenant, Provenance: page.Items}, HasNext: page.HasNext, Total: -1}
		if n := len(page.Cursors); n > 0 {
			out.End = page.Cursors[n-1]
		}
		return c.auditFound(ctx, f.Files, q.Patient, out.charts(), "Provenance?"+q.Asked.Encode())
	})
	return out, err
}
