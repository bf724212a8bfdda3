package fhir_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/fhir"
)

const (
	balp   = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
	source = "110153"
	dest   = "110152"
)

// TestAuditShapes holds the table of BALP: which way the data went, who the
// caller was, which profile is claimed.
func TestAuditShapes(t *testing.T) {
	for _, c := range []struct {
		action                             clinical.AuditAction
		subtype                            string
		profile, kind, code, client, asker string
	}{
		{"C", "create", "PatientCreate", "rest", "create", source, "AUT"},
		{"C", "", "PatientCreate", "rest", "create", source, "AUT"},
		{"U", "update", "PatientUpdate", "rest", "update", source, "AUT"},
		{"D", "delete", "", "rest", "delete", source, "AUT"},
		{"R", "read", "PatientRead", "rest", "read", dest, "IRCP"},
		{"R", "vread", "PatientRead", "rest", "vread", dest, "IRCP"},
		{"E", "search-type", "PatientQuery", "rest", "search-type", source, "IRCP"},
		{"E", "", "PatientQuery", "rest", "search-type", source, "IRCP"},
		{"R", fhir.SubtypeDisclose, "PrivacyDisclosure.Source", "110106", "disclose", dest, "IRCP"},
		{"R", fhir.SubtypeExport, "", "110106", "extract", dest, "IRCP"},
		{"E", fhir.SubtypeBreakGlass, "", "110113", "110127", source, "IRCP"},
	} {
		t.Run(string(c.action)+" "+c.subtype, func(t *testing.T) {
			e := event("verb", c.action, c.subtype, func(e *clinical.AuditEvent) {
				if c.action == "E" && c.subtype != fhir.SubtypeBreakGlass {
					e.Query = "patient=1"
				}
			})
			got := renderer.AuditEvent(e)
			var profile string
			if len(got.Meta.Profile) > 0 {
				profile = strings.TrimPrefix(got.Meta.Profile[0], balp)
			}
			client, server, asker := got.Agent[0], got.Agent[1], got.Agent[2]
			is := fmt.Sprint(profile, got.Type.Code, got.Subtype[0].Code, client.Type.Coding[0].Code, asker.Type.Coding[0].Code)
			if want := fmt.Sprint(c.profile, c.kind, c.code, c.client, c.asker); is != want {
				t.Errorf("got %s, want %s", is, want)
			}
			if server.Type.Coding[0].Code == c.client || server.Who.Reference != got.Source.Observer.Reference {
				t.Errorf("server %v", server)
			}
			if client.Requestor || server.Requestor || !asker.Requestor {
				t.Error("the principal is not the one requestor")
			}
		})
	}
}

// TestDenialIsRenderedAsOne: a denial names its rule, contains the answer
// that was given and claims no profile of a success.
func TestDenialIsRenderedAsOne(t *testing.T) {
	e := event("file", "R", "read", func(e *clinical.AuditEvent) { e.Outcome, e.Rule = clinical.MinorFailure, "quarantine" })
	got := renderer.AuditEvent(e)
	if got.Outcome != "4" || got.OutcomeDesc != "denied: rule quarantine" || len(got.Meta.Profile) > 0 || len(got.Contained) != 1 {
		t.Errorf("%+v", got)
	}
	if last := got.Subtype[len(got.Subtype)-1].Code; last != "access-denied" {
		t.Errorf("subtype %s", last)
	}
}

// TestP10_AuditEventNamesNoPatient: of a patient an event says the reference
// only; nothing of a link but its id.
func TestP10_AuditEventNamesNoPatient(t *testing.T) {
	for name, res := range renderedAudit() {
		b, err := fhir.Marshal(res)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{patient.DisplayName, patient.Identifiers[0].Value, "https://s3", "X-Amz"} {
			if strings.Contains(string(b), word) {
				t.Errorf("%s says %q", name, word)
			}
		}
	}
}

// TestP10_OutcomeSaysConstantWords: the cause of a failure never reaches the caller.
func TestP10_OutcomeSaysConstantWords(t *testing.T) {
	cause := errors.New("dial tcp 10.0.0.7: Åsa Öberg")
	for _, err := range []error{
		cause,
		clinical.Fail(clinical.Internal, "words meant for the log", cause),
		fmt.Errorf("%w", clinical.Fail(clinical.Unavailable, "try again shortly", cause)),
	} {
		issue := renderer.OperationOutcome(err, "r1").Issue[0]
		want, code := "internal error", "INTERNAL_SERVER_ERROR"
		if clinical.Is(err, clinical.Unavailable) {
			want, code = "try again shortly", "UNAVAILABLE"
		}
		if issue.Details.Text != want || issue.Details.Coding[0].Code != code || issue.Diagnostics != "requestId=r1" {
			t.Errorf("%v: %+v", err, issue)
		}
	}
}
