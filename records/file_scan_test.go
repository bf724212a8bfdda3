package records_test

import (
	"testing"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/clinictest"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/records"
)

// scanned is a registry whose intake forms must be scanned.
func scanned(o *records.Options) {
	o.Kinds = clinical.DefaultKinds()
	for i := range o.Kinds {
		if o.Kinds[i].Code == "intake-form" {
			o.Kinds[i].Scan = clinical.ScanRequired
		}
	}
}

func TestRequiredScanOpensOnlyWhatIsClean(t *testing.T) {
	c := open(t, clinictest.Setup{Records: scanned})
	f := c.upload("clinician", intake(), pdf)
	if f.ScanStatus != clinical.ScanPending {
		t.Fatalf("scan status %s", f.ScanStatus)
	}
	report := func(s clinical.ScanStatus) clinical.File {
		got, err := c.Records.ReportScan(t.Context(), c.As("pipeline"), records.ReportScan{File: f.ID, Status: s, Engine: "clam 1.4", Detail: "Eicar"})
		if err != nil || got.ScanStatus != s {
			t.Fatalf("%+v (%v)", got, err)
		}
		return got
	}
	opened := func(want clinical.Kind) {
		t.Helper()
		if _, err := c.link("clinician", f, clinical.Direct); want < 0 && err != nil || want >= 0 && !clinical.Is(err, want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	opened(clinical.Quarantined)
	for _, s := range []clinical.ScanStatus{clinical.ScanFailed, clinical.ScanSkipped, clinical.ScanInfected} {
		report(s)
		opened(clinical.Quarantined)
	}
	clean := report(clinical.ScanClean)
	opened(-1)
	gated, err := c.link("clinician", f, clinical.Gated)
	if err != nil {
		t.Fatal(err)
	}
	if p := c.last(f); p.Activity != clinical.ActivityScan || p.Agents[0].Type != "verifier" || p.Targets[0] != refOf(clean) {
		t.Errorf("evidence: %+v", p)
	}
	report(clinical.ScanInfected) // a later look finds it after all
	opened(clinical.Quarantined)
	if _, err := c.Records.FollowLink(t.Context(), tokenIn(gated), ""); !clinical.Is(err, clinical.Gone) {
		t.Errorf("the link of before: %v", err)
	}
	for _, in := range []records.ReportScan{{File: f.ID, Status: clinical.ScanPending, Engine: "x"}, {File: f.ID, Status: "great", Engine: "x"}, {File: f.ID, Status: clinical.ScanClean}} {
		_, err := c.Records.ReportScan(t.Context(), c.As("pipeline"), in)
		c.wantKind(err, clinical.Invalid)
	}
	if n := c.count(c.admin(), `SELECT count(*) FROM scan WHERE engine = 'clam 1.4'`); n != 5 {
		t.Errorf("%d verdicts were kept", n)
	}
	// Another kind, without a scan of its own, is no way out.
	if _, err := c.Records.UpdateFile(t.Context(), c.As("clinician"), records.UpdateFile{File: f.ID, Version: c.file("clinician", f.ID).Version, Kind: ptr("consent")}); err != nil {
		t.Fatal(err)
	}
	report(clinical.ScanFailed)
	opened(clinical.Quarantined)
	// And a kind that requires one puts a file without a verdict into quarantine.
	free := intake()
	free.Kind = "consent"
	f = c.upload("clinician", free, pdf)
	opened(-1)
	if _, err := c.Records.UpdateFile(t.Context(), c.As("clinician"), records.UpdateFile{File: f.ID, Version: 1, Kind: ptr("intake-form")}); err != nil {
		t.Fatal(err)
	}
	opened(clinical.Quarantined)
}

func TestBytesOfAnotherTypeAreQuarantined(t *testing.T) {
	c := open(t, clinictest.Setup{Records: func(o *records.Options) {
		o.Kinds = clinical.DefaultKinds()
		for i := range o.Kinds {
			o.Kinds[i].Mismatch = clinical.QuarantineMismatch
		}
	}})
	png := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"), make([]byte, 600)...)
	odd := c.upload("clinician", intake(), png) // announced as PDF
	if odd.ScanStatus != clinical.ScanPending {
		t.Errorf("scan status %s", odd.ScanStatus)
	}
	_, err := c.link("clinician", odd, clinical.Direct)
	c.wantKind(err, clinical.Quarantined)
	if _, err := c.Records.ReportScan(t.Context(), c.As("pipeline"), records.ReportScan{File: odd.ID, Status: clinical.ScanClean, Engine: "clam"}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.link("clinician", odd, clinical.Direct); err != nil {
		t.Error(err)
	}
	for name, in := range map[string]records.BeginUpload{
		"a form": intake(), "a recording": recording(),
		"a text": {Patient: demo.Patient, Kind: "lab-report", ContentType: "text/plain"},
	} {
		content := map[string][]byte{"a form": pdf, "a recording": webm, "a text": []byte(`{"sodium": 140}`)}[name]
		if f := c.upload("clinician", in, content); f.ScanStatus != clinical.ScanSkipped {
			t.Errorf("%s is %s", name, f.ScanStatus)
		}
	}
}
