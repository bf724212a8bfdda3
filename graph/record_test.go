package graph_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/fhir"
	"github.com/bonfiredb/bonfire/graph"
	"github.com/bonfiredb/bonfire/internal/clinictest"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
	"github.com/bonfiredb/bonfire/records"
)

func TestMain(m *testing.M) { devtest.Main(m) }

// chart is the API over the demo clinic's real rows.
type chart struct {
	*clinictest.Clinic
	t   *testing.T
	api http.Handler
}

func openChart(t *testing.T) chart {
	t.Helper()
	c := clinictest.New(t)
	h, err := graph.New(graph.Options{
		Records: c.Records, Auth: auth.New(auth.MembersOf(c.Store)), PublicURL: "https://bonfire.test", ChunkSize: 8 << 20,
		FHIR: fhir.Renderer{Base: "https://bonfire.test/fhir/R4", Systems: "https://bonfire.test/fhir"}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return chart{c, t, h}
}

// answer is a response, field by field.
type answer struct {
	t    *testing.T
	body string
	Data map[string]any
	Errs []struct {
		Message    string
		Extensions struct{ Code, Field string }
	} `json:"errors"`
}

// ask runs an operation as a principal. vars are name, value, name, value.
func (c chart) ask(who, query string, vars ...any) answer {
	c.t.Helper()
	named := map[string]any{}
	for i := 0; i+1 < len(vars); i += 2 {
		named[vars[i].(string)] = vars[i+1]
	}
	body, err := json.Marshal(map[string]any{"query": query, "variables": named})
	if err != nil {
		c.t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/graphql", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	c.api.ServeHTTP(w, r.WithContext(auth.WithActor(r.Context(), c.As(who))))
	a := answer{t: c.t, body: w.Body.String()}
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		c.t.Fatalf("%v in %s", err, a.body)
	}
	return a
}

// must fails on any error.
func (c chart) must(who, query string, vars ...any) answer {
	c.t.Helper()
	a := c.ask(who, query, vars...)
	if len(a.Errs) > 0 {
		c.t.Fatalf("as %s: %s", who, a.body)
	}
	return a
}

// at walks down the data: at("note.sources.0.fragment").
func (a answer) at(path string) any {
	a.t.Helper()
	var v any = a.Data
	for _, step := range strings.Split(path, ".") {
		switch node := v.(type) {
		case map[string]any:
			v = node[step]
		case []any:
			var i int
			if _, err := fmt.Sscan(step, &i); err != nil || i >= len(node) {
				a.t.Fatalf("no %s in %s", path, a.body)
			}
			v = node[i]
		default:
			a.t.Fatalf("no %s in %s", path, a.body)
		}
	}
	return v
}

func (a answer) text(path string) string { a.t.Helper(); s, _ := a.at(path).(string); return s }

// want compares values by path.
func (a answer) want(paths map[string]any) {
	a.t.Helper()
	for path, want := range paths {
		if got := a.at(path); got != want {
			a.t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
}

// code is the code of the only error.
func (a answer) wantCode(code, field string) {
	a.t.Helper()
	if len(a.Errs) != 1 || a.Errs[0].Extensions.Code != code || a.Errs[0].Extensions.Field != field {
		a.t.Errorf("got %s, want %s on %q", a.body, code, field)
	}
}

var audioBytes = append([]byte{0x1a, 0x45, 0xdf, 0xa3, 0x9f, 0x42, 0x86, 0x81, 0x01, 0x42, 0xf7, 0x81, 0x01, 0x42, 0xf2, 0x81, 0x04, 0x42, 0xf3, 0x81, 0x08, 0x42, 0x82, 0x84}, "webm0123456789"...)

func (c chart) upload(who string, patient clinical.PatientID, kind, contentType string, content []byte) string {
	c.t.Helper()
	ctx, actor, size := c.t.Context(), c.As(who), int64(len(content))
	begun, err := c.Records.BeginUpload(ctx, actor, records.BeginUpload{Patient: patient, Kind: kind, ContentType: contentType, Length: &size})
	if err != nil {
		c.t.Fatal(err)
	}
	up, err := c.Records.OpenUpload(ctx, actor, begun.Upload.ID, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	defer up.Release()
	if _, err := up.Receive(ctx, bytes.NewReader(content), nil); err != nil {
		c.t.Fatal(err)
	}
	f, err := up.Finish(ctx, false)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(f.ID)
}

const pdfBytes = "%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"

func TestNoteFromDraftToAmendment(t *testing.T) {
	c := openChart(t)
	audio := c.upload("recorder", demo.Patient, "session-audio", "audio/webm", audioBytes)
	scribe := string(c.As("scribe").ID)
	draft := c.must("clinician", `mutation($in: CreateNoteInput!) { createNote(input: $in) { note { id status version title text textSha256 confidentiality
		author { id role } signer { id } patient { id } encounterId derivedFrom { id kind } amends { id }
		sources { fragment start end sha256 reference { reference } file { id notes { nodes { id } } } note { id } } } } }`,
		"in", map[string]any{"patientId": demo.Patient, "encounterId": demo.Encounter, "title": "Visit", "draft": "S: better", "draftedByDevice": scribe,
			"derivedFrom": []string{audio}, "sources": []any{map[string]any{"fileId": audio, "start": 12.5, "end": 19}}})
	id := draft.text("createNote.note.id")
	draft.want(map[string]any{
		"createNote.note.status": "DRAFT", "createNote.note.version": 1.0, "createNote.note.author.id": scribe, "createNote.note.author.role": "agent",
		"createNote.note.signer": nil, "createNote.note.amends": nil, "createNote.note.confidentiality": "N", "createNote.note.derivedFrom.0.id": audio,
		"createNote.note.sources.0.fragment": "t=12.5,19.0", "createNote.note.sources.0.start": 12.5, "createNote.note.sources.0.end": 19.0,
		"createNote.note.sources.0.reference.reference": "Media/" + audio + "/_history/1", "createNote.note.sources.0.note": nil,
		"createNote.note.sources.0.file.notes.nodes.0.id": id,
	})
	read := draft.text("createNote.note.textSha256")

	const edit = `mutation($in: UpdateNoteDraftInput!) { updateNoteDraft(input: $in) { note { version textSha256 sources { fragment } } problems { __typename
		... on VersionConflict { currentVersion } ... on NoteNotSignable { status } } } }`
	edited := c.must("clinician", edit, "in", map[string]any{"noteId": id, "expectedVersion": 1, "draft": "S: much better"})
	edited.want(map[string]any{"updateNoteDraft.note.version": 2.0, "updateNoteDraft.note.sources.0.fragment": "t=12.5,19.0"})
	late := c.must("clinician", edit, "in", map[string]any{"noteId": id, "expectedVersion": 1, "draft": "x"})
	late.want(map[string]any{"updateNoteDraft.note": nil, "updateNoteDraft.problems.0.__typename": "VersionConflict", "updateNoteDraft.problems.0.currentVersion": 2.0})

	const sign = `mutation($in: SignNoteInput!) { signNote(input: $in) { note { status version signedAt signer { id } } problems { __typename
		... on VersionConflict { currentVersion } ... on NoteNotSignable { status } ... on TextChanged { currentSha256 } } } }`
	c.ask("scribe", sign, "in", map[string]any{"noteId": id, "expectedVersion": 2}).wantCode("FORBIDDEN", "noteId")
	c.ask("colleague", sign, "in", map[string]any{"noteId": id, "expectedVersion": 2}).wantCode("NOT_FOUND", "noteId")
	c.must("clinician", sign, "in", map[string]any{"noteId": id, "expectedVersion": 2, "attestedTextSha256": read}).want(map[string]any{
		"signNote.note": nil, "signNote.problems.0.__typename": "TextChanged", "signNote.problems.0.currentSha256": edited.text("updateNoteDraft.note.textSha256"),
	})
	signed := c.must("clinician", sign, "in", map[string]any{"noteId": id, "expectedVersion": 2, "attestedTextSha256": edited.text("updateNoteDraft.note.textSha256")})
	signed.want(map[string]any{"signNote.note.status": "SIGNED", "signNote.note.version": 3.0, "signNote.note.signer.id": string(c.As("clinician").ID)})
	c.must("clinician", sign, "in", map[string]any{"noteId": id, "expectedVersion": 3}).want(map[string]any{
		"signNote.problems.0.__typename": "NoteNotSignable", "signNote.problems.0.status": "SIGNED",
	})

	const amend = `mutation($in: AmendNoteInput!) { amendNote(input: $in) { note { id version status amends { id status } derivedFrom { id } } } }`
	amendment := c.must("clinician", amend, "in", map[string]any{"noteId": id, "draft": "S: worse", "reason": "misheard"})
	amendment.want(map[string]any{"amendNote.note.status": "DRAFT", "amendNote.note.amends.id": id, "amendNote.note.amends.status": "SIGNED", "amendNote.note.derivedFrom.0.id": audio})
	second := amendment.text("amendNote.note.id")
	c.must("clinician", sign, "in", map[string]any{"noteId": second, "expectedVersion": 1})
	c.ask("clinician", amend, "in", map[string]any{"noteId": id, "draft": "again", "reason": "misheard"}).wantCode("CONFLICT", "")

	whole := c.must("clinician", `query($id: ID!) { node(id: $id) { __typename } note(id: $id) { status text amendedBy { id } versions { version status text author { id } }
		provenance { activity { code } reason targets { reference } sources { reference } agents { type { code } who { reference } onBehalfOf { reference } } fhir } fhir } }`, "id", id)
	whole.want(map[string]any{
		"node.__typename": "Note", "note.status": "AMENDED", "note.text": "S: much better", "note.amendedBy.id": second, "note.versions.0.text": "S: better",
		"note.versions.1.text": "S: much better", "note.versions.2.status": "SIGNED", "note.versions.3.status": "AMENDED", "note.fhir.status": "superseded",
		"note.fhir.docStatus": "final", "note.provenance.0.agents.0.who.reference": "Device/" + scribe, "note.provenance.2.activity.code": "LA",
		"note.provenance.2.fhir.signature.0.sigFormat": "application/jose",
	})
	list := c.must("clinician", `query($p: ID!, $f: ID!) { notes(patientId: $p, first: 1, filter: {derivedFromFileId: $f}) { nodes { id status } pageInfo { hasNextPage endCursor } }
		patient(id: $p) { notes { nodes { id } } } files(patientId: $p, filter: {noteId: "`+id+`"}) { nodes { id } } }`, "p", demo.Patient, "f", audio)
	list.want(map[string]any{"notes.nodes.0.id": second, "notes.pageInfo.hasNextPage": true, "patient.notes.nodes.1.id": id, "files.nodes.0.id": audio})

	const retract = `mutation($in: RetractNoteInput!) { retractNote(input: $in) { note { status amends { status } } problems { __typename } } }`
	c.must("clinician", retract, "in", map[string]any{"noteId": second, "expectedVersion": 1, "reason": "other visit"}).want(map[string]any{"retractNote.problems.0.__typename": "VersionConflict"})
	c.must("clinician", retract, "in", map[string]any{"noteId": second, "expectedVersion": 2, "reason": "other visit"}).want(map[string]any{
		"retractNote.note.status": "ENTERED_IN_ERROR", "retractNote.note.amends.status": "SIGNED",
	})
}

func TestNoteHiddenFromCaller(t *testing.T) {
	c := openChart(t)
	form := c.upload("clinician", demo.Patient, "intake-form", "application/pdf", []byte(pdfBytes))
	other := c.upload("clinician", demo.SecondPatient, "intake-form", "application/pdf", []byte(pdfBytes))
	const create = `mutation($in: CreateNoteInput!) { createNote(input: $in) { note { id } } }`
	in := func(patient clinical.PatientID, from ...string) map[string]any {
		return map[string]any{"patientId": patient, "draft": "x", "derivedFrom": append([]string{}, from...)}
	}
	c.ask("clinician", create, "in", in(demo.Patient, other)).wantCode("BAD_USER_INPUT", "derivedFrom")
	c.ask("scribe", create, "in", in(demo.Patient, form)).wantCode("NOT_FOUND", "derivedFrom")
	c.ask("colleague", create, "in", in(demo.Patient)).wantCode("NOT_FOUND", "patientId")
	c.ask("clerk", create, "in", in(demo.Patient)).wantCode("FORBIDDEN", "patientId")
	id := c.must("clinician", create, "in", in(demo.Patient, form)).text("createNote.note.id")
	for _, who := range []string{"colleague", "outsider", "clerk"} {
		a := c.ask(who, `query($id: ID!) { note(id: $id) { text } }`, "id", id)
		a.wantCode("NOT_FOUND", "")
	}
	// The scribe reads the note, and not the form that it came from.
	a := c.must("scribe", `query($id: ID!) { note(id: $id) { derivedFrom { id } sources { file { id } reference { reference } } } }`, "id", id)
	if files := a.at("note.derivedFrom").([]any); len(files) != 0 {
		t.Errorf("derivedFrom: %v", files)
	}
	a.want(map[string]any{"note.sources.0.file": nil, "note.sources.0.reference.reference": "DocumentReference/" + form + "/_history/1"})
}

func TestFileThroughItsLife(t *testing.T) {
	c := openChart(t)
	form := func() string {
		return c.upload("clinician", demo.Patient, "intake-form", "application/pdf", []byte(pdfBytes))
	}
	a, b := form(), form()
	const file = `{ id status version title kind legalHold scanStatus supersedes { id } supersededBy { id } patient { id } purgedAt deletion { rule } }`
	update := func(field, input, payload string) string {
		return `mutation($in: ` + input + `!) { ` + field + `(input: $in) { file ` + file + payload + ` problems { ... on VersionConflict { currentVersion message } } } }`
	}
	c.must("clinician", update("updateFile", "UpdateFileInput", ""), "in", map[string]any{"fileId": a, "expectedVersion": 1, "title": "Form", "kind": "consent"}).want(map[string]any{
		"updateFile.file.version": 2.0, "updateFile.file.title": "Form", "updateFile.file.kind": "consent", "updateFile.file.purgedAt": nil, "updateFile.file.deletion": nil,
	})
	c.must("clinician", update("updateFile", "UpdateFileInput", ""), "in", map[string]any{"fileId": a, "expectedVersion": 1, "title": "x"}).want(map[string]any{
		"updateFile.file": nil, "updateFile.problems.0.currentVersion": 2.0,
	})
	c.must("clinician", update("supersedeFile", "SupersedeFileInput", ""), "in", map[string]any{"fileId": a, "byFileId": b, "expectedVersion": 2}).want(map[string]any{
		"supersedeFile.file.status": "SUPERSEDED", "supersedeFile.file.supersededBy.id": b,
	})
	c.must("admin", update("setLegalHold", "SetLegalHoldInput", ""), "in", map[string]any{"fileId": b, "hold": true, "reason": "litigation"}).want(map[string]any{"setLegalHold.file.legalHold": true})
	c.ask("clinician", update("retractFile", "RetractFileInput", ""), "in", map[string]any{"fileId": b, "expectedVersion": 3, "reason": "blank"}).wantCode("FORBIDDEN", "fileId")
	report := update("reportScan", "ReportScanInput", "")
	report = strings.Replace(report, "patient { id }", "", 1) // the pipeline sees files, and no patients
	c.must("pipeline", report, "in", map[string]any{"fileId": b, "status": "CLEAN", "engine": "clam"}).want(map[string]any{"reportScan.file.scanStatus": "CLEAN"})

	moved := form()
	url := c.must("clinician", `mutation($id: ID!) { signedUrl(documentId: $id) { linkId } }`, "id", moved).text("signedUrl.linkId")
	c.must("clinician", update("refileFile", "RefileFileInput", " exposures { id state issuedTo { id } }"), "in",
		map[string]any{"fileId": moved, "toPatientId": demo.SecondPatient, "expectedVersion": 1, "reason": "mixed up"}).want(map[string]any{
		"refileFile.file.patient.id": string(demo.SecondPatient), "refileFile.exposures.0.id": url, "refileFile.exposures.0.state": "REVOKED",
		"refileFile.exposures.0.issuedTo.id": string(c.As("clinician").ID),
	})
	c.must("clinician", update("retractFile", "RetractFileInput", ""), "in", map[string]any{"fileId": moved, "expectedVersion": 2, "reason": "blank page"}).want(map[string]any{"retractFile.file.status": "ENTERED_IN_ERROR"})
	c.ask("clinician", `mutation($id: ID!) { signedUrl(documentId: $id) { linkId } }`, "id", moved).wantCode("GONE", "documentId")
	how := c.must("clinician", `query($id: ID!) { file(id: $id) { provenance { activity { code } reason } } }`, "id", moved)
	how.want(map[string]any{"file.provenance.1.activity.code": "UPDATE", "file.provenance.1.reason": "mixed up", "file.provenance.2.activity.code": "NULLIFY"})
}

func TestKindsOfTheClinic(t *testing.T) {
	c := openChart(t)
	const set = `mutation($in: SetKindInput!) { setKind(input: $in) { version kind { code resourceType resourceByCategory scan mismatch retentionSeconds type { code } } } }`
	in := map[string]any{"code": "gait-video", "display": "Gait video", "category": "media", "contentTypes": []string{"video/webm"}, "maxSize": 5 << 30, "retentionSeconds": 86400 * 3650,
		"type": map[string]any{"system": "http://loinc.org", "code": "11488-4"}}
	c.must("admin", set, "in", in).want(map[string]any{
		"setKind.version": 1.0, "setKind.kind.resourceType": "Media", "setKind.kind.resourceByCategory": true, "setKind.kind.scan": "NONE",
		"setKind.kind.mismatch": "REFUSE", "setKind.kind.retentionSeconds": 86400.0 * 3650, "setKind.kind.type.code": "11488-4",
	})
	c.ask("clinician", set, "in", in).wantCode("FORBIDDEN", "")
	in["contentTypes"] = []string{"video/*"}
	c.ask("admin", set, "in", in).wantCode("BAD_USER_INPUT", "contentTypes")
	found := func() bool {
		return strings.Contains(c.must("clinician", `{ kinds { code } }`).body, "gait-video")
	}
	if !found() {
		t.Error("not in the registry")
	}
	c.must("admin", `mutation { retireKind(input: {code: "gait-video"}) { version } }`)
	if found() {
		t.Error("still in the registry")
	}
}
