package graph

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/fhir"
	"github.com/bonfiredb/bonfire/graph/model"
)

// principals are found for the clinician and nobody else.
func principals(_ context.Context, ids []clinical.ActorID) (map[clinical.ActorID]clinical.Actor, error) {
	out := map[clinical.ActorID]clinical.Actor{}
	for _, id := range ids {
		if id == clinicianID {
			out[id] = clinical.Actor{ID: id, Kind: clinical.User, Display: "Dr. Grace", Roles: []clinical.Role{clinical.Clinician}}
		}
	}
	return out, nil
}

const views = `{ file(id: "x") { fhir uploadedBy { id display role } resource { __typename
  ... on DocumentReference { id resourceType status docStatus date type { text coding { system code display } }
    author { reference type display } masterIdentifier { system value } securityLabel { coding { code } }
    content { attachment { contentType url size hash title creation } format { code } } context { related { reference } } }
  ... on Media { id resourceType height duration photo: content { url } }
  ... on Binary { id resourceType contentType securityContext { reference } }
} } }`

// P8: the typed view and the exported JSON are one rendering.
func TestP8_TypedViewAndExportAgree(t *testing.T) {
	f := scan()
	f.UploadedBy = clinicianID
	e := start(t, stage{actors: principals, file: func(context.Context, string) (*model.File, error) { return fileOf(f), nil }})
	for _, kind := range []clinical.ResourceType{clinical.DocumentReference, clinical.Media, clinical.Binary} {
		f.ResourceType = kind
		a := e.ask(views)
		file, _ := a.Data["file"].(map[string]any)
		view, _ := file["resource"].(map[string]any)
		export, _ := file["fhir"].(map[string]any)
		if len(a.Errors) > 0 || view["__typename"] != string(kind) || export["resourceType"] != string(kind) {
			t.Fatalf("%s: %s", kind, a.body)
		}
		if view["resourceType"] != export["resourceType"] || view["id"] != export["id"] {
			t.Errorf("%s: view %v, export %v", kind, view, export)
		}
		if kind == clinical.DocumentReference {
			sameDocument(t, view, export)
		}
	}
}

func sameDocument(t *testing.T, view, export map[string]any) {
	t.Helper()
	attachment := func(m map[string]any) map[string]any {
		return m["content"].([]any)[0].(map[string]any)["attachment"].(map[string]any)
	}
	for _, field := range []string{"status", "docStatus", "date"} {
		if view[field] == nil || view[field] != export[field] {
			t.Errorf("%s: view %v, export %v", field, view[field], export[field])
		}
	}
	got, want := attachment(view), attachment(export)
	if got["url"] != want["url"] || got["size"] != float64(scan().Size) || want["size"] != nil {
		t.Errorf("attachment: view %v, export %v", got, want)
	}
	for _, absent := range []string{"hash", "title", "creation"} { // null, where JSON leaves it out
		if value, ok := got[absent]; !ok || value != nil {
			t.Errorf("%s is %v", absent, value)
		}
	}
}

func TestUnknownPrincipalIsShownByItsID(t *testing.T) {
	f := scan()
	f.UploadedBy = scribeID
	e := start(t, stage{actors: principals, file: func(context.Context, string) (*model.File, error) { return fileOf(f), nil }})
	a := e.ask(`{ file(id: "x") { uploadedBy { id display role } resource { __typename } } }`)
	if !strings.Contains(a.body, `"uploadedBy":{"id":"`+string(scribeID)+`","display":null,"role":null}`) || len(a.Errors) > 0 {
		t.Errorf("got %s", a.body)
	}
	f.UploadedBy = clinicianID
	if a = e.ask(`{ file(id: "x") { uploadedBy { display role } } }`); !strings.Contains(a.body, `{"display":"Dr. Grace","role":"clinician"}`) {
		t.Errorf("got %s", a.body)
	}
}

func TestProvenanceIsReadOffItsExport(t *testing.T) {
	r := &resolver{fhir: fhir.Renderer{Base: "https://bonfire.test/fhir/R4", Systems: "https://bonfire.test/fhir"}}
	entries, err := r.provenance([]clinical.Provenance{{
		ID: "00000000-0000-7000-8000-000000000601", Tenant: "clinic", RecordedAt: at, Activity: clinical.ActivitySupersede,
		Targets: []clinical.Ref{{Type: "Media", ID: "new", Version: 1}, {Type: "Media", ID: "old", Version: 2}},
		Sources: []clinical.Ref{{Type: "Media", ID: "old", Version: 1}},
		Agents: []clinical.ProvenanceAgent{
			{Type: "author", Actor: clinicianID, ActorKind: clinical.User},
			{Type: "assembler", Actor: scribeID, ActorKind: clinical.Agent, OnBehalfOf: clinicianID},
		},
	}})
	if err != nil || len(entries) != 1 {
		t.Fatal(entries, err)
	}
	e := entries[0]
	if e.Activity.Code != "OBSOLETE" || len(e.Agents) != 2 || e.Agents[1].Type.Code != "assembler" ||
		e.Agents[1].OnBehalfOf.Reference != "Practitioner/"+string(clinicianID) {
		t.Errorf("activity %+v, agents %+v", e.Activity, e.Agents)
	}
	if e.Targets[0].Reference != "Media/new/_history/1" || e.Targets[1].Reference != "Media/old/_history/2" || e.Sources[0].Reference != "Media/old/_history/1" {
		t.Errorf("targets %v %v, sources %v", e.Targets[0], e.Targets[1], e.Sources[0])
	}
	var export struct{ ResourceType string }
	if json.Unmarshal(e.Fhir, &export) != nil || export.ResourceType != "Provenance" {
		t.Errorf("export %s", e.Fhir)
	}
}
