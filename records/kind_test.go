package records_test

import (
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/clinictest"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/records"
)

// house is a kind of the clinic's own.
func house() clinical.FileKind {
	return clinical.FileKind{
		Code: "gait-video", Display: "Gait video", Category: "movement", ContentTypes: []string{"video/webm", "application/pdf"}, MaxSize: 1 << 20,
		Scan: clinical.ScanNone, Mismatch: clinical.RefuseMismatch, Retention: 100 * time.Hour,
	}
}

func TestTenantKindsOverrideTheFilesAndTheShipped(t *testing.T) {
	now := time.Now()
	c := open(t, clinictest.Setup{Records: func(o *records.Options) {
		o.Now = func() time.Time { return now }
		o.Kinds = clinical.DefaultKinds()
		o.Kinds[0].Display = "Intake form, of the deployment" // intake-form
	}})
	ctx := t.Context()
	displays := func(who string) map[string]string {
		kinds, err := c.Records.Kinds(ctx, c.As(who))
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]string{}
		for _, k := range kinds {
			out[k.Code] = k.Display
		}
		return out
	}
	if d := displays("clinician"); d["intake-form"] != "Intake form, of the deployment" || d["gait-video"] != "" {
		t.Fatalf("before: %v", d)
	}
	own := house()
	form := clinical.DefaultKinds()[0]
	form.Display = "Intake form, of the clinic"
	for i, k := range []clinical.FileKind{own, form, form} {
		got, err := c.Records.SetKind(ctx, c.As("admin"), k)
		if want := []int{1, 1, 2}[i]; err != nil || got.Version != want {
			t.Fatalf("%s: version %d, want %d (%v)", k.Code, got.Version, want, err)
		}
	}
	if d := displays("clinician"); d["intake-form"] != "Intake form, of the clinic" || d["gait-video"] != "Gait video" {
		t.Errorf("this clinic: %v", d)
	}
	if d := displays("outsider"); d["intake-form"] != "Intake form, of the deployment" || d["gait-video"] != "" {
		t.Errorf("the other clinic: %v", d)
	}
	// What it becomes is left to the category.
	for category, want := range map[string]clinical.ResourceType{"": clinical.DocumentReference, "media": clinical.Media, "raw": clinical.Binary, "administrative": clinical.DocumentReference} {
		f := c.upload("clinician", records.BeginUpload{Patient: demo.Patient, Kind: "gait-video", Category: category, ContentType: "application/pdf"}, pdf)
		if f.ResourceType != want {
			t.Errorf("in %q it became %s, want %s", category, f.ResourceType, want)
		}
	}
	if _, err := c.Records.RetireKind(ctx, c.As("admin"), "gait-video"); err != nil {
		t.Fatal(err)
	}
	_, err := c.tryUpload("clinician", records.BeginUpload{Patient: demo.Patient, Kind: "gait-video", ContentType: "application/pdf"}, pdf)
	if f := clinical.AsFailure(err); f == nil || f.Kind != clinical.Invalid || f.Field != "kind" {
		t.Errorf("a retired kind: %v", err)
	}
	if k, ok := c.Records.Kind(ctx, demo.Harbor, "gait-video"); !ok || k.Display != own.Display {
		t.Error("files of a retired kind are not shown as what they are")
	}
	_, err = c.Records.RetireKind(ctx, c.As("admin"), "gait-video")
	c.wantKind(err, clinical.NotFound)
	for _, who := range []string{"clinician", "clerk", "auditor", "pipeline", "scribe"} {
		_, err := c.Records.SetKind(ctx, c.As(who), own)
		c.wantKind(err, clinical.Forbidden)
		_, err = c.Records.RetireKind(ctx, c.As(who), "consent")
		c.wantKind(err, clinical.Forbidden)
	}
	// Another replica's registry catches up within seconds.
	other := clinic{&clinictest.Clinic{}, t}
	*other.Clinic = *c.Clinic
	other.Open(clinictest.Setup{Records: func(o *records.Options) { o.Now = func() time.Time { return now } }})
	kinds := func() []clinical.FileKind { ks, _ := other.Records.Kinds(ctx, c.As("clinician")); return ks }
	stale := len(kinds())
	if _, err := c.Records.SetKind(ctx, c.As("admin"), own); err != nil {
		t.Fatal(err)
	}
	now = now.Add(4 * time.Second)
	if len(kinds()) != stale {
		t.Error("not remembered at all")
	}
	now = now.Add(2 * time.Second)
	if len(kinds()) != stale+1 {
		t.Error("remembered for too long")
	}
}

func TestKindIsCheckedFieldByField(t *testing.T) {
	c := open(t)
	for field, spoil := range map[string]func(*clinical.FileKind){
		"code":           func(k *clinical.FileKind) { k.Code = "Gait Video" },
		"display":        func(k *clinical.FileKind) { k.Display = " " },
		"resource":       func(k *clinical.FileKind) { k.Resource = "Observation" },
		"category":       func(k *clinical.FileKind) { k.Category = "" },
		"contentTypes":   func(k *clinical.FileKind) { k.ContentTypes = []string{"image/*"} },
		"maxSize":        func(k *clinical.FileKind) { k.MaxSize = 0 },
		"scan":           func(k *clinical.FileKind) { k.Scan = "maybe" },
		"mismatch":       func(k *clinical.FileKind) { k.Mismatch = "" },
		"retention":      func(k *clinical.FileKind) { k.Retention = time.Second },
		"uploadTtl":      func(k *clinical.FileKind) { k.UploadTTL = -1 },
		"type":           func(k *clinical.FileKind) { k.Type = &clinical.Coding{Code: "11488-4"} },
		"categoryCoding": func(k *clinical.FileKind) { k.CategoryCoding = &clinical.Coding{System: "http://loinc.org"} },
		"modality":       func(k *clinical.FileKind) { k.Modality = &clinical.Coding{System: "x y:", Code: "a"} },
	} {
		k := house()
		spoil(&k)
		_, err := c.Records.SetKind(t.Context(), c.As("admin"), k)
		if f := clinical.AsFailure(err); f == nil || f.Kind != clinical.Invalid || f.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	for _, k := range clinical.DefaultKinds() {
		if wrong := k.Check(); len(wrong) > 0 {
			t.Errorf("the shipped %s: %v", k.Code, wrong)
		}
	}
}
