package policy

import (
	"context"
	"maps"
	"testing"
	"testing/fstest"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
)

// The small world of these tests.
const (
	home  clinical.TenantID = "harbour"
	other clinical.TenantID = "hillside"

	anna clinical.PatientID = "00000000-0000-7000-8000-000000000101" // on the panel
	olaf clinical.PatientID = "00000000-0000-7000-8000-000000000102" // off it
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func actorID(n byte) clinical.ActorID {
	return clinical.ActorID("00000000-0000-7000-8000-0000000009" + string([]byte{'0' + n/10, '0' + n%10}))
}

// clinician is a clinician of the home clinic with anna on the panel.
func clinician() clinical.Actor {
	return clinical.Actor{
		ID: actorID(1), Kind: clinical.User, Tenant: home, Roles: []clinical.Role{clinical.Clinician},
		Clearance: 1, Panel: []clinical.PatientID{anna},
		Session: clinical.Session{Purpose: clinical.Treatment, MFA: true},
	}
}

// machine is an agent or device that was granted anna.
func machine(kind clinical.ActorKind) clinical.Actor {
	return clinical.Actor{ID: actorID(2), Kind: kind, Tenant: home, Panel: []clinical.PatientID{anna}}
}

// fileOf is a wound photo in the patient's chart.
func fileOf(p clinical.PatientID) Resource {
	return Resource{
		Type: File, ID: "00000000-0000-7000-8000-000000000501", Tenant: home, Patient: p, Kind: "wound-photo",
		Status: "current", ScanStatus: "skipped", Owner: actorID(9), FHIRType: "Media", CreatedAt: noon.AddDate(0, 0, -10),
	}
}

// noteOf is a draft in the patient's chart.
func noteOf(p clinical.PatientID) Resource {
	return Resource{
		Type: Note, ID: "00000000-0000-7000-8000-000000000601", Tenant: home, Patient: p,
		Status: "draft", Owner: actorID(2), OwnerKind: clinical.Agent, CreatedAt: noon,
	}
}

// of is a resource of type t in anna's chart at the tenant.
func of(t Type, tenant clinical.TenantID) Resource {
	r := Resource{
		Type: t, ID: "00000000-0000-7000-8000-000000000701", Tenant: tenant, Patient: anna, Kind: "session-audio",
		Status: "current", ScanStatus: "clean", Owner: actorID(1), OwnerKind: clinical.User, FHIRType: "Media", CreatedAt: noon,
	}
	switch t {
	case Patient, Bundle:
		r.ID = string(anna)
	case Tenant:
		r.ID = string(tenant)
	}
	return r
}

func shippedEngine(t testing.TB) *Engine {
	t.Helper()
	e, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// set is a policy set of one file; the walls come by themselves.
func set(text string) fstest.MapFS { return fstest.MapFS{"own.cedar": {Data: []byte(text)}} }

// shippedAnd is the shipped set with a file more.
func shippedAnd(t testing.TB, text string) fstest.MapFS {
	t.Helper()
	out := set(text)
	files, err := shipped.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		data, err := shipped.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		maps.Copy(out, fstest.MapFS{f.Name(): {Data: data}})
	}
	return out
}

func mustLoad(t testing.TB, fsys fstest.MapFS) *Engine {
	t.Helper()
	e, err := Load(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func decide(t testing.TB, e *Engine, actor clinical.Actor, a Action, r Resource) Decision {
	t.Helper()
	d, err := e.Authorize(context.Background(), Request{Actor: actor, Action: a, Resource: r, Now: noon})
	if err != nil {
		t.Fatalf("%s on %s: %v", a, r.Type, err)
	}
	return d
}

// permitAll permits everything to everybody.
const permitAll = `@id("everything") permit (principal, action, resource);`
