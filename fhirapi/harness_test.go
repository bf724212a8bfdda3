package fhirapi_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/fhir"
	"github.com/bonfiredb/bonfire/fhirapi"
	"github.com/bonfiredb/bonfire/internal/clinictest"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
	"github.com/bonfiredb/bonfire/records"
	"github.com/bonfiredb/bonfire/store"
)

func TestMain(m *testing.M) { devtest.Main(m) }

var devKey = bytes.Repeat([]byte("k"), 32)

// desk is the demo clinic behind the facade.
type desk struct {
	*clinictest.Clinic
	t          *testing.T
	base       string
	log        *journal
	statements *statements
}

// statements counts what the verbs ask of the database.
type statements struct {
	slog.Handler
	n atomic.Int64
}

func (s *statements) Enabled(context.Context, slog.Level) bool { return true }

func (s *statements) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "sql" {
		s.n.Add(1)
	}
	return nil
}

type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.String()
}

func open(t *testing.T) *desk {
	t.Helper()
	d := &desk{Clinic: clinictest.New(t), t: t, log: &journal{}, statements: &statements{}}
	counted, err := store.Open(t.Context(), d.Env.AppURL, store.Options{Log: slog.New(d.statements), Debug: true})
	d.must(err)
	t.Cleanup(func() { _ = counted.Close() })
	verbs := records.New(records.Options{
		Store: counted, Gate: d.Gate, Bucket: d.Bucket, Ledger: d.Ledger, Keys: d.Keys, PublicURL: "http://127.0.0.1", Log: slog.New(slog.DiscardHandler),
	})
	tokens, err := auth.NewDevTokens(devKey, time.Now)
	d.must(err)
	log := slog.New(slog.NewJSONHandler(d.log, nil))
	var inside http.Handler
	srv := httptest.NewServer(auth.Requests(log, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { inside.ServeHTTP(w, r) })))
	t.Cleanup(srv.Close)
	d.base = srv.URL + "/fhir/R4/"
	inside, err = fhirapi.New(fhirapi.Options{
		Records: verbs, FHIR: fhir.Renderer{Base: srv.URL + "/fhir/R4", Systems: "https://bonfire.example/fhir", Server: "bonfire.test"},
		Authenticate: auth.New(auth.MembersOf(d.Store), tokens).MiddlewareWith, Version: "v1", Released: time.Now(), Log: log,
	})
	d.must(err)
	return d
}

func (d *desk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

type answer struct {
	*http.Response
	body []byte
}

// noRedirect shows redirects instead of following them.
var noRedirect = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// do sends a request as a demo principal, "" for nobody; headers are pairs.
func (d *desk) do(method, who, path string, headers ...string) answer {
	d.t.Helper()
	if !strings.HasPrefix(path, "http") {
		path = d.base + path
	}
	req, err := http.NewRequestWithContext(d.t.Context(), method, path, nil)
	d.must(err)
	if who != "" {
		token, err := auth.DevToken{Name: who, Expires: time.Now().Add(time.Hour), MFA: true}.Sign(devKey, time.Now())
		d.must(err)
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := noRedirect.Do(req)
	d.must(err)
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	d.must(err)
	return answer{res, body}
}

func (d *desk) get(who, path string, headers ...string) answer {
	d.t.Helper()
	return d.do(http.MethodGet, who, path, headers...)
}

// bundle is as much of a Bundle as the tests look at.
type bundle struct {
	ResourceType, Type string
	Total              *int
	Link               []struct{ Relation, URL string }
	Entry              []struct {
		FullURL  string
		Resource json.RawMessage
		Search   struct{ Mode string }
	}
}

func (b bundle) link(relation string) string {
	for _, l := range b.Link {
		if l.Relation == relation {
			return l.URL
		}
	}
	return ""
}

// ids lists "Type/id" of the entries.
func (b bundle) ids() []string {
	out := []string{}
	for _, e := range b.Entry {
		parts := strings.Split(e.FullURL, "/")
		out = append(out, strings.Join(parts[len(parts)-2:], "/"))
	}
	return out
}

// search gets a Bundle.
func (d *desk) search(who, path string, headers ...string) bundle {
	d.t.Helper()
	a := d.get(who, path, headers...)
	var b bundle
	if err := json.Unmarshal(a.body, &b); err != nil || a.StatusCode != 200 || b.ResourceType != "Bundle" {
		d.t.Fatalf("GET %s: %s %v %.500s", path, a.Status, err, a.body)
	}
	return b
}

func (d *desk) upload(who string, in records.BeginUpload, content []byte) clinical.File {
	d.t.Helper()
	ctx, actor, size := d.t.Context(), d.As(who), int64(len(content))
	in.Patient, in.Length = demo.Patient, &size
	begun, err := d.Records.BeginUpload(ctx, actor, in)
	d.must(err)
	up, err := d.Records.OpenUpload(ctx, actor, begun.Upload.ID, nil)
	d.must(err)
	defer up.Release()
	_, err = up.Receive(ctx, bytes.NewReader(content), nil)
	d.must(err)
	f, err := up.Finish(ctx, false)
	d.must(err)
	return f
}

var (
	pdf  = []byte("%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n")
	webm = append([]byte{
		0x1a, 0x45, 0xdf, 0xa3, 0x9f, 0x42, 0x86, 0x81, 0x01, 0x42, 0xf7, 0x81, 0x01, 0x42, 0xf2, 0x81,
		0x04, 0x42, 0xf3, 0x81, 0x08, 0x42, 0x82, 0x84,
	}, "webm0123456789"...)
)

// chart is what the tests put into the first demo patient's chart.
type chart struct {
	form, lab, audio, raw clinical.File
	signed, amended       clinical.Note
}

func (d *desk) fill() (c chart) {
	d.t.Helper()
	ctx, who := d.t.Context(), d.As("clinician")
	at := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	c.form = d.upload("clinician", records.BeginUpload{Kind: "intake-form", ContentType: "application/pdf", Title: "Überweisung <&> 患者", Encounter: demo.Encounter}, pdf)
	c.lab = d.upload("clinician", records.BeginUpload{Kind: "lab-report", ContentType: "application/pdf", Title: "Lab", CapturedAt: &at}, pdf)
	c.audio = d.upload("scribe", records.BeginUpload{Kind: "session-audio", ContentType: "audio/webm", CapturedAt: &at}, webm)
	c.raw = d.upload("clinician", records.BeginUpload{Kind: "raw", ContentType: "application/octet-stream"}, []byte("raw"))
	draft, err := d.Records.CreateNote(ctx, d.As("scribe"), records.CreateNote{
		Patient: demo.Patient, Encounter: demo.Encounter, Title: "Follow-up", Draft: "S: better", DerivedFrom: []string{string(c.audio.ID)},
	})
	d.must(err)
	c.signed, err = d.Records.SignNote(ctx, who, records.SignNote{Note: draft.ID, Version: draft.Version, AttestedSHA256: draft.TextSHA256})
	d.must(err)
	amendment, err := d.Records.AmendNote(ctx, who, records.AmendNote{Note: c.signed.ID, Draft: "S: worse", Reason: "misheard"})
	d.must(err)
	c.amended, err = d.Records.SignNote(ctx, who, records.SignNote{Note: amendment.ID, Version: amendment.Version, AttestedSHA256: amendment.TextSHA256})
	d.must(err)
	return c
}

// write makes n drafts with their evidence, past the verbs.
func (d *desk) write(n int) {
	d.t.Helper()
	by, text := d.As("clinician"), strings.Repeat("Well. ", 100)
	sum := sha256.Sum256([]byte(text))
	part := func(ctx context.Context, tx *store.Tx, from, to int) error {
		for i := from; i < to; i++ {
			at := time.Date(2026, 1, 1, 0, i, 0, 0, time.UTC)
			note := clinical.Note{
				ID: clinical.NewID[clinical.NoteID](at), Tenant: by.Tenant, Patient: demo.Patient, Encounter: demo.Encounter, Status: clinical.NoteDraft,
				Version: 1, Title: fmt.Sprint("Visit ", i), Text: text, TextSHA256: sum[:], Author: by.ID, AuthorKind: by.Kind, CreatedAt: at, UpdatedAt: at,
			}
			if err := tx.InsertNote(ctx, note, by); err != nil {
				return err
			}
			if err := tx.AppendProvenance(ctx, clinical.Provenance{
				ID: clinical.NewID[clinical.ProvenanceID](at), Tenant: by.Tenant, Patient: demo.Patient, RecordedAt: at, Activity: clinical.ActivityDraft,
				Targets: []clinical.Ref{{Type: "DocumentReference", ID: string(note.ID), Version: 1}},
				Agents:  []clinical.ProvenanceAgent{{Type: "author", Actor: by.ID, ActorKind: by.Kind}},
			}); err != nil {
				return err
			}
		}
		return nil
	}
	const each = 500
	var group errgroup.Group
	for from := 0; from < n; from += each {
		group.Go(func() error {
			return d.Store.InTx(d.t.Context(), by.Tenant, func(ctx context.Context, tx *store.Tx) error { return part(ctx, tx, from, min(from+each, n)) })
		})
	}
	d.must(group.Wait())
}
