package graph

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/graph/model"
	"github.com/bonfiredb/bonfire/records"
)

var at = time.Date(2026, 3, 1, 9, 30, 0, 123456000, time.FixedZone("", 3600))

func scan() clinical.File {
	return clinical.File{
		ID: "00000000-0000-7000-8000-000000000401", Tenant: "clinic", Patient: "00000000-0000-7000-8000-000000000101",
		ResourceType: clinical.DocumentReference, Kind: "consent", Category: "administrative",
		Status: clinical.FileEnteredInError, ScanStatus: clinical.ScanSkipped, Confidentiality: clinical.Restricted,
		ContentType: "application/pdf", Size: 3 << 31, Digests: clinical.Digests{SHA256: make([]byte, 32)},
		Version: 2, CreatedAt: at, UpdatedAt: at,
	}
}

func TestFileOnTheWire(t *testing.T) {
	e := start(t, stage{file: func(context.Context, string) (*model.File, error) { return fileOf(scan()), nil }})
	a := e.ask(`{ file(id: "x") { __typename id resourceType kind status scanStatus confidentiality size sha256 version
	  title createdAt capturedAt duration width height encounterId supersedes { id } supersededBy { id } legalHold } }`)
	want := map[string]any{
		"__typename": "File", "id": "00000000-0000-7000-8000-000000000401", "resourceType": "DocumentReference",
		"kind": "consent", "status": "ENTERED_IN_ERROR", "scanStatus": "SKIPPED", "confidentiality": "R",
		"size": float64(3 << 31), "sha256": strings.Repeat("0", 64), "version": float64(2), "title": nil,
		"createdAt": "2026-03-01T08:30:00.123456Z", "capturedAt": nil, "duration": nil, "width": nil, "height": nil,
		"encounterId": nil, "supersedes": nil, "supersededBy": nil, "legalHold": false,
	}
	if got := a.Data["file"]; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v\nwant %v\n%s", got, want, a.body)
	}
}

// A field that crosses to another entity is resolved, and never read off a
// struct that happens to have one of its name.
func TestCrossingFieldsAreResolvers(t *testing.T) {
	for noun, fields := range map[reflect.Type][]string{
		reflect.TypeFor[model.File]():      {"Patient", "UploadedBy", "SupersededBy", "Supersedes", "Notes", "Provenance", "Resource", "Fhir"},
		reflect.TypeFor[model.Patient]():   {"Files", "Notes", "AuditEvents"},
		reflect.TypeFor[model.Upload]():    {"File"},
		reflect.TypeFor[model.Encounter](): {"Patient"},
		reflect.TypeFor[model.Note]():      {"Patient", "DerivedFrom", "Amends", "Author", "Provenance"},
		reflect.TypeFor[model.FileEvent](): {"File"},
	} {
		for _, field := range fields {
			if _, ok := noun.FieldByName(field); ok {
				t.Errorf("%v has the field %s", noun, field)
			}
		}
	}
}

func TestConnection(t *testing.T) {
	page := clinical.Slice[clinical.File]{Items: []clinical.File{scan(), scan()}, Cursors: []string{"a", "b"}, HasNext: true, Total: 7}
	e := start(t, stage{files: func(context.Context) (*model.FileConnection, error) { return fileConnection(page), nil }})
	a := e.ask(`{ files(patientId: "x") { totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
	  edges { cursor node { id } } nodes { id } } }`)
	want := `{"data":{"files":{"totalCount":7,"pageInfo":{"hasNextPage":true,"hasPreviousPage":false,"startCursor":"a","endCursor":"b"},` +
		`"edges":[{"cursor":"a","node":{"id":"00000000-0000-7000-8000-000000000401"}},{"cursor":"b","node":{"id":"00000000-0000-7000-8000-000000000401"}}],` +
		`"nodes":[{"id":"00000000-0000-7000-8000-000000000401"},{"id":"00000000-0000-7000-8000-000000000401"}]}}}`
	if a.body != want {
		t.Errorf("got  %s\nwant %s", a.body, want)
	}

	page = clinical.Slice[clinical.File]{}
	a = e.ask(`{ files(patientId: "x") { pageInfo { hasNextPage startCursor } edges { cursor } nodes { id } } }`)
	if want := `{"data":{"files":{"pageInfo":{"hasNextPage":false,"startCursor":null},"edges":[],"nodes":[]}}}`; a.body != want {
		t.Errorf("empty: %s", a.body)
	}
}

// The total is counted when it is asked for, in whatever way, and only then.
func TestTotalIsCountedWhenSelected(t *testing.T) {
	counted := false
	e := start(t, stage{files: func(ctx context.Context) (*model.FileConnection, error) {
		counted = selected(ctx, "FileConnection", "totalCount")
		return fileConnection(clinical.Slice[clinical.File]{}), nil
	}})
	for query, want := range map[string]bool{
		`{ files(patientId: "x") { nodes { id } } }`:                                                                          false,
		`{ files(patientId: "x") { totalCount } }`:                                                                            true,
		`{ files(patientId: "x") { n: totalCount } }`:                                                                         true,
		`{ files(patientId: "x") { totalCount: pageInfo { endCursor } } }`:                                                    false,
		`{ files(patientId: "x") { totalCount @skip(if: true) nodes { id } } }`:                                               false,
		`{ files(patientId: "x") { ...f } } fragment f on FileConnection { ... { totalCount } }`:                              true,
		`{ files(patientId: "x") { ...f @include(if: false) } } fragment f on FileConnection { edges { cursor } totalCount }`: false,
	} {
		if counted = !want; len(e.ask(query).Errors) > 0 || counted != want {
			t.Errorf("%s: counted %v", query, counted)
		}
	}
}

func TestFileQuery(t *testing.T) {
	if q := fileQuery(nil, nil); q.OrderBy != records.ByCreatedAt || !q.Descending {
		t.Errorf("the newest come first: %+v", q)
	}
	text, encounter := "wound", "e"
	q := fileQuery(&model.FileFilter{
		Kinds: []string{"consent"}, Statuses: []clinical.FileStatus{clinical.FileCurrent}, Text: &text,
		EncounterID: &encounter, CreatedFrom: &at, CreatedBefore: &at,
	}, &model.FileOrder{Field: records.BySize, Direction: model.SortDirectionAsc})
	want := records.FileQuery{
		Kinds: []string{"consent"}, Statuses: []clinical.FileStatus{clinical.FileCurrent}, Text: "wound", Encounter: "e",
		CreatedFrom: &at, CreatedBefore: &at, OrderBy: records.BySize,
	}
	if !reflect.DeepEqual(q, want) {
		t.Errorf("got %+v", q)
	}
}

func TestViewerAndKinds(t *testing.T) {
	e := start(t, stage{})
	a := e.ask(`{ viewer { id display tenantId roles } }`)
	if want := `{"data":{"viewer":{"id":"` + string(clinicianID) + `","display":"Dr. Grace","tenantId":"clinic","roles":["clinician"]}}}`; a.body != want {
		t.Errorf("got %s", a.body)
	}
	if a = e.askAs("Bearer test:scribe", `{ viewer { roles } }`); !strings.Contains(a.body, `["agent"]`) {
		t.Errorf("an agent: %s", a.body)
	}
	a = e.ask(`{ kinds { code maxSize contentTypes resourceType } }`)
	kinds, _ := a.Data["kinds"].([]any)
	if len(kinds) != len(clinical.DefaultKinds()) || !strings.Contains(a.body, `"maxSize":53687091200`) {
		t.Errorf("got %s", a.body)
	}
}
