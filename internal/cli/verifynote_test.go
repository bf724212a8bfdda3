package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/fhir"
	"github.com/bonfiredb/bonfire/internal/clinictest"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/records"
)

// exportedNote is a signed note of a real recording, exported with its evidence.
func exportedNote(t *testing.T, c *clinictest.Clinic, content []byte) (note clinical.Note, export string) {
	t.Helper()
	ctx, doctor := context.Background(), c.As("clinician")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	size := int64(len(content))
	begun, err := c.Records.BeginUpload(ctx, doctor, records.BeginUpload{Patient: demo.Patient, Kind: "session-audio", ContentType: "audio/webm", Length: &size})
	must(err)
	up, err := c.Records.OpenUpload(ctx, doctor, begun.Upload.ID, nil)
	must(err)
	defer up.Release()
	_, err = up.Receive(ctx, bytes.NewReader(content), nil)
	must(err)
	f, err := up.Finish(ctx, false)
	must(err)
	n, err := c.Records.CreateNote(ctx, doctor, records.CreateNote{Patient: demo.Patient, Title: "Visit", Draft: "S: better", DerivedFrom: []string{string(f.ID)}})
	must(err)
	n, err = c.Records.SignNote(ctx, doctor, records.SignNote{Note: n.ID, Version: 1})
	must(err)
	how, err := c.Records.NoteProvenance(ctx, doctor, n.ID)
	must(err)
	r := fhir.Renderer{Base: "https://clinic.example/fhir/R4", Systems: "https://clinic.example/fhir"}
	all := []fhir.Resource{r.Note(n, n.SourceRefs()), r.File(f, clinical.FileKind{}, fhir.ActorRef{})}
	for _, p := range how {
		all = append(all, r.Provenance(p))
	}
	b, err := json.Marshal(all)
	must(err)
	return n, string(b)
}

func TestVerifyNote(t *testing.T) {
	c := clinictest.New(t)
	audio := append([]byte{0x1a, 0x45, 0xdf, 0xa3, 0x9f, 0x42, 0x86, 0x81, 0x01, 0x42, 0xf7, 0x81, 0x01, 0x42, 0xf2, 0x81, 0x04, 0x42, 0xf3, 0x81, 0x08, 0x42, 0x82, 0x84}, "webm0123456789"...)
	note, export := exportedNote(t, c, audio)
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	keys, good := write("jwks.json", string(c.Keys.Public())), write("note.json", export)
	write("bytes/session.webm", string(audio))
	write("cut/session.webm", string(audio[1:]))
	altered := write("altered.json", strings.Replace(export, "UzogYmV0dGVy", "Uzogd29yc2Uh", 1))
	for name, tc := range map[string]struct {
		args []string
		code int
		says string
	}{
		"as it was signed":  {[]string{good, "--keys", keys, "--bytes", filepath.Join(dir, "bytes"), "--note", string(note.ID)}, 0, "its bytes are the signed ones"},
		"without the bytes": {[]string{good, "--keys", keys}, 0, "everything is as it was signed"},
		"other bytes":       {[]string{good, "--keys", keys, "--bytes", filepath.Join(dir, "cut")}, 1, "FAIL  " + string(note.ID) + "  source Media/"},
		"another text":      {[]string{altered, "--keys", keys}, 1, "FAIL  " + string(note.ID) + "  text:"},
		"no such note":      {[]string{good, "--keys", keys, "--note", "00000000-0000-7000-8000-00000000dead"}, 1, ""},
		"no keys":           {[]string{good}, 2, ""},
		"keys that are not": {[]string{good, "--keys", good}, 2, ""},
		"no file":           {[]string{filepath.Join(dir, "nowhere"), "--keys", keys}, 2, ""},
	} {
		ran := bonfire(t.Context(), nil, nil, append([]string{"verify", "note"}, tc.args...)...)
		if ran.code != tc.code || !strings.Contains(ran.out, tc.says) {
			t.Errorf("%s: code %d, want %d\n%s%s", name, ran.code, tc.code, ran.out, ran.err)
		}
	}
}
