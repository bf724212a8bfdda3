package cli_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/bonfiredb/bonfire/blob"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/clinictest"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
	"github.com/bonfiredb/bonfire/records"
)

// trail is a clinic with some events, and the environment of the commands.
type trail struct {
	*clinictest.Clinic
	t       *testing.T
	environ []string
	db      *sql.DB
}

func newTrail(t *testing.T) *trail {
	t.Helper()
	env := devtest.NewFrom(t, "schema", migrate)
	var ticks atomic.Int64 // a clock that passes no minute: denials are counted by the minute
	began := time.Now().UTC().Truncate(time.Minute)
	tr := &trail{t: t, Clinic: clinictest.New(t, clinictest.Setup{Env: env, Records: func(o *records.Options) {
		o.Now = func() time.Time { return began.Add(time.Duration(ticks.Add(1)) * time.Millisecond) }
	}})}
	tr.environ = append(env.Environ(), "BONFIRE_PUBLIC_URL=https://files.example.org")
	var err error
	if tr.db, err = sql.Open("pgx", env.AdminURL); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tr.db.Close() })
	for range 3 {
		tr.look("clinician", demo.Patient)
		if _, err := tr.Records.Patient(t.Context(), tr.As("colleague"), demo.Patient); !clinical.Is(err, clinical.NotFound) {
			t.Fatal(err)
		}
		if err := tr.Records.Seal(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return tr
}

func (tr *trail) look(who string, patient clinical.PatientID) {
	tr.t.Helper()
	if _, err := tr.Records.Patient(tr.t.Context(), tr.As(who), patient); err != nil {
		tr.t.Fatal(err)
	}
}

// audit runs `bonfire audit ARGS` and expects an exit code.
func (tr *trail) audit(code int, args ...string) ran {
	tr.t.Helper()
	r := bonfire(tr.t.Context(), tr.environ, strings.NewReader(""), append([]string{"audit"}, args...)...)
	if r.code != code {
		tr.t.Fatalf("audit %v ended with %d, want %d:\n%s%s", args, r.code, code, r.out, r.err)
	}
	return r
}

func wantWords(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("it does not say %q:\n%s", w, text)
		}
	}
}

func TestAuditVerify(t *testing.T) {
	tr := newTrail(t)
	tr.look("clerk", demo.Patient)
	r := tr.audit(0, "verify")
	wantWords(t, r.out, "tenant harbor-clinic: 4 events in 3 seals, 3 of them anchored", "head ", "1 events wait for their seal",
		"tenant harbor-clinic: intact", "tenant lakeside-clinic: intact")
	if r := tr.audit(0, "verify", "--tenant", "lakeside-clinic"); strings.Contains(r.out, "harbor") {
		t.Errorf("one tenant was asked for:\n%s", r.out)
	}
	tr.audit(2, "verify", "--tenant", "no-such-clinic")
	tr.audit(2, "verify", "--seals", "x")
	tr.audit(2, "verify", "more")
	environ := tr.environ
	tr.environ = append(slices.Clone(environ), "BONFIRE_S3_ENDPOINT=http://127.0.0.1:1")
	wantWords(t, tr.audit(2, "verify").err, "could not be checked")
	tr.environ = []string{"BONFIRE_S3_BUCKET=b"}
	wantWords(t, tr.audit(2, "verify").err, "BONFIRE_DATABASE_URL: not set")
	tr.environ = environ

	var id string
	if err := tr.db.QueryRow(`UPDATE audit_event SET outcome = '0' WHERE outcome = '4' AND seq = (SELECT min(seq) FROM audit_event WHERE outcome = '4') RETURNING id`).Scan(&id); err != nil {
		t.Fatal(err)
	}
	r = tr.audit(1, "verify")
	wantWords(t, r.out, "(event "+id+"): changed, seal ", "NOT INTACT, 1 finding; the first: tenant harbor-clinic: row", "tenant lakeside-clinic: intact")
}

func TestAuditExport(t *testing.T) {
	tr := newTrail(t)
	tr.look("clerk", demo.Patient) // sealed by the export
	dir := t.TempDir()
	file := filepath.Join(dir, "trail.ndjson")
	r := tr.audit(0, "export", "--tenant", "harbor-clinic", "-o", file)
	wantWords(t, r.err, "6 events in 4 seals") // the export's own is among them
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	lines := strings.Split(strings.TrimSpace(read(t, file)), "\n")
	var last struct {
		ResourceType, ID string
		Agent            []struct{ Who struct{ Reference string } }
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || len(lines) != 6 || last.ResourceType != "AuditEvent" {
		t.Fatalf("%d lines, the last %+v, %v", len(lines), last, err)
	}
	wantWords(t, strings.Join(lines, "\n"), `"valueString":"2"`, "repeats", "Patient/"+string(demo.Patient))
	r = tr.audit(0, "verify", "--from-export", file)
	wantWords(t, r.out, "an export from the beginning to the end, of 6 events", "intact", "0 of them anchored")
	wantWords(t, tr.audit(0, "verify", "--from-export", file, "--anchors").out, "4 of them anchored")
	tr.audit(2, "export", "--tenant", "harbor-clinic", "-o", file)              // overwrites nothing
	tr.audit(2, "export", "-o", filepath.Join(dir, "x"))                        // which tenant?
	tr.audit(2, "export", "--tenant", "harbor-clinic", "--from", "yesterday")   // no instant
	tr.audit(2, "verify", "--from-export", filepath.Join(dir, "none"))          // no such file
	tr.audit(2, "verify", "--from-export", file, "--seals", file)               // no seals
	tr.audit(2, "verify", "--from-export", file, "--tenant", "lakeside-clinic") // another's trail
	if _, err := os.Stat(filepath.Join(dir, "x")); err == nil {
		t.Error("a file was left behind")
	}
	out := tr.audit(0, "export", "--tenant", "harbor-clinic").out
	if n := strings.Count(out, "\n"); n != 7 || strings.Count(out, lines[0]) != 1 {
		t.Errorf("%d lines on standard output", n)
	}

	now := time.Now().UTC() // of a time without events
	part := filepath.Join(dir, "part.ndjson")
	tr.audit(0, "export", "--tenant", "harbor-clinic", "-o", part, "--to", now.Add(-time.Hour).Format(time.RFC3339), "--from", "2026-01-01")
	if got := read(t, part); got != "" {
		t.Errorf("exported %s", got)
	}
	tr.audit(0, "verify", "--from-export", part)
}

// An export of some of the time begins in the middle of the chain.
func TestAuditExportOfATime(t *testing.T) {
	tr := newTrail(t)
	var from, before time.Time
	if err := tr.db.QueryRow(`SELECT first_at, last_at FROM audit_seal WHERE number = 2 AND tenant_id = 'harbor-clinic'`).Scan(&from, &before); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "trail.ndjson")
	r := tr.audit(0, "export", "--tenant", "harbor-clinic", "-o", file, "--from", from.UTC().Format(time.RFC3339Nano),
		"--to", before.Add(time.Microsecond).UTC().Format(time.RFC3339Nano))
	wantWords(t, r.err, "1 event in 1 seal")
	wantWords(t, tr.audit(0, "verify", "--from-export", file, "--anchors").out, "1 of them anchored, the last is seal 2", "intact")
}

// Whatever is done to the files of an export is found.
func TestTamperedExportIsFound(t *testing.T) {
	tr := newTrail(t)
	file := filepath.Join(t.TempDir(), "trail.ndjson")
	tr.audit(0, "export", "--tenant", "harbor-clinic", "-o", file)
	events, seals := read(t, file), read(t, file+".seals")
	lines := strings.SplitAfter(events, "\n")
	swap := func(s string, i, j int) string {
		l := strings.SplitAfter(s, "\n")
		l[i], l[j] = l[j], l[i]
		return strings.Join(l, "")
	}
	clinician := string(tr.As("clinician").ID)
	for name, c := range map[string]struct {
		events, seals string
		code          int
		says          string
	}{
		"an event changed":    {strings.Replace(events, clinician, nobody, 1), seals, 1, "differs from its row"},
		"an event removed":    {strings.Join(lines[1:], ""), seals, 1, "differs from its row"},
		"an event twice":      {lines[0] + events, seals, 1, "no row tells of it"},
		"events reordered":    {swap(events, 0, 1), seals, 1, "differs from its row"},
		"rubbish":             {events + "rubbish\n", seals, 1, "no row tells of it"},
		"a row changed":       {events, strings.Replace(seals, `"actor_id":"`+clinician, `"actor_id":"`+nobody, 1), 1, "changed, seal 1"},
		"both changed":        {strings.Replace(events, clinician, nobody, 1), strings.Replace(seals, `"actor_id":"`+clinician, `"actor_id":"`+nobody, 1), 1, "changed, seal 1"},
		"a row removed":       {strings.Join(lines[1:], ""), without(seals, 2), 2, "not whole"},
		"cut off":             {events, seals[:len(seals)-30], 2, "ends early"},
		"seals in disorder":   {events, swap(seals, 1, 3), 2, ""},
		"a seal of its own":   {events, strings.Replace(seals, `"number":2`, `"number":3`, 1), 1, "seal removed"},
		"another's rendering": {strings.ReplaceAll(events, "files.example.org", "files.example.com"), seals, 1, "differs from its row"},
	} {
		t.Run(name, func(t *testing.T) {
			harmed := filepath.Join(t.TempDir(), "trail.ndjson")
			write(t, harmed, c.events)
			write(t, harmed+".seals", c.seals)
			r := tr.audit(c.code, "verify", "--from-export", harmed)
			wantWords(t, r.out+r.err, c.says)
		})
	}
}

const nobody = "00000000-0000-7000-8000-00000000dead"

// without is text without one of its lines.
func without(text string, n int) string {
	lines := strings.SplitAfter(text, "\n")
	return strings.Join(slices.Delete(lines, n, n+1), "")
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAuditIngestAccessLog(t *testing.T) {
	tr := newTrail(t)
	pdf := []byte("%PDF-1.7\n%%EOF\n")
	size := int64(len(pdf))
	ctx, clinician := t.Context(), tr.As("clinician")
	begun, err := tr.Records.BeginUpload(ctx, clinician, records.BeginUpload{Patient: demo.Patient, Kind: "intake-form", ContentType: "application/pdf", Length: &size})
	check(t, err)
	up, err := tr.Records.OpenUpload(ctx, clinician, begun.Upload.ID, nil)
	check(t, err)
	_, err = up.Receive(ctx, strings.NewReader(string(pdf)), nil)
	check(t, err)
	file, err := up.Finish(ctx, false)
	check(t, err)
	up.Release()
	link, err := tr.Records.SignedURL(ctx, clinician, records.SignedURL{Document: string(file.ID)})
	check(t, err)
	u, err := url.Parse(link.URL)
	check(t, err)
	line := func(request, target string) string {
		return fmt.Sprintf(`o %s [06/Feb/2027:00:00:38 +0000] 192.0.2.3 arn:aws:iam::1:user/b %s REST.GET.OBJECT %s "GET %s HTTP/1.1" 200 - 14 14 7 5 "-" "Mozilla/5.0" - h= SigV4 E QueryString h TLSV1.2 - - us-east-1`+"\n",
			tr.Env.Bucket, request, file.ObjectKey, target)
	}
	log := filepath.Join(t.TempDir(), "log")
	write(t, log, line("REQ1", u.RequestURI())+line("REQ2", u.RequestURI())+line("REQ3", "/x"))
	wantWords(t, tr.audit(0, "ingest-access-log", log).out, "3 lines in 1 logs", "2 downloads recorded, 0 known already, 0 requests refused by the bucket, 1 other")
	for i, text := range []string{line("REQ2", u.RequestURI()) + line("REQ4", u.RequestURI()), "rubbish\n"} {
		_, err := tr.Bucket.Put(ctx, fmt.Sprintf("logs/%d", i), "text/plain", blob.BytesBody([][]byte{[]byte(text)}))
		check(t, err)
	}
	r := tr.audit(1, "ingest-access-log", "s3://"+tr.Env.Bucket+"/logs/")
	wantWords(t, r.out, "3 lines in 2 logs", "1 downloads recorded, 1 known already", "1 lines could not be read")
	wantWords(t, r.err, "logs/1: line 1 is not understood")
	tr.audit(2, "ingest-access-log")
	tr.audit(2, "ingest-access-log", filepath.Join(t.TempDir(), "none"))
	var n int
	check(t, tr.db.QueryRow(`SELECT count(*) FROM audit_event WHERE verb = 'download' AND patient_id = $1`, string(demo.Patient)).Scan(&n))
	if n != 3 {
		t.Errorf("%d downloads in the trail", n)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
