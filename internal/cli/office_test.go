package cli_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
	"github.com/bonfiredb/bonfire/policy"
	"github.com/bonfiredb/bonfire/store"
)

// office is a migrated database with the demo clinics.
type testOffice struct {
	t       *testing.T
	environ []string
	db      *store.DB
}

func newOffice(t *testing.T, seed bool) testOffice {
	t.Helper()
	env := devtest.NewFrom(t, "schema", migrate)
	db, err := store.Open(t.Context(), env.AppURL, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if seed {
		if err := demo.Seed(t.Context(), db, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	return testOffice{t, env.Environ(), db}
}

func (o testOffice) run(args ...string) ran {
	o.t.Helper()
	return bonfire(o.t.Context(), o.environ, nil, args...)
}

// says runs a command that must succeed, and gives its last line.
func (o testOffice) says(args ...string) string {
	o.t.Helper()
	r := o.run(args...)
	if r.code != 0 {
		o.t.Fatalf("bonfire %s: %+v", strings.Join(args, " "), r)
	}
	lines := strings.Split(strings.TrimSpace(r.out), "\n")
	return lines[len(lines)-1]
}

func actor(name string) string {
	for _, p := range demo.Principals() {
		if p.Name == name {
			return string(p.Actor.ID)
		}
	}
	return ""
}

// A clinic from nothing: its first administrator, a scribe, and the scribe's key.
func TestClinicFromTheCommandLine(t *testing.T) {
	t.Parallel()
	o := newOffice(t, false)
	if r := o.run("member", "list"); r.code != 2 || !strings.Contains(r.err, "bonfire clinic set") {
		t.Errorf("without a clinic: %+v", r)
	}
	o.says("clinic", "set", "hill-clinic", "--name", "Hill Clinic", "--link-ttl-max", "5m")
	if r := o.run("clinic", "list"); !strings.Contains(r.out, "Hill Clinic  5m0s") {
		t.Errorf("%+v", r)
	}
	first := o.says("member", "add", "--name", "Sam Reyes", "--role", "admin", "--issuer", "https://id.example", "--subject", "sam")
	tenant, id, err := o.db.MemberOfLogin(t.Context(), "https://id.example", "sam")
	if err != nil || tenant != "hill-clinic" || string(id) != first {
		t.Fatalf("%s of %s (%v), want %s", id, tenant, err, first)
	}
	scribe := o.says("member", "add", "--kind", "agent", "--name", "Scribe")
	secret := o.says("key", "create", scribe, "--label", "Room 2", "--expires-in", "720h", "--scope", "patient/Media.c")
	who, err := auth.New(auth.MembersOf(o.db), auth.KeysOf(o.db)).Authenticate(t.Context(), "Bearer "+secret, "")
	if err != nil || string(who.ID) != scribe || who.Kind != clinical.Agent {
		t.Fatalf("%+v (%v)", who, err)
	}
	list := o.run("key", "list", "--member", scribe)
	if !strings.Contains(list.out, "Room 2") || !strings.Contains(list.out, "live") || strings.Contains(list.out, secret) {
		t.Errorf("%+v", list)
	}
	o.says("member", "update", first, "--role", "admin,auditor", "--clearance", "1")
	if r := o.run("member", "list"); !strings.Contains(r.out, "admin,auditor  1") || !strings.Contains(r.out, "sam at https://id.example") {
		t.Errorf("%+v", r)
	}
	o.run("key", "revoke", string(who.Session.Key))
	if _, err := auth.New(auth.MembersOf(o.db), auth.KeysOf(o.db)).Authenticate(t.Context(), "Bearer "+secret, ""); !clinical.Is(err, clinical.Unauthenticated) {
		t.Errorf("the revoked key: %v", err)
	}
	o.run("member", "end", scribe)
	if r := o.run("member", "list", "--ended"); strings.Contains(o.run("member", "list").out, "Scribe") || !strings.Contains(r.out, "Scribe") {
		t.Errorf("%+v", r)
	}
	if r := o.run("member", "end", scribe); r.code != 1 || !strings.Contains(r.err, "this membership has ended") {
		t.Errorf("%+v", r)
	}
}

func TestPanelFromTheCommandLine(t *testing.T) {
	t.Parallel()
	o := newOffice(t, true)
	in := []string{"--clinic", string(demo.Harbor)}
	if r := o.run("member", "list"); r.code != 2 || !strings.Contains(r.err, "--clinic harbor-clinic, lakeside-clinic") {
		t.Errorf("two clinics: %+v", r)
	}
	if r := o.run("member", "list", "--clinic", "nowhere"); r.code != 2 || !strings.Contains(r.err, `no clinic "nowhere"`) {
		t.Errorf("%+v", r)
	}
	r := o.run(append([]string{"member", "panel", actor("clinician"), "--add", string(demo.ColleaguePatient), "--remove", string(demo.Patient), "--for", "8h"}, in...)...)
	if r.code != 0 || !strings.Contains(r.out, string(demo.ColleaguePatient)) || strings.Contains(r.out, string(demo.Patient)+" ") {
		t.Errorf("%+v", r)
	}
	r = o.run(append([]string{"member", "panel", actor("clinician"), "--add", string(demo.LakesidePatient)}, in...)...)
	if r.code != 1 || r.err != "bonfire: add: not found\n" {
		t.Errorf("another clinic's patient: %+v", r)
	}
	for _, args := range [][]string{
		{"key", "create", actor("clinician"), "--label", "x"},
		{"key", "create", actor("scribe"), "--label", "x", "--scope", "everything"},
		{"member", "add", "--name", "x", "--role", "king"},
	} {
		if r := o.run(append(args, in...)...); r.code != 1 || strings.Contains(r.err, "invalid") {
			t.Errorf("%v: %+v", args, r)
		}
	}
	// P5: the trail says that it was the command line, and with which command.
	var events []clinical.AuditEvent
	err := o.db.InTx(t.Context(), demo.Harbor, func(ctx context.Context, tx *store.Tx) error {
		auditor, err := tx.Actor(ctx, clinical.ActorID(actor("auditor")))
		if err != nil {
			return err
		}
		gate, err := policy.Default()
		if err != nil {
			return err
		}
		f, err := gate.Filter(ctx, auditor, policy.ReadAudit, policy.AuditLog, time.Now())
		if err != nil {
			return err
		}
		page, err := tx.AuditEvents(ctx, f, store.AuditQuery{Verbs: []string{"setPanel"}}, clinical.Page{First: 10})
		events = page.Items
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	granted := 0
	for _, e := range events {
		if e.ActorKind != clinical.System || !strings.HasPrefix(e.RequestID, "command-") {
			t.Errorf("%+v", e)
		}
		if e.Outcome == clinical.Success && e.Rule == "operator-administers" {
			granted++
		}
	}
	if granted != 2 {
		t.Errorf("%d events of a panel on which two patients changed", granted)
	}
}

func TestExplainFromTheCommandLine(t *testing.T) {
	t.Parallel()
	o := newOffice(t, true)
	for _, tc := range []struct{ who, action, id, more, out string }{
		{"clinician", "readPatient", string(demo.Patient), "", "allowed\n  by clinician-sees-panel\n"},
		{"clinician", "readPatient", string(demo.ColleaguePatient), "", "denied\n  by default-deny: no policy permits it\n"},
		{"clinician", "uploadFile", string(demo.Patient), "--kind raw", "allowed\n  by clinician-works-with-panel-files\n"},
		{"clerk", "uploadFile", string(demo.Patient), "--kind raw", "denied\n  by default-deny: no policy permits it\n"},
		{"scribe", "readEncounter", string(demo.Encounter), "", "allowed\n  by agent-sees-granted\n"},
		{"clinician", "breakGlass", string(demo.ColleaguePatient), "--no-mfa", "denied\n  by default-deny: no policy permits it\n"},
		{"clerk", "readPatient", string(demo.Patient), "--purpose BTG", "denied\n  because this purpose of use is not open to the principal\n"},
		{"admin", "administer", string(demo.Harbor), "", "allowed\n  by admin-administers\n"},
	} {
		args := append([]string{"policy", "explain", "--clinic", string(demo.Harbor), "--who", actor(tc.who), "--action", tc.action, "--id", tc.id}, strings.Fields(tc.more)...)
		if r := o.run(args...); r.code != 0 || r.out != tc.out {
			t.Errorf("%+v: %+v", tc, r)
		}
	}
	if r := o.run("policy", "explain", "--clinic", string(demo.Harbor), "--who", actor("clerk"), "--action", "fly", "--id", "x"); r.code != 2 {
		t.Errorf("%+v", r)
	}
	if r := o.run("policy", "explain", "--clinic", string(demo.Harbor), "--who", actor("clerk"), "--action", "readPatient", "--id", string(demo.LakesidePatient)); r.code != 1 || r.err != "bonfire: id: not found\n" {
		t.Errorf("%+v", r)
	}
}

// A key of the command line opens a running server's door.
func TestKeyOpensTheServersDoor(t *testing.T) {
	t.Parallel()
	env := devtest.NewFrom(t, "schema", migrate)
	url, environ, _ := serveDev(t, env)
	o := testOffice{t: t, environ: environ}
	secret := o.says("key", "create", actor("scribe"), "--label", "Room 2", "--clinic", string(demo.Harbor))
	ask := func(token string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/graphql", strings.NewReader(`{"query":"{ viewer { id roles } }"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body)
	}
	if status, body := ask(secret); status != 200 || !strings.Contains(body, actor("scribe")) || !strings.Contains(body, `"agent"`) {
		t.Errorf("%d %s", status, body)
	}
	if status, body := ask(secret[:len(secret)-1] + "!"); status != 401 {
		t.Errorf("%d %s", status, body)
	}
}
