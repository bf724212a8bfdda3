package server_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/bonfiredb/bonfire/fhir/validator"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
)

// TestP8_GraphQLAndFacadeShowOneRecord: the export by GraphQL is valid, and what
// is in it is what the facade answers.
func TestP8_GraphQLAndFacadeShowOneRecord(t *testing.T) {
	t.Parallel()
	s := start(t, devtest.NewFrom(t, "schema", migrate))
	id, url, header := s.reserve(t, "5")
	if resp, body := s.do(t, "PATCH", url, "hello", append(header, "Upload-Offset", "0", "Content-Type", "application/offset+octet-stream")...); resp.StatusCode != 204 {
		t.Fatalf("%s %s", resp.Status, body)
	}
	var finished struct {
		FinishUpload struct {
			File struct {
				ID   string
				Fhir json.RawMessage
			}
		}
	}
	s.graphql(t, "clinician", `mutation { finishUpload(input: {uploadId: "`+id+`"}) { file { id fhir } } }`, &finished)
	file := finished.FinishUpload.File
	var out struct {
		Bundle struct {
			Bundle       json.RawMessage
			AuditEventID string
			PageInfo     struct {
				HasNextPage bool
				EndCursor   string
			}
		}
	}
	s.graphql(t, "clinician", `{ bundle(patientId: "`+string(demo.Patient)+`", first: 1) { bundle auditEventId pageInfo { hasNextPage endCursor } } }`, &out)
	var export struct {
		Type  string
		Total *int
		Entry []struct {
			FullURL  string
			Resource json.RawMessage
		}
	}
	if err := json.Unmarshal(out.Bundle.Bundle, &export); err != nil || export.Type != "collection" || export.Total != nil || len(export.Entry) < 3 || out.Bundle.AuditEventID == "" {
		t.Fatalf("%v %s", err, out.Bundle.Bundle)
	}
	reports, err := validator.Reader(t.Context(), bytes.NewReader(out.Bundle.Bundle))
	if err != nil || len(reports) != 1 || len(reports[0].Findings) > 0 {
		t.Errorf("the validator says %v %+v", err, reports)
	}
	found := false
	for _, e := range export.Entry {
		resp, body := s.do(t, "GET", e.FullURL, "", "Authorization", bearer(t, "clinician"), "Accept", "application/fhir+json")
		if resp.StatusCode != http.StatusOK || body != string(e.Resource) {
			t.Errorf("%s: %s %s, in the Bundle %s", e.FullURL, resp.Status, body, e.Resource)
		}
		found = found || string(file.Fhir) == string(e.Resource)
	}
	if !found {
		t.Errorf("File.fhir is not in the Bundle: %s", file.Fhir)
	}
	if resp, body := s.do(t, "GET", "/fhir/R4/metadata", ""); resp.StatusCode != 200 || !strings.Contains(body, "CapabilityStatement") {
		t.Errorf("metadata: %s %s", resp.Status, body)
	}
	if strings.Contains(s.log.String(), string(demo.Patient)) || strings.Contains(s.log.String(), file.ID) {
		t.Error("P10: ids of a path are in the log")
	}
}
