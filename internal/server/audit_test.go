package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
)

type auditPage struct {
	Nodes []struct {
		ID, Action, Outcome, OutcomeDesc, PatientID, RequestID string
		PurposeOfUse                                           []string
		Subtype                                                []struct{ Code string }
		Actor                                                  struct{ ID, Display, Role string }
		Entities                                               []struct{ Reference string }
		Fhir                                                   struct{ ResourceType, ID string }
	}
	PageInfo struct {
		HasNextPage bool
		EndCursor   string
	}
}

func (p auditPage) verbs() (out []string) {
	for _, n := range p.Nodes {
		out = append(out, n.Subtype[1].Code+" "+n.Actor.Display)
	}
	return out
}

const auditFields = `nodes { id action outcome outcomeDesc patientId requestId purposeOfUse subtype { code } actor { id display role } entities { reference } fhir }
	pageInfo { hasNextPage endCursor }`

// refused runs an operation and gives the code of its error.
func (s *running) refused(t *testing.T, who, query string) string {
	t.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		t.Fatal(err)
	}
	_, text := s.do(t, http.MethodPost, "/graphql", string(body), "Content-Type", "application/json", "Authorization", bearer(t, who))
	var answer struct {
		Errors []struct{ Extensions struct{ Code string } }
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil || len(answer.Errors) == 0 {
		t.Fatalf("%s as %s: %s", query, who, text)
	}
	return answer.Errors[0].Extensions.Code
}

// The accounting of disclosures over the wire: who asked, who was refused, who
// fetched, when, for what purpose; for auditors alone.
func TestFileAccessReportOverTheWire(t *testing.T) {
	t.Parallel()
	s := start(t, devtest.NewFrom(t, "schema", migrate))
	id, url, header := s.reserve(t, "5")
	if resp, body := s.do(t, "PATCH", url, "hello", append(header, "Upload-Offset", "0", "Content-Type", "application/offset+octet-stream")...); resp.StatusCode != 204 {
		t.Fatalf("%s %s", resp.Status, body)
	}
	var finished struct {
		FinishUpload struct{ File struct{ ID string } }
	}
	s.graphql(t, "clinician", `mutation { finishUpload(input: {uploadId: "`+id+`"}) { file { id } } }`, &finished)
	file := finished.FinishUpload.File.ID
	if code := s.refused(t, "colleague", `{ file(id: "`+file+`") { id } }`); code != "NOT_FOUND" {
		t.Fatal(code)
	}
	var signed struct {
		SignedURL struct{ URL, AuditEventID string }
	}
	s.graphql(t, "clinician", `mutation { signedUrl(documentId: "`+file+`", delivery: GATED) { url auditEventId } }`, &signed)
	if resp, _ := s.do(t, "GET", signed.SignedURL.URL, ""); resp.StatusCode != 302 {
		t.Fatal(resp.Status)
	}
	report := fmt.Sprintf(`fileAccessReport(patientId: %q`, demo.Patient)
	var out struct{ FileAccessReport auditPage }
	s.graphql(t, "auditor", `{ `+report+`) { `+auditFields+` } }`, &out)
	want := []string{"followLink Dr. Ada Marsh", "signedUrl Dr. Ada Marsh", "file Dr. Ben Okoro"}
	if got := out.FileAccessReport.verbs(); !slices.Equal(got[:3], want) || !slices.Contains(got, "completeUpload Dr. Ada Marsh") {
		t.Errorf("the report tells of %v", got)
	}
	denied, issued := out.FileAccessReport.Nodes[2], out.FileAccessReport.Nodes[1]
	if denied.Outcome != "MINOR_FAILURE" || !strings.HasPrefix(denied.OutcomeDesc, "denied: rule ") || denied.PatientID != string(demo.Patient) ||
		denied.Actor.Role != "clinician" || !slices.Equal(denied.PurposeOfUse, []string{"TREAT"}) || denied.RequestID == "" ||
		denied.Fhir.ResourceType != "AuditEvent" || denied.Fhir.ID != denied.ID || denied.Entities[0].Reference != "Binary/"+file {
		t.Errorf("%+v", denied)
	}
	if issued.ID != signed.SignedURL.AuditEventID || issued.Action != "READ" || issued.Outcome != "SUCCESS" {
		t.Errorf("%+v", issued)
	}
	// By pages.
	var paged []string
	for after := ""; ; {
		s.graphql(t, "auditor", fmt.Sprintf(`{ %s, first: 2%s) { %s } }`, report, after, auditFields), &out)
		paged = append(paged, out.FileAccessReport.verbs()...)
		if !out.FileAccessReport.PageInfo.HasNextPage {
			break
		}
		after = fmt.Sprintf(", after: %q", out.FileAccessReport.PageInfo.EndCursor)
	}
	if !slices.Equal(paged[:3], want) {
		t.Errorf("by pages: %v", paged)
	}
	// The other doors to the same trail.
	var others struct {
		AuditEvents auditPage
		Patient     struct{ AuditEvents auditPage }
		Node        struct{ Typename, ID, Action string }
	}
	s.graphql(t, "auditor", fmt.Sprintf(`{ auditEvents(filter: {fileId: %q, outcomes: [MINOR_FAILURE]}) { %s }
		patient(id: %q) { auditEvents(first: 1, filter: {actions: [EXECUTE]}) { %s } }
		node(id: %q) { typename: __typename id ... on AuditEvent { action } } }`, file, auditFields, demo.Patient, auditFields, issued.ID), &others)
	if got := others.AuditEvents.verbs(); !slices.Equal(got, []string{"file Dr. Ben Okoro"}) {
		t.Errorf("auditEvents: %v", got)
	}
	if got := others.Patient.AuditEvents.verbs(); !slices.Equal(got, []string{"fileAccessReport Ivo Brandt"}) || !others.Patient.AuditEvents.PageInfo.HasNextPage {
		t.Errorf("Patient.auditEvents: %v", got)
	}
	if others.Node.Typename != "AuditEvent" || others.Node.ID != issued.ID || others.Node.Action != "READ" {
		t.Errorf("node: %+v", others.Node)
	}
	for query, code := range map[string]string{
		`{ ` + report + `) { nodes { id } } }`:                                             "FORBIDDEN",
		`{ auditEvents(filter: {}) { nodes { id } } }`:                                     "FORBIDDEN",
		`{ patient(id: "` + string(demo.Patient) + `") { auditEvents { nodes { id } } } }`: "FORBIDDEN",
		`{ node(id: "` + issued.ID + `") { id } }`:                                         "NOT_FOUND",
		`{ auditEvents(filter: {fileId: "` + file + `", noteId: "x"}) { nodes { id } } }`:  "BAD_USER_INPUT",
		`{ auditEvents(filter: {}, first: 1000) { nodes { id } } }`:                        "BAD_USER_INPUT",
	} {
		if got := s.refused(t, "clinician", query); got != code {
			t.Errorf("%s: %s, want %s", query, got, code)
		}
	}
	if got := s.refused(t, "auditor", `{ fileAccessReport(patientId: "`+string(demo.LakesidePatient)+`") { nodes { id } } }`); got != "NOT_FOUND" {
		t.Errorf("another clinic's patient: %s", got)
	}
}
