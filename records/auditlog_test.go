package records_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/clinictest"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/records"
	"github.com/bonfiredb/bonfire/seal"
)

// report is the accounting of disclosures of a patient, the oldest first.
func (c clinic) report(patient clinical.PatientID) []clinical.AuditEvent {
	c.t.Helper()
	out, err := c.Records.FileAccessReport(c.t.Context(), c.As("auditor"), patient, nil, nil, clinical.Page{First: 500})
	if err != nil {
		c.t.Fatal(err)
	}
	slices.Reverse(out.Items)
	return out.Items
}

// Only those who read the trail read it, and each reading is an event of its own.
func TestP5_ReadingTheTrailIsAudited(t *testing.T) {
	c := open(t)
	c.look("clinician")
	ctx, auditor := t.Context(), c.As("auditor")
	first, err := c.Records.AuditEvents(ctx, auditor, records.AuditQuery{
		Patient: demo.Patient, Actor: c.As("clinician").ID, Entity: "Robin Vale", Actions: []clinical.AuditAction{clinical.AuditRead},
		Outcomes: []clinical.AuditOutcome{clinical.Success}, From: new(time.Now().Add(-time.Hour)), Page: clinical.Page{First: 5},
	})
	if err != nil || len(first.Items) != 0 { // no entity is called that
		t.Fatalf("%d events, %v", len(first.Items), err)
	}
	all, err := c.Records.AuditEvents(ctx, auditor, records.AuditQuery{Patient: demo.Patient, Page: clinical.Page{First: 5}})
	if err != nil || len(all.Items) != 2 || all.Items[1].Verb != "patient" {
		t.Fatalf("%+v, %v", all.Items, err)
	}
	read := all.Items[0] // the first reading
	if read.Verb != "auditEvents" || read.Actor != auditor.ID || read.Patient != demo.Patient || read.Action != clinical.AuditExecute ||
		!strings.Contains(read.Query, "entity=%2A") || strings.Contains(read.Query, "Robin") || !strings.Contains(read.Query, string(demo.Patient)) {
		t.Errorf("%+v", read)
	}
	one, err := c.Records.AuditEvent(ctx, auditor, read.ID)
	if err != nil || one.ID != read.ID || one.Query != read.Query {
		t.Errorf("%+v, %v", one, err)
	}
	if events := c.events("auditEvent"); len(events) != 1 || events[0].Entities[0] != (clinical.AuditEntity{Type: "AuditEvent", ID: string(read.ID)}) {
		t.Errorf("%+v", events)
	}
	if len(c.report(demo.Patient)) != 0 || len(c.events("fileAccessReport")) != 1 {
		t.Error("a report of no file, or its own event")
	}
}

// The trail is one of those things that everybody knows to be there: those who
// do not read it are refused, whether there is such a patient or not.
func TestP4_OnlyAuditorsReadTheTrail(t *testing.T) {
	c := open(t)
	c.look("clinician")
	ctx := t.Context()
	page := clinical.Page{First: 5}
	event := c.events("patient")[0].ID
	for _, who := range []string{"clinician", "colleague", "clerk", "admin", "pipeline", "scribe", "recorder", "outsider"} {
		a := c.As(who)
		for _, patient := range []clinical.PatientID{demo.Patient, demo.ColleaguePatient, demo.LakesidePatient, nobody, "x"} {
			_, err := c.Records.FileAccessReport(ctx, a, patient, nil, nil, page)
			c.wantKind(err, clinical.Forbidden)
			_, err = c.Records.AuditEvents(ctx, a, records.AuditQuery{Patient: patient, Page: page})
			c.wantKind(err, clinical.Forbidden)
		}
		_, err := c.Records.AuditEvents(ctx, a, records.AuditQuery{Page: page})
		c.wantKind(err, clinical.Forbidden)
		for _, id := range []clinical.AuditEventID{event, nobody, "x"} {
			_, err := c.Records.AuditEvent(ctx, a, id)
			c.wantKind(err, clinical.NotFound)
		}
	}
	auditor := c.As("auditor")
	for _, patient := range []clinical.PatientID{demo.LakesidePatient, nobody, "x", ""} {
		_, err := c.Records.FileAccessReport(ctx, auditor, patient, nil, nil, page)
		c.wantKind(err, clinical.NotFound)
		list, err := c.Records.AuditEvents(ctx, auditor, records.AuditQuery{Patient: patient, Page: page})
		if err != nil || len(list.Items) > 0 && patient != "" {
			t.Errorf("%q: %d events, %v", patient, len(list.Items), err)
		}
	}
	for _, e := range c.events("fileAccessReport") {
		if e.Patient != "" && e.Patient != demo.Patient && e.Patient != demo.ColleaguePatient {
			t.Errorf("an event about a patient that there is not: %+v", e)
		}
	}
	_, err := c.Records.AuditEvents(ctx, clinical.Actor{}, records.AuditQuery{Page: page})
	c.wantKind(err, clinical.Unauthenticated)
	_, err = c.Records.FileAccessReport(ctx, clinical.Actor{}, demo.Patient, nil, nil, page)
	c.wantKind(err, clinical.Unauthenticated)
	_, err = c.Records.AuditEvent(ctx, clinical.Actor{}, event)
	c.wantKind(err, clinical.Unauthenticated)
}

// The report tells who asked, who was refused, who was handed a link and who
// fetched, and nothing of other patients or of what is no file.
func TestFileAccessReportIsTheAccountingOfDisclosures(t *testing.T) {
	c := open(t)
	ctx := t.Context()
	f := c.upload("clinician", intake(), pdf)
	other := intake()
	other.Patient = demo.SecondPatient
	c.upload("clinician", other, pdf)
	c.look("clinician")
	_, err := c.Records.Files(ctx, c.As("clerk"), demo.Patient, records.FileQuery{Page: clinical.Page{First: 5}})
	c.must(err)
	_, err = c.Records.File(ctx, c.As("colleague"), f.ID)
	c.wantKind(err, clinical.NotFound)
	_, err = c.Records.Patient(ctx, c.As("colleague"), demo.Patient)
	c.wantKind(err, clinical.NotFound)
	l, err := c.Records.SignedURL(ctx, c.As("clinician"), records.SignedURL{Document: string(f.ID), Delivery: clinical.Gated})
	c.must(err)
	_, err = c.Records.FollowLink(ctx, l.URL[strings.LastIndex(l.URL, "/")+1:], "req-of-the-browser")
	c.must(err)
	var got []string
	for _, e := range c.report(demo.Patient) {
		if e.Patient != demo.Patient || e.Purpose == "" || e.RecordedAt.IsZero() {
			t.Errorf("%+v", e)
		}
		got = append(got, e.Verb+" "+string(e.Outcome))
	}
	if want := []string{"completeUpload 0", "files 0", "file 4", "patient 4", "signedUrl 0", "followLink 0"}; !slices.Equal(got, want) {
		t.Errorf("the report tells of %v, want %v", got, want)
	}
	// By pages and by time, too.
	auditor := c.As("auditor")
	var verbs []string
	for page := (clinical.Page{First: 2}); ; {
		out, err := c.Records.FileAccessReport(ctx, auditor, demo.Patient, nil, nil, page)
		c.must(err)
		for _, e := range out.Items {
			verbs = append(verbs, e.Verb)
		}
		if !out.HasNext {
			break
		}
		page.After = out.Cursors[len(out.Cursors)-1]
	}
	if want := []string{"followLink", "signedUrl", "patient", "file", "files", "completeUpload"}; !slices.Equal(verbs, want) {
		t.Errorf("by pages: %v", verbs)
	}
	future := time.Now().Add(time.Hour)
	out, err := c.Records.FileAccessReport(ctx, auditor, demo.Patient, &future, nil, clinical.Page{First: 5})
	if err != nil || len(out.Items) != 0 {
		t.Errorf("from tomorrow on: %d, %v", len(out.Items), err)
	}
}

// A thousand refusals in a minute are one event that says so, in the report as well.
func TestP5_FloodOfDenialsIsOneEvent(t *testing.T) {
	noon := time.Now().UTC().Truncate(time.Minute).Add(30 * time.Second)
	c := open(t, clinictest.Setup{Records: func(o *records.Options) { o.Now = func() time.Time { return noon } }})
	f := c.upload("clinician", intake(), pdf)
	colleague := c.As("colleague")
	var flood errgroup.Group
	for range 10 {
		flood.Go(func() error {
			for range 100 {
				if _, err := c.Records.SignedURL(t.Context(), colleague, records.SignedURL{Document: string(f.ID)}); !clinical.Is(err, clinical.NotFound) {
					return err
				}
			}
			return nil
		})
	}
	c.must(flood.Wait())
	events := slices.DeleteFunc(c.report(demo.Patient), func(e clinical.AuditEvent) bool { return e.Verb != "signedUrl" })
	if len(events) != 1 || events[0].Repeats != 999 || events[0].Outcome != clinical.MinorFailure {
		t.Fatalf("%d events: %+v", len(events), events)
	}
}

// What a patient is called, what a file is called, what was searched for or
// written down as a reason: none of it is in the trail or its seals (P10).
func TestP10_TheTrailHoldsNoWords(t *testing.T) {
	c := open(t)
	ctx, clinician := t.Context(), c.As("clinician")
	words := []string{"Zebulon", "Quillfeather", "MRN-4711", "Left heel ulcer", "secret-search", "cause for concern", "Marsh", "harbor.test"}
	p, err := c.Records.RegisterPatient(ctx, clinician, records.RegisterPatient{
		DisplayName: "Zebulon Quillfeather", Identifiers: []clinical.Identifier{{System: "urn:harbor.test", Value: "MRN-4711"}},
		IdempotencyKey: "Quillfeather-1",
	})
	c.must(err)
	clinician = c.As("clinician") // with the new patient in their care
	in := intake()
	in.Patient, in.Title = p.ID, "Left heel ulcer of Zebulon"
	f := c.upload("clinician", in, pdf)
	_, err = c.Records.Patients(ctx, clinician, "Zebulon", clinical.Page{First: 5})
	c.must(err)
	_, err = c.Records.Files(ctx, clinician, p.ID, records.FileQuery{Text: "secret-search", Page: clinical.Page{First: 5}})
	c.must(err)
	_, err = c.Records.SignedURL(ctx, clinician, records.SignedURL{Document: string(f.ID)})
	c.must(err)
	_, err = c.Records.RevokeLinks(ctx, clinician, records.RevokeLinks{File: f.ID, Reason: "cause for concern"})
	c.must(err)
	for _, id := range []string{"Zebulon", "Quillfeather'; --"} {
		_, err = c.Records.Patient(ctx, clinician, clinical.PatientID(id))
		c.wantKind(err, clinical.NotFound)
		_, err = c.Records.File(ctx, clinician, clinical.FileID(id))
		c.wantKind(err, clinical.NotFound)
		_, err = c.Records.AuditEvents(ctx, c.As("auditor"), records.AuditQuery{Entity: id, Patient: clinical.PatientID(id), Actor: clinical.ActorID(id), Page: clinical.Page{First: 1}})
		c.must(err)
	}
	c.seal()
	if c.count(c.admin(), `SELECT count(*) FROM patient WHERE display_name ILIKE '%zebulon%'`) != 1 {
		t.Error("the words are nowhere: the test tests nothing")
	}
	for _, table := range []string{"audit_event", "audit_denial", "audit_seal", "audit_unsealed", "audit_unanchored", "audit_download"} {
		for _, word := range words {
			if n := c.count(c.admin(), `SELECT count(*) FROM `+table+` t WHERE t::text ILIKE '%' || $1 || '%'`, word); n > 0 {
				t.Errorf("%s says %q in %d rows", table, word, n)
			}
		}
	}
}

// An export holds what the trail holds, and its rows give the same events.
func TestExportAuditGivesTheTrail(t *testing.T) {
	var ticks atomic.Int64 // a clock that passes no minute: denials are counted by the minute
	began := time.Now().UTC().Truncate(time.Minute)
	c := open(t, clinictest.Setup{Records: func(o *records.Options) {
		o.Now = func() time.Time { return began.Add(time.Duration(ticks.Add(1)) * time.Millisecond) }
	}})
	f := c.upload("clinician", intake(), pdf)
	_, err := c.Records.File(t.Context(), c.As("colleague"), f.ID)
	c.wantKind(err, clinical.NotFound)
	_, err = c.Records.File(t.Context(), c.As("colleague"), f.ID)
	c.wantKind(err, clinical.NotFound)
	operator := records.Operator(demo.Harbor)
	var seals int
	var got []clinical.AuditEvent
	c.must(c.Records.ExportAudit(t.Context(), operator, nil, nil, func(i seal.Item) error {
		if i.Seal != nil {
			seals++
			return nil
		}
		e, err := records.AuditEventOf(i)
		got = append(got, e)
		return err
	}))
	all, err := c.Records.AuditEvents(t.Context(), c.As("auditor"), records.AuditQuery{Page: clinical.Page{First: 100}})
	c.must(err)
	slices.SortFunc(got, func(a, b clinical.AuditEvent) int { return b.RecordedAt.Compare(a.RecordedAt) })
	if x, y := asJSON(t, got), asJSON(t, all.Items); x != y || seals != 1 || len(got) != 4 {
		t.Errorf("%d seals\nexported %s\nlisted   %s", seals, x, y)
	}
	if got[0].Verb != "exportAudit" || got[0].Actor != operator.ID || got[0].Outcome != clinical.Success {
		t.Errorf("the export's own event: %+v", got[0])
	}
	if got[1].Repeats != 1 {
		t.Errorf("the refusal: %+v", got[1])
	}
	// Where the emitter stops, the export does.
	stop := context.Canceled
	if err := c.Records.ExportAudit(t.Context(), operator, nil, nil, func(seal.Item) error { return stop }); err != stop {
		t.Errorf("stopped with %v", err)
	}
	yesterday := time.Now().Add(-24 * time.Hour)
	c.must(c.Records.ExportAudit(t.Context(), operator, nil, &yesterday, func(i seal.Item) error {
		t.Errorf("exported, though it is later: %+v", i)
		return nil
	}))
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
