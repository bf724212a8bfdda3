package records_test

import (
	"bytes"
	"net/http"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/clinictest"
	"github.com/bonfiredb/bonfire/records"
)

func TestRetention(t *testing.T) {
	late := time.Now()
	day := 24 * time.Hour
	c := open(t, clinictest.Setup{Records: func(o *records.Options) {
		o.Now = func() time.Time { return late }
		o.Kinds = clinical.DefaultKinds()
		for i := range o.Kinds {
			switch k := &o.Kinds[i]; k.Code {
			case "intake-form":
				k.Retention = 30 * day
			case "session-audio":
				k.Retention = 7 * day
			case "dictation-audio":
				k.Retention, k.PurgeSigned = 7*day, true
			}
		}
	}})
	upload := func(kind string) clinical.File {
		in, content := intake(), pdf
		if in.Kind = kind; kind == "session-audio" || kind == "dictation-audio" {
			in.ContentType, content = "audio/webm", webm
		}
		return c.upload("clinician", in, content)
	}
	due, held, signed, drafted, anyway, kept := upload("intake-form"), upload("intake-form"), upload("session-audio"), upload("session-audio"), upload("dictation-audio"), upload("consent")
	from := func(f clinical.File) clinical.Note {
		return c.draft("clinician", func(in *records.CreateNote) { in.DerivedFrom = []string{string(f.ID)} })
	}
	c.mustSign("clinician", from(signed))
	c.mustSign("clinician", from(anyway))
	from(drafted)
	if _, err := c.Records.SetLegalHold(t.Context(), c.As("admin"), records.SetLegalHold{File: held.ID, Hold: true, Reason: "litigation"}); err != nil {
		t.Fatal(err)
	}
	direct, err := c.link("clinician", due, clinical.Direct)
	if err != nil {
		t.Fatal(err)
	}
	purge := func() {
		t.Helper()
		if err := c.Records.Purge(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	late = late.Add(29 * day)
	purge()
	if f := c.file("clinician", due.ID); f.PurgedAt != nil {
		t.Error("given up a day too early")
	}
	late = late.Add(2 * day)
	purge()
	purge() // once is enough
	for _, f := range []clinical.File{due, drafted, anyway} {
		if now := c.file("clinician", f.ID); now.PurgedAt == nil || now.Version != f.Version+1 || now.Status != clinical.FileCurrent {
			t.Errorf("%s was not given up: %+v", f.Kind, now)
		}
		_, err := c.link("clinician", f, clinical.Direct)
		c.wantKind(err, clinical.Gone)
		cert, err := c.Records.FileDeletion(t.Context(), c.As("clinician"), f.ID)
		if err != nil || !bytes.Equal(cert.SHA256, f.Digests.SHA256) || cert.Size != f.Size || cert.Kind != f.Kind || cert.Rule == "" || cert.DeletedAt != nil || cert.DecidedAt.After(late) {
			t.Errorf("certificate of %s: %+v (%v)", f.Kind, cert, err)
		}
		if p := c.last(f); p.Activity != clinical.ActivityDestroy || p.Agents[0].ActorKind != clinical.System {
			t.Errorf("evidence: %+v", p)
		}
	}
	for _, f := range []clinical.File{held, signed, kept} {
		if now := c.file("clinician", f.ID); now.PurgedAt != nil {
			t.Errorf("%s was given up", f.Kind)
		}
		if _, err := c.link("clinician", f, clinical.Direct); err != nil {
			t.Error(err)
		}
		_, err := c.Records.FileDeletion(t.Context(), c.As("clinician"), f.ID)
		c.wantKind(err, clinical.NotFound)
	}
	if n := len(c.events("purgeFile")); n != 3 {
		t.Errorf("%d events", n)
	}
	// The object goes with the garbage; then the certificate is complete.
	if res, _ := get(t, direct.URL); res.StatusCode != http.StatusOK {
		t.Fatalf("the object went before its time: %s", res.Status)
	}
	if err := c.Records.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if res, _ := get(t, direct.URL); res.StatusCode != http.StatusNotFound {
		t.Errorf("the object is still there: %s", res.Status)
	}
	if cert, err := c.Records.FileDeletion(t.Context(), c.As("clinician"), due.ID); err != nil || cert.DeletedAt == nil {
		t.Errorf("certificate: %+v (%v)", cert, err)
	}
	// The hold is lifted: now its time has come.
	if _, err := c.Records.SetLegalHold(t.Context(), c.As("admin"), records.SetLegalHold{File: held.ID, Hold: false, Reason: "settled"}); err != nil {
		t.Fatal(err)
	}
	purge()
	if now := c.file("clinician", held.ID); now.PurgedAt == nil {
		t.Error("kept after the hold was lifted")
	}
}
