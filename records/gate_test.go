package records_test

import (
	"testing"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/records"
)

const nobody = "00000000-0000-7000-8000-00000000dead"

func TestP4_HiddenAndMissingAreTheSame(t *testing.T) {
	c := open(t)
	f := c.upload("clinician", intake(), pdf)
	ctx := t.Context()
	verbs := map[string]func(a clinical.Actor, patient, file string) error{
		"file": func(a clinical.Actor, _, file string) error {
			_, err := c.Records.File(ctx, a, clinical.FileID(file))
			return err
		},
		"files": func(a clinical.Actor, patient, _ string) error {
			_, err := c.Records.Files(ctx, a, clinical.PatientID(patient), records.FileQuery{Page: clinical.Page{First: 5}})
			return err
		},
		"patient": func(a clinical.Actor, patient, _ string) error {
			_, err := c.Records.Patient(ctx, a, clinical.PatientID(patient))
			return err
		},
		"signedUrl": func(a clinical.Actor, _, file string) error {
			_, err := c.Records.SignedURL(ctx, a, records.SignedURL{Document: file})
			return err
		},
		"provenance": func(a clinical.Actor, _, file string) error {
			_, err := c.Records.FileProvenance(ctx, a, clinical.FileID(file))
			return err
		},
		"createUpload": func(a clinical.Actor, patient, _ string) error {
			in := intake()
			in.Patient = clinical.PatientID(patient)
			_, err := c.Records.BeginUpload(ctx, a, in)
			return err
		},
		"openEncounter": func(a clinical.Actor, patient, _ string) error {
			_, err := c.Records.OpenEncounter(ctx, a, records.OpenEncounter{Patient: clinical.PatientID(patient)})
			return err
		},
	}
	for name, verb := range verbs {
		for _, who := range []string{"colleague", "outsider"} {
			hidden := verb(c.As(who), string(demo.Patient), string(f.ID))
			for _, id := range []string{nobody, "", "no-such-id", "'; DROP TABLE file; --", string(make([]byte, 10_000))} {
				missing := verb(c.As(who), id, id)
				h, m := clinical.AsFailure(hidden), clinical.AsFailure(missing)
				if h == nil || m == nil || h.Kind != clinical.NotFound || m.Kind != h.Kind || m.Words != h.Words || m.Field != h.Field {
					t.Errorf("%s as %s: hidden is %v, %.40q is %v", name, who, hidden, id, missing)
				}
			}
		}
		if err := verb(clinical.Actor{}, string(demo.Patient), string(f.ID)); !clinical.Is(err, clinical.Unauthenticated) {
			t.Errorf("%s as nobody: %v", name, err)
		}
	}
}

func TestP5_AttemptOnWhatDoesNotExistNamesNoPatient(t *testing.T) {
	c := open(t)
	_, err := c.Records.File(t.Context(), c.As("clinician"), nobody)
	c.wantKind(err, clinical.NotFound)
	events := c.events("file")
	if len(events) != 1 || events[0].Patient != "" || events[0].Outcome != clinical.MinorFailure || events[0].Entities[0].ID != nobody {
		t.Fatalf("events: %+v", events)
	}
}

func TestP4_ListShowsWhatTheReaderMaySee(t *testing.T) {
	c := open(t)
	form := c.upload("clinician", intake(), pdf)
	lab := intake()
	lab.Kind = "lab-report"
	report := c.upload("clinician", lab, pdf)
	list := func(who string) (ids []clinical.FileID, total int) {
		out, err := c.Records.Files(t.Context(), c.As(who), demo.Patient, records.FileQuery{WithTotal: true, Page: clinical.Page{First: 50}})
		if err != nil {
			t.Fatalf("%s: %v", who, err)
		}
		for _, f := range out.Items {
			ids = append(ids, f.ID)
		}
		return ids, out.Total
	}
	for who, want := range map[string][]clinical.FileID{
		"clinician": {form.ID, report.ID}, "clerk": {form.ID}, "admin": {form.ID, report.ID},
		"pipeline": {form.ID, report.ID}, "scribe": {}, "recorder": {},
	} {
		if got, total := list(who); len(got) != len(want) || total != len(want) || (len(got) > 0 && got[0] != want[0]) {
			t.Errorf("%s: sees %v (total %d), want %v", who, got, total, want)
		}
	}
}

func TestMembershipThatEndedMidUploadStoresNothing(t *testing.T) {
	c := open(t)
	size := int64(len(pdf))
	in := intake()
	in.Length = &size
	begun, err := c.Records.BeginUpload(t.Context(), c.As("clinician"), in)
	if err != nil {
		t.Fatal(err)
	}
	c.endMembership("clinician")
	_, err = c.Records.OpenUploadByToken(t.Context(), begun.Upload.ID, begun.Token, "", nil)
	c.wantKind(err, clinical.Unauthenticated)
}
