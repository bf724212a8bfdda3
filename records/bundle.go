package records

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
	"github.com/bonfiredb/bonfire/store"
)

// BundleQuery is what is exported of a chart.
type BundleQuery struct {
	// Files and Notes name what is wanted; both empty: everything.
	Files []clinical.FileID
	Notes []clinical.NoteID
	// ResourceTypes are those of the files and notes wanted; nil: all, empty: none.
	ResourceTypes []clinical.ResourceType
	// Since leaves what has not changed since.
	Since *time.Time
	// Care is when files were captured, or else created, and notes begun.
	Care       Within
	Provenance bool
	// AuditEvents adds those events of the trail that touched the documents; it is
	// for those who may read the trail, too.
	AuditEvents bool
	Page        clinical.Page // of files and notes; the rest comes with them
}

// BundlePage is one page of an export. It brings whatever its documents refer
// to but other documents, so that it can be understood by itself.
type BundlePage struct {
	clinical.Chart
	HasNext, HasPrev bool
	Start, End       string // the cursors of the first and last document; "" without any
	Audit            clinical.AuditEventID
}

// Bundle exports a page of a patient's chart, the oldest first: only what the
// actor may read one by one, in a number of statements that does not grow with
// the chart. The event names every document of the page. NotFound when the
// patient is hidden or missing, Forbidden to those who may not export.
func (r *Records) Bundle(ctx context.Context, actor clinical.Actor, patient clinical.PatientID, q BundleQuery) (out BundlePage, err error) {
	kinds, err := r.registry(ctx, actor)
	if err != nil {
		return out, err
	}
	err = r.act(ctx, actor, "bundle", func(ctx context.Context, c *call) error {
		d, err := c.mayExport(ctx, patient, &out)
		if err != nil {
			return onField("patientId", err)
		}
		if err := c.exported(ctx, patient, q, &out); err != nil {
			return err
		}
		if err := c.show(ctx, kinds, &out.Chart); err != nil {
			return err
		}
		refs := make([]clinical.Ref, len(out.Documents))
		for i, doc := range out.Documents {
			refs[i] = doc.Ref()
		}
		out.Audit, err = c.audit(ctx, d, touched(refs...), detail("count", strconv.Itoa(len(refs))))
		return err
	})
	return out, err
}

// mayExport decides on the export, and opens the chart's front page for it.
func (c *call) mayExport(ctx context.Context, patient clinical.PatientID, out *BundlePage) (d policy.Decision, err error) {
	res, err := subject(ctx, c, policy.Patient, patient, c.PatientSubject)
	if err != nil {
		return d, err
	}
	bundle := policy.OfBundle(clinical.Patient{ID: patient, Tenant: res.Tenant}, res.CareGroups)
	if d, err = c.permit(ctx, policy.ExportBundle, bundle); err != nil {
		return d, err
	}
	look, err := c.permit(ctx, policy.ReadPatient, res)
	if err != nil {
		return d, err
	}
	front, err := c.Tx.Patient(ctx, look)
	out.Chart = clinical.Chart{At: c.now, Tenant: c.actor.Tenant, Patient: &front}
	return d, err
}

// exported reads the page: documents, and what is asked for about them.
func (c *call) exported(ctx context.Context, patient clinical.PatientID, q BundleQuery, out *BundlePage) error {
	f, err := c.documentFilters(ctx, policy.ListFiles, policy.ListNotes)
	if err != nil {
		return err
	}
	page, err := c.Tx.Documents(ctx, f, q.narrow(patient), q.Page)
	if err != nil {
		return err
	}
	out.Documents, out.HasNext, out.HasPrev = standing(page.Items), page.HasNext, page.HasPrev
	if n := len(page.Cursors); n > 0 {
		out.Start, out.End = page.Cursors[0], page.Cursors[n-1]
	}
	ids := make([]string, len(out.Documents))
	for i, d := range out.Documents {
		ids[i] = d.Ref().ID
	}
	if q.Provenance && len(ids) > 0 {
		if f, err = c.documentFilters(ctx, policy.ReadProvenance, policy.ReadProvenance); err != nil {
			return err
		}
		if out.Provenance, err = c.ProvenanceAbout(ctx, f, ids); err != nil {
			return err
		}
	}
	if q.AuditEvents {
		trail, err := c.trail(ctx, patient)
		if err != nil {
			return onField("filter.includeAuditEvents", err)
		}
		out.Events, err = c.EventsTouching(ctx, trail, patient, ids)
		return err
	}
	return nil
}

// narrow is the query as the store knows it.
func (q BundleQuery) narrow(patient clinical.PatientID) store.DocumentQuery {
	out := store.DocumentQuery{}
	everything := len(q.Files)+len(q.Notes) == 0
	of := func(t clinical.ResourceType) bool {
		return q.ResourceTypes == nil || slices.Contains(q.ResourceTypes, t)
	}
	if (everything || len(q.Files) > 0) && (q.ResourceTypes == nil || len(q.ResourceTypes) > 0) {
		out.Files = &store.FileQuery{
			Patient: patient, IDs: q.Files, ResourceTypes: q.ResourceTypes, UpdatedFrom: q.Since, CareFrom: q.Care.From, CareBefore: q.Care.Before,
		}
	}
	if (everything || len(q.Notes) > 0) && of(clinical.DocumentReference) {
		out.Notes = &store.NoteQuery{
			Patient: patient, IDs: q.Notes, UpdatedFrom: q.Since, CreatedFrom: q.Care.From, CreatedBefore: q.Care.Before,
		}
	}
	return out
}

// documentFilters are the filters of a list of both files and notes.
func (c *call) documentFilters(ctx context.Context, ofFiles, ofNotes policy.Action) (f store.DocumentFilters, err error) {
	if f.Files, err = c.r.Gate.Filter(ctx, c.actor, ofFiles, policy.File, c.now); err != nil {
		return f, err
	}
	f.Notes, err = c.r.Gate.Filter(ctx, c.actor, ofNotes, policy.Note, c.now)
	return f, err
}

// standing leaves out what was taken away while the page was read.
func standing(in []clinical.Document) []clinical.Document {
	return slices.DeleteFunc(in, func(d clinical.Document) bool { return d.File == nil && d.Note == nil })
}

// show adds what it takes to show a chart: the clinic, its kinds, the visits and
// the principals that are referred to.
func (c *call) show(ctx context.Context, kinds registry, chart *clinical.Chart) error {
	clinic, err := c.Clinic(ctx)
	if err != nil {
		return err
	}
	chart.Clinic, chart.Kinds = clinic.Display, map[string]clinical.FileKind{}
	var visits []clinical.EncounterID
	people := map[clinical.ActorID]bool{}
	for _, d := range chart.Documents {
		if f := d.File; f != nil {
			if k, ok := kinds.everKnown(f.Kind); ok {
				chart.Kinds[f.Kind] = k
			}
			visits, people[f.UploadedBy] = append(visits, f.Encounter), true
		}
		if n := d.Note; n != nil {
			visits, people[n.Author], people[n.Signer] = append(visits, n.Encounter), true, true
		}
	}
	for _, p := range chart.Provenance {
		for _, a := range p.Agents {
			people[a.Actor], people[a.OnBehalfOf] = true, true
		}
	}
	for _, e := range chart.Events {
		people[e.Actor], people[e.OnBehalfOf] = true, true
	}
	return c.introduce(ctx, chart, visits, people)
}

// introduce reads the visits and principals named in a chart.
func (c *call) introduce(ctx context.Context, chart *clinical.Chart, visits []clinical.EncounterID, people map[clinical.ActorID]bool) error {
	slices.Sort(visits)
	f, err := c.r.Gate.Filter(ctx, c.actor, policy.ReadEncounter, policy.Encounter, c.now)
	if err != nil {
		return err
	}
	if chart.Encounters, err = c.EncountersByIDs(ctx, f, slices.Compact(visits)); err != nil {
		return err
	}
	ids := make([]clinical.ActorID, 0, len(people))
	for id := range people {
		ids = append(ids, id)
	}
	chart.Principals, err = c.ActorDisplays(ctx, ids)
	return err
}
