package fhir

import "github.com/bonfiredb/bonfire/clinical"

// OperationOutcome is an error in FHIR's words (http://hl7.org/fhir/R4/operationoutcome.html).
type OperationOutcome struct {
	ResourceType string                  `json:"resourceType"`
	ID           string                  `json:"id,omitempty"`
	Issue        []OperationOutcomeIssue `json:"issue"`
}

// OperationOutcomeIssue is one error.
type OperationOutcomeIssue struct {
	Severity    string           `json:"severity"`
	Code        string           `json:"code"`
	Details     *CodeableConcept `json:"details,omitempty"`
	Diagnostics string           `json:"diagnostics,omitempty"`
	// Location names a request parameter as "http.{name}"; R4's expression can
	// only name elements of a resource.
	Location []string `json:"location,omitempty"`
}

// Key is "OperationOutcome" and, when it is contained, the local id.
func (o *OperationOutcome) Key() (resourceType, id string) { return o.ResourceType, o.ID }

// Header is nil: an outcome is not kept.
func (*OperationOutcome) Header() *Meta { return nil }

// issue is a failure kind as FHIR's issue type
// (http://hl7.org/fhir/R4/valueset-issue-type.html) and as the API's own code.
type issue struct{ fhir, api string }

var issues = map[clinical.Kind]issue{
	clinical.Internal:         {"exception", "INTERNAL_SERVER_ERROR"},
	clinical.Unauthenticated:  {"login", "UNAUTHENTICATED"},
	clinical.NotFound:         {"not-found", "NOT_FOUND"},
	clinical.Forbidden:        {"forbidden", "FORBIDDEN"},
	clinical.Invalid:          {"invalid", "BAD_USER_INPUT"},
	clinical.Conflict:         {"conflict", "CONFLICT"},
	clinical.Busy:             {"lock-error", "UNAVAILABLE"},
	clinical.TooLarge:         {"too-long", "TOO_LARGE"},
	clinical.Unsupported:      {"not-supported", "UNSUPPORTED"},
	clinical.Gone:             {"deleted", "GONE"},
	clinical.ChecksumMismatch: {"value", "CHECKSUM_MISMATCH"},
	clinical.Quarantined:      {"business-rule", "QUARANTINED"},
	clinical.Unavailable:      {"transient", "UNAVAILABLE"},
	clinical.NotImplemented:   {"not-supported", "NOT_IMPLEMENTED"},
}

// OperationOutcome renders an error. Only the constant words of a
// clinical.Failure go out: an Internal failure, and any error which is no
// Failure, reads "internal error".
func (r Renderer) OperationOutcome(err error, requestID string) *OperationOutcome {
	kind, words, field := clinical.KindOf(err), "internal error", ""
	if f := clinical.AsFailure(err); f != nil && kind != clinical.Internal {
		words, field = f.Words, f.Field
	}
	as, known := issues[kind]
	if !known {
		as = issues[clinical.Internal]
	}
	i := OperationOutcomeIssue{
		Severity: "error",
		Code:     as.fhir,
		Details:  &CodeableConcept{Coding: []Coding{r.own("error", as.api, "")}, Text: text(words)},
	}
	if id := text(requestID); id != "" {
		i.Diagnostics = "requestId=" + id
	}
	if field = text(field); field != "" {
		i.Location = []string{"http." + field}
	}
	return &OperationOutcome{ResourceType: "OperationOutcome", Issue: []OperationOutcomeIssue{i}}
}
