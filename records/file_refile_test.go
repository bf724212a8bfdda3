package records_test

import (
	"sync"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/records"
)

func TestRefileMovesAFileToTheOtherChart(t *testing.T) {
	c := open(t)
	in := intake()
	in.Encounter = demo.Encounter
	f := c.upload("clinician", in, pdf)
	direct, err := c.link("clinician", f, clinical.Direct)
	if err != nil {
		t.Fatal(err)
	}
	gated, err := c.link("clerk", f, clinical.Gated)
	if err != nil {
		t.Fatal(err)
	}
	there, err := c.Records.OpenEncounter(t.Context(), c.As("clinician"), records.OpenEncounter{Patient: demo.SecondPatient})
	if err != nil {
		t.Fatal(err)
	}
	draft := c.draft("clinician", func(in *records.CreateNote) { in.DerivedFrom = []string{string(f.ID)} })
	refile := func(who string, to clinical.PatientID, encounter clinical.EncounterID, version int) (records.Refiled, error) {
		return c.Records.RefileFile(t.Context(), c.As(who), records.RefileFile{File: f.ID, Version: version, ToPatient: to, ToEncounter: encounter, Reason: "mixed up"})
	}
	for name, tc := range map[string]struct {
		to        clinical.PatientID
		encounter clinical.EncounterID
		version   int
		kind      clinical.Kind
		field     string
	}{
		"a hidden chart":            {demo.ColleaguePatient, "", 1, clinical.NotFound, "toPatientId"},
		"another clinic's":          {demo.LakesidePatient, "", 1, clinical.NotFound, "toPatientId"},
		"no chart":                  {nobody, "", 1, clinical.NotFound, "toPatientId"},
		"the same chart":            {demo.Patient, "", 1, clinical.Invalid, "toPatientId"},
		"the old chart's encounter": {demo.SecondPatient, demo.Encounter, 1, clinical.Invalid, "toEncounterId"},
		"a stale version":           {demo.SecondPatient, "", 7, clinical.Conflict, ""},
	} {
		_, err := refile("clinician", tc.to, tc.encounter, tc.version)
		if f := clinical.AsFailure(err); f == nil || f.Kind != tc.kind || f.Field != tc.field {
			t.Errorf("%s: %v, want %s on %q", name, err, tc.kind, tc.field)
		}
	}
	out, err := refile("clinician", demo.SecondPatient, there.ID, 1)
	if err != nil || out.File.Patient != demo.SecondPatient || out.File.Encounter != there.ID || out.File.Version != 2 {
		t.Fatalf("%+v (%v)", out, err)
	}
	if len(out.Exposures) != 2 || out.Exposures[0].ID != direct.Link.ID || out.Exposures[1].ID != gated.Link.ID || out.Exposures[1].Actor != c.As("clerk").ID {
		t.Errorf("who saw it: %+v", out.Exposures)
	}
	for _, l := range out.Exposures {
		if l.State(time.Now()) != clinical.LinkRevoked {
			t.Errorf("a link is %s", l.State(time.Now()))
		}
	}
	_, err = c.Records.FollowLink(t.Context(), tokenIn(gated), "")
	c.wantKind(err, clinical.Gone)
	for patient, want := range map[clinical.PatientID]int{demo.Patient: 0, demo.SecondPatient: 1} {
		list, err := c.Records.Files(t.Context(), c.As("clinician"), patient, records.FileQuery{Page: clinical.Page{First: 9}})
		if err != nil || len(list.Items) != want {
			t.Errorf("the chart of %s has %d files (%v)", patient, len(list.Items), err)
		}
	}
	if p := c.last(f); p.Activity != clinical.ActivityRefile || p.Reason != "mixed up" || p.Patient != demo.SecondPatient || p.Targets[0] != refOf(out.File) || p.Sources[0] != refOf(f) {
		t.Errorf("evidence: %+v", p)
	}
	told := map[clinical.PatientID]string{}
	for _, e := range c.events("refileFile") {
		if e.Outcome == clinical.Success {
			told[e.Patient] = e.Detail["movedTo"] + e.Detail["movedFrom"] + e.Detail["exposures"]
		}
	}
	if told[demo.Patient] != string(demo.SecondPatient)+"2" || told[demo.SecondPatient] != string(demo.Patient)+"2" {
		t.Errorf("both charts' trails: %v", told)
	}
	_, err = c.sign("clinician", draft)
	wantProblem[*records.NotSignable](t, err)
}

// A link is issued before the file moves, and is then among the exposures and
// over; or after, and belongs to the new chart. There is nothing in between.
func TestRefileDuringDownload(t *testing.T) {
	c := open(t)
	doctor, clerk := c.As("clinician"), c.As("clerk")
	for range 8 {
		f := c.upload("clinician", intake(), pdf)
		var wg sync.WaitGroup
		var mu sync.Mutex
		var issued []records.SignedLink
		start := make(chan struct{})
		for range 4 {
			wg.Go(func() {
				<-start
				for range 3 {
					l, err := c.Records.SignedURL(t.Context(), clerk, records.SignedURL{Document: string(f.ID), Delivery: clinical.Gated})
					if err == nil {
						mu.Lock()
						issued = append(issued, l)
						mu.Unlock()
					} else if !clinical.Is(err, clinical.Conflict) {
						t.Errorf("a download: %v", err)
					}
				}
			})
		}
		var out records.Refiled
		var err error
		wg.Go(func() {
			<-start
			out, err = c.Records.RefileFile(t.Context(), doctor, records.RefileFile{File: f.ID, Version: 1, ToPatient: demo.SecondPatient, Reason: "mixed up"})
		})
		close(start)
		wg.Wait()
		if err != nil {
			t.Fatal(err)
		}
		before := 0
		for _, l := range issued {
			_, fetched := c.Records.FollowLink(t.Context(), tokenIn(l), "")
			switch l.Link.Patient {
			case demo.Patient:
				before++
				if !clinical.Is(fetched, clinical.Gone) {
					t.Errorf("a link of before the move: %v", fetched)
				}
			default:
				if fetched != nil {
					t.Errorf("a link of after the move: %v", fetched)
				}
			}
		}
		if before != len(out.Exposures) {
			t.Errorf("%d links were issued in the wrong chart, %d are told of", before, len(out.Exposures))
		}
	}
}

func TestRefileTakesTheFileOutOfItsChain(t *testing.T) {
	c := open(t)
	a, b, d := c.upload("clinician", intake(), pdf), c.upload("clinician", intake(), pdf), c.upload("clinician", intake(), pdf)
	for _, pair := range [][2]clinical.FileID{{a.ID, b.ID}, {b.ID, d.ID}} {
		v := c.file("clinician", pair[0]).Version
		if _, err := c.Records.SupersedeFile(t.Context(), c.As("clinician"), records.SupersedeFile{File: pair[0], By: pair[1], Version: v}); err != nil {
			t.Fatal(err)
		}
	}
	out, err := c.Records.RefileFile(t.Context(), c.As("clinician"), records.RefileFile{
		File: b.ID, Version: c.file("clinician", b.ID).Version, ToPatient: demo.SecondPatient, Reason: "mixed up",
	})
	if err != nil || out.File.Status != clinical.FileCurrent || out.File.Supersedes != "" || out.File.SupersededBy != "" {
		t.Fatalf("%+v (%v)", out.File, err)
	}
	if a := c.file("clinician", a.ID); a.Status != clinical.FileCurrent || a.SupersededBy != "" {
		t.Errorf("the older one: %+v", a)
	}
	if d := c.file("clinician", d.ID); d.Supersedes != "" {
		t.Errorf("the newer one: %+v", d)
	}
}
