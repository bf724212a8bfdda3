package cli_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/fhir/validator"
	"github.com/bonfiredb/bonfire/internal/clinictest"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
	"github.com/bonfiredb/bonfire/records"
)

const scanPDF = "%PDF-1.7\n%%EOF\n"

// chartroom is a clinic whose charts have lived, and the environment of the commands.
type chartroom struct {
	*clinictest.Clinic
	t       *testing.T
	environ []string
}

func newChartroom(t *testing.T) *chartroom {
	t.Helper()
	env := devtest.NewFrom(t, "schema", migrate)
	return &chartroom{t: t, Clinic: clinictest.New(t, clinictest.Setup{Env: env}), environ: append(env.Environ(), "BONFIRE_PUBLIC_URL=https://files.example.org")}
}

func (c *chartroom) upload(patient clinical.PatientID, kind, contentType, title string, content []byte) clinical.File {
	c.t.Helper()
	ctx, doctor, size := c.t.Context(), c.As("clinician"), int64(len(content))
	begun, err := c.Records.BeginUpload(ctx, doctor, records.BeginUpload{Patient: patient, Kind: kind, ContentType: contentType, Title: title, Length: &size})
	check(c.t, err)
	up, err := c.Records.OpenUpload(ctx, doctor, begun.Upload.ID, nil)
	check(c.t, err)
	defer up.Release()
	_, err = up.Receive(ctx, bytes.NewReader(content), nil)
	check(c.t, err)
	f, err := up.Finish(ctx, false)
	check(c.t, err)
	return f
}

// live gives two charts a history: everything that can happen to a file or a note.
func (c *chartroom) live() {
	c.t.Helper()
	ctx, doctor, r := context.Background(), c.As("clinician"), c.Records
	pdf := func(title string) clinical.File {
		return c.upload(demo.Patient, "intake-form", "application/pdf", title, []byte(scanPDF+title))
	}
	first, second, wrong := pdf("Überweisung 紹介状 🩺"), pdf("second"), pdf("wrong")
	_, err := r.SupersedeFile(ctx, doctor, records.SupersedeFile{File: first.ID, By: second.ID, Version: first.Version})
	check(c.t, err)
	_, err = r.RetractFile(ctx, doctor, records.RetractFile{File: wrong.ID, Version: wrong.Version, Reason: "another's"})
	check(c.t, err)
	moved := pdf("moved")
	_, err = r.RefileFile(ctx, doctor, records.RefileFile{File: moved.ID, Version: moved.Version, ToPatient: demo.SecondPatient, Reason: "mixed up"})
	check(c.t, err)
	held := pdf("held")
	_, err = r.SetLegalHold(ctx, c.As("admin"), records.SetLegalHold{File: held.ID, Hold: true, Reason: "a claim"})
	check(c.t, err)
	_, err = r.ReportScan(ctx, c.As("pipeline"), records.ReportScan{File: held.ID, Status: clinical.ScanClean, Engine: "scanner 1"})
	check(c.t, err)
	audio := append([]byte{0x1a, 0x45, 0xdf, 0xa3, 0x9f, 0x42, 0x86, 0x81, 0x01, 0x42, 0xf7, 0x81, 0x01, 0x42, 0xf2, 0x81, 0x04, 0x42, 0xf3, 0x81, 0x08, 0x42, 0x82, 0x84}, "webm0123456789"...)
	tape := c.upload(demo.Patient, "session-audio", "audio/webm", "", audio)

	n, err := r.CreateNote(ctx, c.As("scribe"), records.CreateNote{Patient: demo.Patient, Title: "Visite", Draft: "S: <better> & \u2028", DerivedFrom: []string{string(tape.ID)}})
	check(c.t, err)
	n, err = r.UpdateNoteDraft(ctx, doctor, records.UpdateNoteDraft{Note: n.ID, Version: n.Version, Draft: "S: better, truly"})
	check(c.t, err)
	n, err = r.SignNote(ctx, doctor, records.SignNote{Note: n.ID, Version: n.Version})
	check(c.t, err)
	amend := func() clinical.Note {
		a, err := r.AmendNote(ctx, doctor, records.AmendNote{Note: n.ID, Draft: "S: worse", Reason: "misheard"})
		check(c.t, err)
		if a.Status == clinical.NoteDraft {
			a, err = r.SignNote(ctx, doctor, records.SignNote{Note: a.ID, Version: a.Version})
			check(c.t, err)
		}
		return a
	}
	a := amend()
	_, err = r.RetractNote(ctx, doctor, records.RetractNote{Note: a.ID, Version: a.Version, Reason: "it was right"})
	check(c.t, err)
	amend() // so that the first was amended, signed again, and amended by another
	_, err = r.CreateNote(ctx, doctor, records.CreateNote{Patient: demo.Patient, Title: "Draft", Draft: "S: later"})
	check(c.t, err)
}

// run is one command with its exit code.
func (c *chartroom) run(environ []string, code int, args ...string) ran {
	c.t.Helper()
	r := bonfire(c.t.Context(), environ, strings.NewReader(""), args...)
	if r.code != code {
		c.t.Fatalf("%v ended with %d, want %d:\n%s%s", args, r.code, code, r.out, r.err)
	}
	return r
}

// elsewhere is an empty deployment that knows the clinic by name.
func (c *chartroom) elsewhere() []string {
	c.t.Helper()
	env := devtest.NewFrom(c.t, "schema", migrate)
	environ := append(env.Environ(), "BONFIRE_PUBLIC_URL=https://files.example.org")
	c.run(environ, 0, "clinic", "set", string(demo.Harbor), "--name", "Harbor Clinic")
	return environ
}

// tree is a directory's files by their names.
func tree(t *testing.T, root string) map[string]string {
	t.Helper()
	out := map[string]string{}
	check(t, filepath.WalkDir(root, func(full string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		check(t, err)
		if want := map[bool]fs.FileMode{true: 0o700, false: 0o600}[e.IsDir()]; info.Mode().Perm() != want {
			t.Errorf("%s has mode %o", full, info.Mode().Perm())
		}
		if !e.IsDir() {
			name, _ := filepath.Rel(root, full)
			out[name] = read(t, full)
		}
		return nil
	}))
	return out
}

// record is what of an export has to come back byte by byte: all but the evidence
// of the way it went.
func record(in map[string]string) map[string]string {
	out := map[string]string{}
	for name, text := range in {
		if !strings.HasPrefix(name, "evidence/") {
			out[name] = text
		}
	}
	return out
}

// valid holds the Bundles of an export against HL7's definitions, and looks for
// addresses that open anything.
func valid(t *testing.T, in map[string]string) {
	t.Helper()
	n := 0
	for name, text := range in {
		if !strings.HasPrefix(name, "bundles/") {
			continue
		}
		n++
		reports, err := validator.Reader(t.Context(), strings.NewReader(text))
		check(t, err)
		for _, r := range reports {
			for _, f := range r.Findings {
				t.Errorf("%s: %s: %s", name, r.Resource, f)
			}
		}
		if strings.Contains(text, "X-Amz-") {
			t.Errorf("%s has a presigned URL", name)
		}
	}
	if n != 3 {
		t.Errorf("%d Bundles", n)
	}
}

func same(t *testing.T, got, want map[string]string) {
	t.Helper()
	for name, text := range want {
		if got[name] != text {
			t.Errorf("%s differs:\n%.2000s\n---\n%.2000s", name, got[name], text)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s is new", name)
		}
	}
}

// TestExportComesBackByteByByte: what one deployment exported and another
// restored, the other exports again, the same to the byte.
func TestExportComesBackByteByByte(t *testing.T) {
	c := newChartroom(t)
	c.live()
	dir := t.TempDir()
	there, back := filepath.Join(dir, "there"), filepath.Join(dir, "back")
	wantWords(t, c.run(c.environ, 0, "export", "--tenant", string(demo.Harbor), there).out, "3 charts, 6 files", "6 fetched now")
	if out, err := exec.Command("sh", "-c", "cd "+there+" && sha256sum -c manifest.sha256 && cd evidence && sha256sum -c manifest.sha256").CombinedOutput(); err != nil {
		t.Errorf("sha256sum: %v\n%s", err, out)
	}
	before := tree(t, there)
	valid(t, before)
	c.run(c.environ, 0, "audit", "verify", "--from-export", filepath.Join(there, "evidence", "audit.ndjson"))

	environ := c.elsewhere()
	wantWords(t, c.run(environ, 0, "import", there).out, "3 of 3 charts restored with 6 files and 4 notes, 0 were here already")
	c.run(environ, 0, "export", back)
	after := tree(t, back)
	same(t, record(after), record(before))

	// What differs is the way: here the trail begins with the import, and there is
	// evidence of it about every document.
	var trail []string
	for line := range strings.Lines(after["evidence/audit.ndjson"]) {
		for _, verb := range []string{"importChart", "exportChart", "updateClinic"} {
			if strings.Contains(line, `"`+verb+`"`) {
				trail = append(trail, verb)
			}
		}
	}
	if got := strings.Join(trail, " "); !strings.HasPrefix(got, "updateClinic importChart importChart importChart exportChart") {
		t.Errorf("the trail is %s", got)
	}
	arrivals := after["evidence/arrivals/"+string(demo.Patient)+".ndjson"]
	manifest := sha256.Sum256([]byte(before["manifest.sha256"]))
	wantWords(t, arrivals, `"activity":"import"`, hex.EncodeToString(manifest[:]))
	var line struct {
		Row struct{ Targets []clinical.Ref }
	}
	check(t, json.Unmarshal([]byte(arrivals), &line))
	if len(line.Row.Targets) != 9 { // five files and four notes
		t.Errorf("evidence about %+v", line.Row.Targets)
	}

	// Again, nothing happens; and the evidence travels on.
	wantWords(t, c.run(environ, 0, "import", there).out, "0 of 3 charts restored", "3 were here already")
	third := c.elsewhere()
	c.run(third, 0, "import", back)
	again := filepath.Join(dir, "again")
	c.run(third, 0, "export", again)
	onward := tree(t, again)
	same(t, record(onward), record(before))
	if got := onward["evidence/arrivals/"+string(demo.Patient)+".ndjson"]; !strings.Contains(got, strings.TrimSpace(arrivals)) || strings.Count(got, "\n") != 2 {
		t.Errorf("the evidence of the first import is lost: %s", got)
	}
}

func TestExportIsTakenUpAgain(t *testing.T) {
	c := newChartroom(t)
	c.live()
	dir := filepath.Join(t.TempDir(), "x")
	args := []string{"export", "--tenant", string(demo.Harbor), "--patient", string(demo.Patient), dir}
	wantWords(t, c.run(c.environ, 0, args...).out, "1 charts, 5 files", "5 fetched now")
	before := tree(t, dir)
	// Interrupted: no manifest, half a file, and one that was harmed meanwhile.
	check(t, os.Remove(filepath.Join(dir, "manifest.sha256")))
	write(t, filepath.Join(dir, "bytes", ".partial-1"), "half")
	var harmed string
	for name := range before {
		if strings.HasPrefix(name, "bytes/") {
			harmed = name
		}
	}
	write(t, filepath.Join(dir, harmed), strings.ToUpper(before[harmed])+"!")
	wantWords(t, c.run(c.environ, 2, "import", dir).err, "was interrupted")
	wantWords(t, c.run(c.environ, 0, args...).out, "1 fetched now")
	same(t, record(tree(t, dir)), record(before))

	for _, line := range strings.SplitAfter(tree(t, dir)["evidence/audit.ndjson"], "\n") {
		if line != "" && !strings.Contains(line, "Patient/"+string(demo.Patient)) {
			t.Errorf("an event of another patient: %s", line)
		}
	}
	// Of another patient, or of nobody's making: neither is touched.
	wantWords(t, c.run(c.environ, 2, "export", "--tenant", string(demo.Harbor), dir).err, "holds something else")
	foreign := t.TempDir()
	write(t, filepath.Join(foreign, "letter.txt"), "mine")
	wantWords(t, c.run(c.environ, 2, "export", "--tenant", string(demo.Harbor), foreign).err, "holds something else")
	wantWords(t, c.run(c.environ, 1, "export", "--tenant", string(demo.Harbor), "--patient", "nobody", filepath.Join(t.TempDir(), "y")).err, "not found")
}

func TestExportWithoutBytesIsNotComplete(t *testing.T) {
	c := newChartroom(t)
	f := c.upload(demo.Patient, "intake-form", "application/pdf", "", []byte(scanPDF))
	check(t, c.Bucket.Delete(t.Context(), f.ObjectKey))
	dir := filepath.Join(t.TempDir(), "x")
	wantWords(t, c.run(c.environ, 1, "export", "--tenant", string(demo.Harbor), dir).err, "not complete", string(f.ID))
	if _, err := os.Stat(filepath.Join(dir, "manifest.sha256")); err == nil {
		t.Error("it has a manifest")
	}
}

// What was changed on the way is named, and what is another's is left alone.
func TestImportRefusesWhatIsNotTheExport(t *testing.T) {
	c := newChartroom(t)
	c.live()
	dir := filepath.Join(t.TempDir(), "x")
	c.run(c.environ, 0, "export", "--tenant", string(demo.Harbor), dir)
	environ := c.elsewhere()
	rows := filepath.Join("rows", string(demo.Patient)+".ndjson")
	good := read(t, filepath.Join(dir, rows))
	harm := func(text string, resign bool) {
		t.Helper()
		write(t, filepath.Join(dir, rows), text)
		if !resign {
			return
		}
		was, is := sha256.Sum256([]byte(good)), sha256.Sum256([]byte(text))
		m := filepath.Join(dir, "manifest.sha256")
		write(t, m, strings.Replace(read(t, m), hex.EncodeToString(was[:]), hex.EncodeToString(is[:]), 1))
	}
	manifest := read(t, filepath.Join(dir, "manifest.sha256"))
	restore := func() { harm(good, false); write(t, filepath.Join(dir, "manifest.sha256"), manifest) }

	harm(strings.Replace(good, "truly", "hardly", 1), false)
	wantWords(t, c.run(environ, 1, "import", dir).err, "changed: "+rows, "nothing was restored")
	restore()
	for name, h := range map[string]struct{ text, says string }{
		"a signed text":   {strings.Replace(good, "truly", "hardly", 1), "note"},
		"another's row":   {strings.Replace(good, `"patient_id":"`+string(demo.Patient), `"patient_id":"`+string(demo.SecondPatient), 1), "another patient's chart"},
		"another's bytes": {strings.Replace(good, `"object_key":"2`, `"object_key":"../lakeside-clinic/2`, 1), "object_key"},
		"an odd column":   {strings.Replace(good, `"legal_hold"`, `"legal_held"`, 1), "legal_hold"},
		"an odd table":    {strings.Replace(good, `"table":"patient"`, `"table":"member_roles"`, 1), "no table of a chart"},
	} {
		if h.text == good {
			t.Fatalf("%s: nothing was harmed", name)
		}
		harm(h.text, true)
		wantWords(t, c.run(environ, 1, "import", dir).err, h.says)
		restore()
	}
	// None of these left anything behind: the chart comes in whole.
	wantWords(t, c.run(environ, 0, "import", dir).out, "1 of 3 charts restored", "2 were here already")

	// Where the chart went on living, it is not overwritten.
	n, err := c.Records.CreateNote(t.Context(), c.As("clinician"), records.CreateNote{Patient: demo.SecondPatient, Title: "New", Draft: "S: new"})
	check(t, err)
	c.run(c.environ, 0, "export", "--tenant", string(demo.Harbor), dir)
	_, err = c.Records.UpdateNoteDraft(t.Context(), c.As("clinician"), records.UpdateNoteDraft{Note: n.ID, Version: 1, Draft: "S: newer"})
	check(t, err)
	r := c.run(c.environ, 1, "import", dir)
	wantWords(t, r.err, "chart "+string(demo.SecondPatient)+" was not restored: note "+string(n.ID)+": exists here, and is not the same")
	wantWords(t, r.out, "0 of 3 charts restored", "2 were here already")
}
