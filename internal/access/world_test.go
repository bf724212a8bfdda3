package access_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/config"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
	"github.com/bonfiredb/bonfire/internal/server"
	"github.com/bonfiredb/bonfire/signing"
	"github.com/bonfiredb/bonfire/store"
)

func TestMain(m *testing.M) { devtest.Main(m) }

var devKey = []byte("0123456789abcdef0123456789abcdef")

// world is the program as it runs, with the demo clinics and a few charts more.
type world struct {
	testing.TB
	url      string
	adminURL string // the database, as superuser
	rooms    *server.Rooms
	log      *journal
	// nurses own what nobody who asks has made: one of each clinic, with all its
	// charts on the panel.
	nurses map[clinical.TenantID]clinical.Actor
}

// The charts beside the demo's: the second ones of the colleague and of the
// outsider, and one of the other clinic that is on nobody's panel.
const (
	colleagueSecond clinical.PatientID = "00000000-0000-7000-8000-000000000104"
	lakesideOff     clinical.PatientID = "00000000-0000-7000-8000-000000000202"
	outsiderSecond  clinical.PatientID = "00000000-0000-7000-8000-000000000203"
)

// journal is what the program logs.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// newWorld starts a world; settings are put over its environment.
func newWorld(t testing.TB, settings ...string) *world {
	t.Helper()
	env := devtest.NewFrom(t, "schema", func(ctx context.Context, url string) error {
		_, err := store.Migrate(ctx, url)
		return err
	})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{TB: t, url: "http://" + ln.Addr().String(), adminURL: env.AdminURL, log: &journal{}, nurses: map[clinical.TenantID]clinical.Actor{}}
	key, err := signing.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	environ := append(env.Environ(), "BONFIRE_SIGNING_KEYS="+string(key), "BONFIRE_PUBLIC_URL="+w.url, "BONFIRE_SPOOL_DIR="+t.TempDir())
	cfg, err := config.Load(append(environ, settings...))
	if err != nil {
		t.Fatal(err)
	}
	o := server.Options{
		Config: cfg, Dev: true, DevKey: devKey, Log: slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Credentials: credentials.NewStaticCredentialsProvider(env.AccessKey, env.SecretKey, ""),
	}
	if w.rooms, err = server.Open(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.rooms.Close() })
	w.furnish()
	ctx, stop := context.WithCancel(context.Background())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- w.rooms.Run(ctx, o, ln, func() { close(ready) }) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	<-ready
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// in runs fn in a transaction of the clinic.
func (w *world) in(tenant clinical.TenantID, fn func(ctx context.Context, tx *store.Tx) error) {
	w.Helper()
	w.must(w.rooms.Store.InTx(w.Context(), tenant, fn))
}

func (w *world) furnish() {
	w.Helper()
	w.must(demo.Seed(w.Context(), w.rooms.Store, time.Now()))
	for tenant, plan := range map[clinical.TenantID]struct {
		nurse  clinical.ActorID
		fresh  map[clinical.PatientID]string // whose panel it goes on; "" for nobody's
		charts []clinical.PatientID
	}{
		demo.Harbor: {
			"00000000-0000-7000-8000-000000000021", map[clinical.PatientID]string{colleagueSecond: "colleague"},
			[]clinical.PatientID{demo.Patient, demo.SecondPatient, demo.ColleaguePatient, colleagueSecond},
		},
		demo.Lakeside: {
			"00000000-0000-7000-8000-000000000022", map[clinical.PatientID]string{lakesideOff: "", outsiderSecond: "outsider"},
			[]clinical.PatientID{demo.LakesidePatient, lakesideOff, outsiderSecond},
		},
	} {
		nurse := clinical.Actor{
			ID: plan.nurse, Kind: clinical.User, Tenant: tenant, Display: "Night nurse", Roles: []clinical.Role{clinical.Clinician}, Clearance: 2,
		}
		w.nurses[tenant] = nurse
		w.in(tenant, func(ctx context.Context, tx *store.Tx) error {
			err := tx.UpsertMember(ctx, nurse, store.Login{})
			for patient, who := range plan.fresh {
				err = errors.Join(err, tx.InsertPatient(ctx, clinical.Patient{ID: patient, Tenant: tenant, CreatedAt: time.Now(), CreatedBy: nurse.ID}, nil))
				if who != "" {
					err = errors.Join(err, tx.AddToPanel(ctx, named(who).Actor.ID, patient, nil))
				}
			}
			for _, patient := range plan.charts {
				err = errors.Join(err, tx.AddToPanel(ctx, nurse.ID, patient, nil))
			}
			return err
		})
	}
}

// principal is one who asks.
type principal struct {
	demo.Principal
	token string
}

func named(name string) demo.Principal {
	for _, p := range demo.Principals() {
		if p.Name == name {
			return p
		}
	}
	panic("there is no demo principal " + name)
}

var tokens sync.Map

// as is a demo principal with a token.
func (w *world) as(name string) principal {
	w.Helper()
	token, ok := tokens.Load(name)
	if !ok {
		fresh, err := auth.DevToken{Name: name, Expires: time.Now().Add(time.Hour), MFA: true}.Sign(devKey, time.Now())
		w.must(err)
		token, _ = tokens.LoadOrStore(name, fresh)
	}
	return principal{named(name), token.(string)}
}

// chart is where a principal tries something.
type chart struct {
	tenant  clinical.TenantID // "" where there is nothing
	patient clinical.PatientID
}

func (c chart) exists() bool { return c.tenant != "" }

// Where a principal tries it: in a chart in their care, in another of their
// clinic, in one of the other clinic, and where there is nothing at all.
const (
	onPanel = iota
	offPanel
	otherClinic
	nowhere
	places
)

var placeNames = [places]string{"on the panel", "off the panel", "other clinic", "nonexistent"}

// charts are the four of a principal.
func charts(name string) [places]chart {
	harbor := func(p clinical.PatientID) chart { return chart{demo.Harbor, p} }
	lakeside := func(p clinical.PatientID) chart { return chart{demo.Lakeside, p} }
	none := chart{patient: fresh[clinical.PatientID]()}
	switch name {
	case "colleague":
		return [places]chart{harbor(demo.ColleaguePatient), harbor(demo.Patient), lakeside(demo.LakesidePatient), none}
	case "outsider":
		return [places]chart{lakeside(demo.LakesidePatient), lakeside(lakesideOff), harbor(demo.Patient), none}
	}
	return [places]chart{harbor(demo.Patient), harbor(demo.ColleaguePatient), lakeside(demo.LakesidePatient), none}
}

// second is another chart in the care of the principal, or that it may work
// with for its role: where misfiled files go.
func second(name string) clinical.PatientID {
	switch name {
	case "colleague":
		return colleagueSecond
	case "outsider":
		return outsiderSecond
	}
	return demo.SecondPatient
}

func fresh[ID ~string]() ID { return clinical.NewID[ID](time.Now()) }

// owner is who made a thing in a chart: the one who asks, or the nurse.
func (w *world) owner(p principal, at chart, own bool) clinical.Actor {
	if own && p.Actor.Tenant == at.tenant {
		return p.Actor
	}
	return w.nurses[at.tenant]
}

// file puts a file into a chart, as if it had been uploaded; its bytes are of no
// interest here.
func (w *world) file(p principal, at chart, kind string, own bool) clinical.FileID {
	w.Helper()
	if !at.exists() {
		return fresh[clinical.FileID]()
	}
	k, ok := w.rooms.Records.Kind(w.Context(), at.tenant, kind)
	if !ok {
		w.Fatalf("no kind %s", kind)
	}
	u := w.newUpload(p, at, k, own)
	f := clinical.File{
		ID: u.File, Tenant: at.tenant, Patient: at.patient, Upload: u.ID, ResourceType: k.Resource, Kind: k.Code, Category: k.Category,
		Status: clinical.FileCurrent, ScanStatus: clinical.ScanSkipped, ContentType: k.ContentTypes[0], Size: 5,
		Digests: clinical.Digests{SHA256: make([]byte, 32)}, ObjectKey: u.ObjectKey, Version: 1, CreatedAt: u.CreatedAt, UpdatedAt: u.CreatedAt,
		UploadedBy: u.Owner,
	}
	w.in(at.tenant, func(ctx context.Context, tx *store.Tx) error {
		return errors.Join(tx.InsertUpload(ctx, u, nil), tx.InsertFile(ctx, f, clinical.ScanNone))
	})
	return f.ID
}

func (w *world) newUpload(p principal, at chart, k clinical.FileKind, own bool) clinical.Upload {
	now, size, file := time.Now().UTC(), int64(5), fresh[clinical.FileID]()
	return clinical.Upload{
		ID: fresh[clinical.UploadID](), Tenant: at.tenant, Patient: at.patient, Owner: w.owner(p, at, own).ID, Kind: k.Code, Category: k.Category,
		Resource: k.Resource, ContentType: k.ContentTypes[0], Length: &size, MaxSize: k.MaxSize, State: clinical.UploadOpen, File: file,
		ObjectKey: clinical.ObjectKey(at.tenant, file, now), NextPart: 1, TTL: time.Hour, CreatedAt: now, UpdatedAt: now, ExpiresAt: now.Add(time.Hour),
		Scan: clinical.ScanNone, Mismatch: clinical.RefuseMismatch,
	}
}

// upload begins an upload into a chart.
func (w *world) upload(p principal, at chart, own bool) clinical.UploadID {
	w.Helper()
	if !at.exists() {
		return fresh[clinical.UploadID]()
	}
	k, _ := w.rooms.Records.Kind(w.Context(), at.tenant, "session-audio")
	u := w.newUpload(p, at, k, own)
	w.in(at.tenant, func(ctx context.Context, tx *store.Tx) error { return tx.InsertUpload(ctx, u, nil) })
	return u.ID
}

// link issues a link into a chart.
func (w *world) link(p principal, at chart, own bool) clinical.LinkID {
	w.Helper()
	if !at.exists() {
		return fresh[clinical.LinkID]()
	}
	file := w.file(p, at, "session-audio", false)
	now := time.Now().UTC()
	l := clinical.Link{
		ID: fresh[clinical.LinkID](), Tenant: at.tenant, File: file, Version: 1, Patient: at.patient, Actor: w.owner(p, at, own).ID,
		Purpose: clinical.Treatment, Delivery: clinical.Direct, Disposition: clinical.Inline, IssuedAt: now, ExpiresAt: now.Add(5 * time.Minute),
	}
	w.in(at.tenant, func(ctx context.Context, tx *store.Tx) error { return tx.InsertLink(ctx, l) })
	return l.ID
}

// encounter opens a visit.
func (w *world) encounter(at chart) clinical.EncounterID {
	w.Helper()
	e := clinical.Encounter{ID: fresh[clinical.EncounterID](), Tenant: at.tenant, Patient: at.patient, Status: "in-progress", CreatedAt: time.Now(), CreatedBy: w.nurses[at.tenant].ID}
	if at.exists() {
		w.in(at.tenant, func(ctx context.Context, tx *store.Tx) error { return tx.InsertEncounter(ctx, e) })
	}
	return e.ID
}

// member is somebody of the chart's clinic, of the kind given.
func (w *world) member(at chart, kind clinical.ActorKind) clinical.ActorID {
	w.Helper()
	m := clinical.Actor{ID: fresh[clinical.ActorID](), Kind: kind, Tenant: at.tenant, Display: fmt.Sprint("a ", kind)}
	if at.exists() {
		w.in(at.tenant, func(ctx context.Context, tx *store.Tx) error { return tx.UpsertMember(ctx, m, store.Login{}) })
	}
	return m.ID
}
