package records_test

import (
	"bytes"
	"slices"
	"sync"
	"testing"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/records"
)

func (c clinic) file(who string, id clinical.FileID) clinical.File {
	c.t.Helper()
	f, err := c.Records.File(c.t.Context(), c.As(who), id)
	if err != nil {
		c.t.Fatal(err)
	}
	return f
}

func (c clinic) provenance(f clinical.File) []clinical.Provenance {
	c.t.Helper()
	out, err := c.Records.FileProvenance(c.t.Context(), c.As("clinician"), f.ID)
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

// last is the newest piece of evidence about a file.
func (c clinic) last(f clinical.File) clinical.Provenance {
	c.t.Helper()
	all := c.provenance(f)
	return all[len(all)-1]
}

func (c clinic) link(who string, f clinical.File, delivery clinical.Delivery) (records.SignedLink, error) {
	return c.Records.SignedURL(c.t.Context(), c.As(who), records.SignedURL{Document: string(f.ID), Delivery: delivery})
}

func ptr[T any](v T) *T { return &v }

func refOf(f clinical.File) clinical.Ref {
	return clinical.Ref{Type: string(f.ResourceType), ID: string(f.ID), Version: f.Version, SHA256: hexOf(f.Digests.SHA256)}
}

// fileVerbs are the verbs that change a file, in a form that can be asked of any.
func (c clinic) fileVerbs() map[string]func(a clinical.Actor, f clinical.File) error {
	ctx := c.t.Context()
	return map[string]func(a clinical.Actor, f clinical.File) error{
		"updateFile": func(a clinical.Actor, f clinical.File) error {
			_, err := c.Records.UpdateFile(ctx, a, records.UpdateFile{File: f.ID, Version: f.Version, Title: ptr("New title")})
			return err
		},
		"retractFile": func(a clinical.Actor, f clinical.File) error {
			_, err := c.Records.RetractFile(ctx, a, records.RetractFile{File: f.ID, Version: f.Version, Reason: "wrong scan"})
			return err
		},
		"refileFile": func(a clinical.Actor, f clinical.File) error {
			_, err := c.Records.RefileFile(ctx, a, records.RefileFile{File: f.ID, Version: f.Version, ToPatient: demo.SecondPatient, Reason: "mixed up"})
			return err
		},
		"setLegalHold": func(a clinical.Actor, f clinical.File) error {
			_, err := c.Records.SetLegalHold(ctx, a, records.SetLegalHold{File: f.ID, Hold: true, Reason: "litigation"})
			return err
		},
		"reportScan": func(a clinical.Actor, f clinical.File) error {
			_, err := c.Records.ReportScan(ctx, a, records.ReportScan{File: f.ID, Status: clinical.ScanClean, Engine: "clam 1"})
			return err
		},
	}
}

func TestP4_FileVerbsAskTheGate(t *testing.T) {
	c := open(t)
	photo := records.BeginUpload{Patient: demo.Patient, Kind: "clinical-photo", ContentType: "image/png"}
	const ok, no, hidden = clinical.Kind(-1), clinical.Forbidden, clinical.NotFound
	want := map[string]map[string]clinical.Kind{
		"updateFile":   {"clinician": ok, "clerk": hidden, "admin": no, "pipeline": no, "auditor": hidden, "scribe": hidden, "recorder": hidden, "colleague": hidden, "outsider": hidden},
		"retractFile":  {"clinician": ok, "clerk": hidden, "admin": no, "pipeline": no, "auditor": hidden, "scribe": hidden, "colleague": hidden, "outsider": hidden},
		"refileFile":   {"clinician": ok, "clerk": hidden, "admin": no, "pipeline": no, "auditor": hidden, "scribe": hidden, "colleague": hidden, "outsider": hidden},
		"setLegalHold": {"clinician": no, "clerk": hidden, "admin": ok, "pipeline": no, "auditor": hidden, "scribe": hidden, "colleague": hidden, "outsider": hidden},
		"reportScan":   {"clinician": no, "clerk": hidden, "admin": no, "pipeline": ok, "auditor": hidden, "scribe": hidden, "colleague": hidden, "outsider": hidden},
	}
	png := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"), make([]byte, 32)...)
	for name, do := range c.fileVerbs() {
		f := c.upload("clinician", photo, png)
		for who, kind := range want[name] {
			if kind == ok {
				continue
			}
			if err := do(c.As(who), f); !clinical.Is(err, kind) {
				t.Errorf("%s as %s: %v, want %s", name, who, err, kind)
			}
		}
		for _, id := range []clinical.FileID{nobody, "", "'; DROP TABLE file"} {
			if err := do(c.As("clinician"), clinical.File{ID: id, Version: 1}); !clinical.Is(err, clinical.NotFound) {
				t.Errorf("%s of %q: %v", name, id, err)
			}
		}
		if err := do(clinical.Actor{}, f); !clinical.Is(err, clinical.Unauthenticated) {
			t.Errorf("%s as nobody: %v", name, err)
		}
		for who, kind := range want[name] {
			if kind != ok {
				continue
			}
			if err := do(c.As(who), f); err != nil {
				t.Errorf("%s as %s: %v", name, who, err)
			}
		}
	}
}

func TestP4_ClerkCorrectsOnlyOwnAdministrativeFiles(t *testing.T) {
	c := open(t)
	own, others := c.upload("clerk", intake(), pdf), c.upload("clinician", intake(), pdf)
	verbs := c.fileVerbs()
	if err := verbs["updateFile"](c.As("clerk"), own); err != nil {
		t.Error(err)
	}
	c.wantKind(verbs["updateFile"](c.As("clerk"), others), clinical.Forbidden)
	c.wantKind(verbs["retractFile"](c.As("clerk"), others), clinical.Forbidden)
	// Not even one's own may become what one may not upload.
	own = c.file("clerk", own.ID)
	_, err := c.Records.UpdateFile(t.Context(), c.As("clerk"), records.UpdateFile{File: own.ID, Version: own.Version, Kind: ptr("lab-report")})
	if f := clinical.AsFailure(err); f == nil || f.Field != "kind" || f.Kind != clinical.NotFound && f.Kind != clinical.Forbidden {
		t.Errorf("the clerk makes a laboratory report of it: %v", err)
	}
	_, err = c.Records.UpdateFile(t.Context(), c.As("clerk"), records.UpdateFile{File: own.ID, Version: own.Version, Kind: ptr("consent")})
	if err != nil {
		t.Error(err)
	}
}

func TestUpdateFileIsVersioned(t *testing.T) {
	c := open(t)
	f := c.upload("clinician", intake(), pdf)
	got, err := c.Records.UpdateFile(t.Context(), c.As("clinician"), records.UpdateFile{
		File: f.ID, Version: 1, Title: ptr(" Consent to photos "), Kind: ptr("consent"), Encounter: ptr(demo.Encounter),
	})
	if err != nil || got.Version != 2 || got.Title != "Consent to photos" || got.Kind != "consent" || got.Encounter != demo.Encounter || got.Category != "administrative" {
		t.Fatalf("%+v (%v)", got, err)
	}
	p := c.last(f)
	if p.Activity != clinical.ActivityEdit || !slices.Equal(p.Targets, []clinical.Ref{refOf(got)}) || !slices.Equal(p.Sources, []clinical.Ref{refOf(f)}) {
		t.Errorf("evidence: %+v", p)
	}
	_, err = c.Records.UpdateFile(t.Context(), c.As("clinician"), records.UpdateFile{File: f.ID, Version: 1, Title: ptr("late")})
	if p := wantProblem[*records.VersionConflict](t, err); p.Current != 2 {
		t.Errorf("current is 2, not %d", p.Current)
	}
	same, err := c.Records.UpdateFile(t.Context(), c.As("clinician"), records.UpdateFile{File: f.ID, Version: 2, Title: ptr("Consent to photos")})
	if err != nil || same.Version != 2 {
		t.Errorf("no change is no version: %d (%v)", same.Version, err)
	}
	for field, in := range map[string]records.UpdateFile{
		"kind":        {Kind: ptr("clinical-photo")}, // would be Media, and takes no PDF
		"category":    {Category: ptr("poetry")},
		"title":       {Title: ptr("two\nlines")},
		"encounterId": {Encounter: ptr(clinical.EncounterID(nobody))},
	} {
		in.File, in.Version = f.ID, 2
		_, err := c.Records.UpdateFile(t.Context(), c.As("clinician"), in)
		if f := clinical.AsFailure(err); f == nil || f.Kind != clinical.Invalid || f.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	var failed, done int
	for _, e := range c.events("updateFile") {
		if e.Outcome == clinical.Success {
			done++
		} else if e.Rule == "version-conflict" {
			failed++
		}
	}
	if done != 2 || failed != 1 {
		t.Errorf("in the trail: %d done, %d too late", done, failed)
	}
}

func TestTwoUpdatesOfOneVersion(t *testing.T) {
	c := open(t)
	f := c.upload("clinician", intake(), pdf)
	var wg sync.WaitGroup
	errs := make([]error, 4)
	actor := c.As("clinician")
	for i := range errs {
		wg.Go(func() {
			_, errs[i] = c.Records.UpdateFile(t.Context(), actor, records.UpdateFile{File: f.ID, Version: 1, Title: ptr(string(rune('a' + i)))})
		})
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		wantProblem[*records.VersionConflict](t, err)
	}
	if won != 1 {
		t.Errorf("%d updates of one version", won)
	}
}

func TestSupersededAndNewerAreBothReadable(t *testing.T) {
	c := open(t)
	old, newer := c.upload("clinician", intake(), pdf), c.upload("clinician", intake(), pdf)
	supersede := func(in records.SupersedeFile) (clinical.File, error) {
		return c.Records.SupersedeFile(t.Context(), c.As("clinician"), in)
	}
	got, err := supersede(records.SupersedeFile{File: old.ID, By: newer.ID, Version: 1})
	if err != nil || got.Status != clinical.FileSuperseded || got.SupersededBy != newer.ID || got.Version != 2 {
		t.Fatalf("%+v (%v)", got, err)
	}
	after := c.file("clinician", newer.ID)
	if after.Supersedes != old.ID || after.Status != clinical.FileCurrent || after.Version != 2 {
		t.Errorf("the newer: %+v", after)
	}
	for _, f := range []clinical.File{got, after} {
		if _, err := c.link("clinician", f, clinical.Direct); err != nil {
			t.Errorf("the bytes of %s: %v", f.Status, err)
		}
		p := c.last(f)
		if p.Activity != clinical.ActivitySupersede || !slices.Equal(p.Targets, []clinical.Ref{refOf(got), refOf(after)}) || !slices.Equal(p.Sources, []clinical.Ref{refOf(old)}) {
			t.Errorf("evidence: %+v", p)
		}
	}
	third := c.upload("clinician", intake(), pdf)
	other := intake()
	other.Patient = demo.SecondPatient
	elsewhere := c.upload("clinician", other, pdf)
	audio := c.upload("clinician", recording(), webm)
	hidden := intake()
	hidden.Patient = demo.ColleaguePatient
	colleagues := c.upload("colleague", hidden, pdf)
	for name, tc := range map[string]struct {
		in   records.SupersedeFile
		kind clinical.Kind
	}{
		"by itself":           {records.SupersedeFile{File: third.ID, By: third.ID, Version: 1}, clinical.Invalid},
		"another patient's":   {records.SupersedeFile{File: third.ID, By: elsewhere.ID, Version: 1}, clinical.Invalid},
		"another resource":    {records.SupersedeFile{File: third.ID, By: audio.ID, Version: 1}, clinical.Invalid},
		"a hidden one":        {records.SupersedeFile{File: third.ID, By: colleagues.ID, Version: 1}, clinical.NotFound},
		"one that is not":     {records.SupersedeFile{File: third.ID, By: nobody, Version: 1}, clinical.NotFound},
		"twice":               {records.SupersedeFile{File: old.ID, By: third.ID, Version: 2}, clinical.Conflict},
		"by a superseded one": {records.SupersedeFile{File: third.ID, By: old.ID, Version: 1}, clinical.Conflict},
		"by one with another": {records.SupersedeFile{File: third.ID, By: newer.ID, Version: 1}, clinical.Conflict},
		"a stale version":     {records.SupersedeFile{File: newer.ID, By: third.ID, Version: 1}, clinical.Conflict},
	} {
		if _, err := supersede(tc.in); !clinical.Is(err, tc.kind) {
			t.Errorf("%s: %v, want %s", name, err, tc.kind)
		}
	}
	// The newer one turns out to be wrong: the older is current again.
	if _, err := c.Records.RetractFile(t.Context(), c.As("clinician"), records.RetractFile{File: newer.ID, Version: 2, Reason: "blank page"}); err != nil {
		t.Fatal(err)
	}
	if back := c.file("clinician", old.ID); back.Status != clinical.FileCurrent || back.SupersededBy != "" || back.Version != 3 {
		t.Errorf("the older one: %+v", back)
	}
}

func TestRetractedFileIsReadButNotServed(t *testing.T) {
	c := open(t)
	f := c.upload("clinician", intake(), pdf)
	gated, err := c.link("clinician", f, clinical.Gated)
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Records.RetractFile(t.Context(), c.As("clinician"), records.RetractFile{File: f.ID, Version: 1, Reason: "wrong scan"})
	if err != nil || got.Status != clinical.FileEnteredInError || got.Version != 2 {
		t.Fatalf("%+v (%v)", got, err)
	}
	if p := c.last(f); p.Activity != clinical.ActivityRetract || p.Reason != "wrong scan" || !slices.Equal(p.Targets, []clinical.Ref{refOf(got)}) || !slices.Equal(p.Sources, []clinical.Ref{refOf(f)}) {
		t.Errorf("evidence: %+v", p)
	}
	if read := c.file("clinician", f.ID); read.Status != clinical.FileEnteredInError || read.Title != f.Title {
		t.Errorf("what is known of it: %+v", read)
	}
	_, err = c.link("clinician", f, clinical.Direct)
	c.wantKind(err, clinical.Gone)
	_, err = c.link("colleague", f, clinical.Direct)
	c.wantKind(err, clinical.NotFound)
	_, err = c.Records.FollowLink(t.Context(), tokenIn(gated), "")
	c.wantKind(err, clinical.Gone)
	_, err = c.Records.RetractFile(t.Context(), c.As("clinician"), records.RetractFile{File: f.ID, Version: 2, Reason: "again"})
	c.wantKind(err, clinical.Conflict)
	_, err = c.Records.UpdateFile(t.Context(), c.As("clinician"), records.UpdateFile{File: f.ID, Version: 2, Title: ptr("x")})
	c.wantKind(err, clinical.Conflict)
	_, err = c.Records.RefileFile(t.Context(), c.As("clinician"), records.RefileFile{File: f.ID, Version: 2, ToPatient: demo.SecondPatient, Reason: "mixed up"})
	c.wantKind(err, clinical.Conflict)
	_, err = c.tryDraft("clinician", func(in *records.CreateNote) { in.DerivedFrom = []string{string(f.ID)} })
	c.wantKind(err, clinical.Invalid)
}

func tokenIn(l records.SignedLink) string { return l.URL[bytes.LastIndexByte([]byte(l.URL), '/')+1:] }

func TestLegalHoldKeepsAFile(t *testing.T) {
	c := open(t)
	f := c.upload("clinician", intake(), pdf)
	hold := func(on bool) clinical.File {
		got, err := c.Records.SetLegalHold(t.Context(), c.As("admin"), records.SetLegalHold{File: f.ID, Hold: on, Reason: "litigation"})
		if err != nil || got.LegalHold != on {
			t.Fatalf("%+v (%v)", got, err)
		}
		return got
	}
	held := hold(true)
	if again := hold(true); again.Version != held.Version {
		t.Errorf("held twice: version %d", again.Version)
	}
	if p := c.last(f); p.Activity != clinical.ActivityHold || p.Reason != "litigation" {
		t.Errorf("evidence: %+v", p)
	}
	_, err := c.Records.RetractFile(t.Context(), c.As("clinician"), records.RetractFile{File: f.ID, Version: held.Version, Reason: "wrong scan"})
	c.wantKind(err, clinical.Forbidden)
	free := hold(false)
	if p := c.last(f); p.Activity != clinical.ActivityRelease {
		t.Errorf("evidence: %+v", p)
	}
	if _, err := c.Records.RetractFile(t.Context(), c.As("clinician"), records.RetractFile{File: f.ID, Version: free.Version, Reason: "wrong scan"}); err != nil {
		t.Error(err)
	}
	if n := len(c.events("setLegalHold")); n != 3 {
		t.Errorf("%d events", n)
	}
}

// The audit insert fails: nothing of the act remains.
func TestP5_NoAuditRowNoChangeOfAFile(t *testing.T) {
	c := open(t)
	f, by := c.upload("clinician", intake(), pdf), c.upload("clinician", intake(), pdf)
	if _, err := c.link("clinician", f, clinical.Gated); err != nil {
		t.Fatal(err)
	}
	admin := c.admin()
	if _, err := admin.Exec(`ALTER TABLE audit_event ADD CONSTRAINT full_disk CHECK
		(verb NOT IN ('updateFile', 'supersedeFile', 'retractFile', 'refileFile', 'setLegalHold', 'reportScan', 'setKind')) NOT VALID`); err != nil {
		t.Fatal(err)
	}
	state := func() [6]int {
		return [6]int{
			c.count(admin, `SELECT sum(version) FROM file`), c.count(admin, `SELECT count(*) FROM provenance`), c.count(admin, `SELECT count(*) FROM outbox`),
			c.count(admin, `SELECT count(*) FROM link WHERE revoked_at IS NOT NULL`), c.count(admin, `SELECT count(*) FROM scan`), c.count(admin, `SELECT count(*) FROM kind`),
		}
	}
	before := state()
	verbs := c.fileVerbs()
	tries := map[string]func() error{
		"updateFile":   func() error { return verbs["updateFile"](c.As("clinician"), f) },
		"retractFile":  func() error { return verbs["retractFile"](c.As("clinician"), f) },
		"refileFile":   func() error { return verbs["refileFile"](c.As("clinician"), f) },
		"setLegalHold": func() error { return verbs["setLegalHold"](c.As("admin"), f) },
		"reportScan":   func() error { return verbs["reportScan"](c.As("pipeline"), f) },
		"supersedeFile": func() error {
			_, err := c.Records.SupersedeFile(t.Context(), c.As("clinician"), records.SupersedeFile{File: f.ID, By: by.ID, Version: 1})
			return err
		},
		"setKind": func() error { _, err := c.Records.SetKind(t.Context(), c.As("admin"), house()); return err },
	}
	for name, try := range tries {
		if err := try(); !clinical.Is(err, clinical.Internal) {
			t.Errorf("%s: %v", name, err)
		}
		if after := state(); after != before {
			t.Errorf("%s left something behind: %v, before %v", name, after, before)
		}
	}
}
