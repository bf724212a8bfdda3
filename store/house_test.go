package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
	"github.com/bonfiredb/bonfire/policy"
)

func TestMain(m *testing.M) { devtest.Main(m) }

const (
	north clinical.TenantID = "north"
	south clinical.TenantID = "south"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func migrated(ctx context.Context, ownerURL string) error {
	_, err := Migrate(ctx, ownerURL)
	return err
}

// house is a migrated database with two clinics.
type house struct {
	testing.TB
	env     *devtest.Env
	db      *DB
	engine  *policy.Engine
	retries atomic.Int32 // lines that the log has had
}

func newHouse(t testing.TB) *house {
	t.Helper()
	return settleIn(t, devtest.NewFrom(t, "store", migrated))
}

func settleIn(t testing.TB, env *devtest.Env) *house {
	t.Helper()
	engine, err := policy.Default()
	if err != nil {
		t.Fatal(err)
	}
	h := &house{TB: t, env: env, engine: engine}
	h.db = h.open(env.AppURL)
	for _, tenant := range []clinical.TenantID{north, south} {
		h.in(tenant, func(ctx context.Context, tx *Tx) error {
			return tx.UpsertClinic(ctx, Clinic{Tenant: tenant, Display: "Clinic " + string(tenant)})
		})
	}
	return h
}

func (h *house) open(url string) *DB {
	h.Helper()
	db, err := Open(h.Context(), url, Options{Log: slog.New(slog.NewTextHandler(h, nil))})
	if err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() { _ = db.Close() })
	return db
}

// Write is the log.
func (h *house) Write(p []byte) (int, error) {
	h.retries.Add(1)
	h.Logf("%s", p)
	return len(p), nil
}

// in runs fn in a transaction that must succeed.
func (h *house) in(tenant clinical.TenantID, fn func(ctx context.Context, tx *Tx) error) {
	h.Helper()
	if err := h.db.InTx(h.Context(), tenant, fn); err != nil {
		h.Fatal(err)
	}
}

// as opens a plain connection, for what the package itself offers no way to do.
func (h *house) as(url string) *sql.DB {
	h.Helper()
	db, err := sql.Open("pgx", url)
	if err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() { _ = db.Close() })
	return db
}

func (h *house) exec(db *sql.DB, query string, args ...any) {
	h.Helper()
	if _, err := db.ExecContext(h.Context(), query, args...); err != nil {
		h.Fatal(err)
	}
}

func (h *house) patient(tenant clinical.TenantID, change ...func(*clinical.Patient)) clinical.Patient {
	h.Helper()
	p := clinical.Patient{
		ID: clinical.NewID[clinical.PatientID](noon), Tenant: tenant, DisplayName: "Ada Example",
		Identifiers: []clinical.Identifier{{System: "urn:mrn", Value: "MRN-7"}},
		CreatedAt:   noon, CreatedBy: clinical.NewID[clinical.ActorID](noon),
	}
	for _, c := range change {
		c(&p)
	}
	h.in(tenant, func(ctx context.Context, tx *Tx) error { return tx.InsertPatient(ctx, p, []string{"ward-7"}) })
	return p
}

func (h *house) upload(p clinical.Patient, change ...func(*clinical.Upload)) clinical.Upload {
	h.Helper()
	u := newUpload(p)
	for _, c := range change {
		c(&u)
	}
	h.in(p.Tenant, func(ctx context.Context, tx *Tx) error { return tx.InsertUpload(ctx, u, []byte("hash of "+u.ID)) })
	return u
}

func newUpload(p clinical.Patient) clinical.Upload {
	id, length := clinical.NewID[clinical.UploadID](noon), int64(1000)
	file := clinical.NewID[clinical.FileID](noon)
	return clinical.Upload{
		ID: id, Tenant: p.Tenant, Patient: p.ID, Owner: clinical.NewID[clinical.ActorID](noon),
		Kind: "wound-photo", Category: "media", Resource: clinical.Media, Title: "left heel", ContentType: "image/png",
		BodySite: &clinical.Coding{System: "http://snomed.info/sct", Code: "76853006"}, CapturedAt: &noon,
		Length: &length, MaxSize: 1 << 20, State: clinical.UploadOpen, File: file,
		ObjectKey: clinical.ObjectKey(p.Tenant, file, noon), NextPart: 1,
		TTL: 7 * 24 * time.Hour, CreatedAt: noon, UpdatedAt: noon, ExpiresAt: noon.Add(7 * 24 * time.Hour),
		Scan: clinical.ScanNone, Mismatch: clinical.RefuseMismatch, RequestID: "req-1",
	}
}

// file makes an upload and the file that came of it.
func (h *house) file(p clinical.Patient, change ...func(*clinical.File)) clinical.File {
	h.Helper()
	u := h.upload(p)
	digest := sha256.Sum256([]byte(u.ID))
	f := clinical.File{
		ID: u.File, Tenant: p.Tenant, Patient: p.ID, Upload: u.ID, ResourceType: u.Resource, Kind: u.Kind, Category: u.Category,
		Status: clinical.FileCurrent, ScanStatus: clinical.ScanSkipped, Labels: []string{}, Title: u.Title, ContentType: u.ContentType,
		Size: 1000, Digests: clinical.Digests{SHA256: digest[:]}, ObjectKey: u.ObjectKey, Version: 1,
		CreatedAt: noon, UpdatedAt: noon, UploadedBy: u.Owner,
	}
	for _, c := range change {
		c(&f)
	}
	h.in(p.Tenant, func(ctx context.Context, tx *Tx) error { return tx.InsertFile(ctx, f, clinical.ScanNone) })
	return f
}

// clinician is a member with these patients on the panel.
func (h *house) clinician(tenant clinical.TenantID, panel ...clinical.PatientID) clinical.Actor {
	return h.member(clinical.Actor{Kind: clinical.User, Tenant: tenant, Roles: []clinical.Role{clinical.Clinician}, Clearance: 2}, panel...)
}

func (h *house) user(tenant clinical.TenantID, role clinical.Role) clinical.Actor {
	return h.member(clinical.Actor{Kind: clinical.User, Tenant: tenant, Roles: []clinical.Role{role}})
}

// member writes a principal and reads it back.
func (h *house) member(a clinical.Actor, panel ...clinical.PatientID) (actor clinical.Actor) {
	h.Helper()
	a.ID = clinical.NewID[clinical.ActorID](noon)
	a.Display = fmt.Sprint("member ", a.Roles)
	h.in(a.Tenant, func(ctx context.Context, tx *Tx) error {
		if err := tx.UpsertMember(ctx, a, Login{Issuer: "https://id.example", Subject: string(a.ID)}); err != nil {
			return err
		}
		for _, p := range panel {
			if err := tx.AddToPanel(ctx, a.ID, p, nil); err != nil {
				return err
			}
		}
		var err error
		actor, err = tx.Actor(ctx, a.ID)
		return err
	})
	return actor
}

func (h *house) decide(actor clinical.Actor, action policy.Action, r policy.Resource) policy.Decision {
	h.Helper()
	d, err := h.engine.Authorize(h.Context(), policy.Request{Actor: actor, Action: action, Resource: r, Now: noon})
	if err != nil {
		h.Fatal(err)
	}
	return d
}

func (h *house) filter(actor clinical.Actor, action policy.Action, t policy.Type) policy.Filter {
	h.Helper()
	f, err := h.engine.Filter(h.Context(), actor, action, t, noon)
	if err != nil {
		h.Fatal(err)
	}
	return f
}

// wantKind fails the test unless err is a Failure of the kind.
func wantKind(t testing.TB, err error, kind clinical.Kind) {
	t.Helper()
	if !clinical.Is(err, kind) || clinical.AsFailure(err) == nil {
		t.Fatalf("got %v, want a failure of kind %v", err, kind)
	}
}

// devtestPrivate is a migrated database on servers that the test may break.
func devtestPrivate(t testing.TB) *devtest.Env {
	t.Helper()
	env := devtest.NewPrivate(t)
	check(t, migrated(t.Context(), env.OwnerURL))
	return env
}

func newLink(f clinical.File) clinical.Link {
	id := clinical.NewID[clinical.LinkID](noon)
	return clinical.Link{
		ID: id, Tenant: f.Tenant, File: f.ID, Version: f.Version, Patient: f.Patient,
		Actor: f.UploadedBy, Purpose: clinical.Treatment, Delivery: clinical.Gated, Disposition: clinical.Inline, SingleUse: true,
		TokenHash: []byte("token of " + id), IssuedAt: noon, ExpiresAt: noon.Add(5 * time.Minute),
	}
}

func newAudit(f clinical.File) clinical.AuditEvent {
	return clinical.AuditEvent{
		ID: clinical.NewID[clinical.AuditEventID](noon), Tenant: f.Tenant, RecordedAt: noon, Verb: "signedUrl",
		Action: clinical.AuditRead, Subtype: "disclose", Outcome: clinical.MinorFailure, Rule: "default-deny",
		Actor: f.UploadedBy, ActorKind: clinical.User, Roles: []clinical.Role{clinical.Clinician}, Purpose: clinical.Treatment,
		Patient: f.Patient, Entities: []clinical.AuditEntity{{Type: "Media", ID: string(f.ID), Version: f.Version}},
		Detail: map[string]string{"count": "1"}, RequestID: "req-1",
	}
}

func newProvenance(f clinical.File) clinical.Provenance {
	return clinical.Provenance{
		ID: clinical.NewID[clinical.ProvenanceID](noon), Tenant: f.Tenant, Patient: f.Patient, RecordedAt: noon,
		Activity: clinical.ActivityUpload,
		Targets:  []clinical.Ref{{Type: "Media", ID: string(f.ID), Version: 1, SHA256: "ab"}}, Sources: []clinical.Ref{},
		Agents: []clinical.ProvenanceAgent{{Type: "author", Actor: f.UploadedBy, ActorKind: clinical.User}},
	}
}

func newEvent(f clinical.File) Event {
	return Event{
		ID: clinical.NewID[string](noon), Tenant: f.Tenant, Type: "file.created", SubjectType: "File", Subject: string(f.ID),
		Patient: f.Patient, Version: 1, At: noon,
	}
}
