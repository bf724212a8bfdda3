package clinical

import "time"

// AuditAction is FHIR's AuditEvent.action
// (http://hl7.org/fhir/R4/valueset-audit-event-action.html).
type AuditAction string

// The actions.
const (
	AuditCreate  AuditAction = "C"
	AuditRead    AuditAction = "R"
	AuditUpdate  AuditAction = "U"
	AuditDelete  AuditAction = "D"
	AuditExecute AuditAction = "E"
)

// AuditOutcome is FHIR's AuditEvent.outcome
// (http://hl7.org/fhir/R4/valueset-audit-event-outcome.html).
type AuditOutcome string

// The outcomes. A denial is a minor failure.
const (
	Success        AuditOutcome = "0"
	MinorFailure   AuditOutcome = "4"
	SeriousFailure AuditOutcome = "8"
	MajorFailure   AuditOutcome = "12"
)

// AuditEntity is one thing an event touched.
type AuditEntity struct {
	Type    string `json:"type"` // FHIR resource type, or "Upload", "Link", "Grant"
	ID      string `json:"id"`
	Version int    `json:"version,omitempty"`
}

// AuditEvent is one decision or effect: who, what, why, on whose chart, with
// what outcome. It holds ids and codes, never names or text.
type AuditEvent struct {
	ID         AuditEventID
	Tenant     TenantID
	RecordedAt time.Time
	Verb       string // the operation: "createUpload", "signedUrl", ...
	Action     AuditAction
	Subtype    string // the RESTful interaction or "disclose": see package fhir
	Outcome    AuditOutcome
	// Rule is the policy that decided: the denying forbid, "default-deny", or the permit.
	Rule       string
	Actor      ActorID
	ActorKind  ActorKind
	OnBehalfOf ActorID
	Roles      []Role
	Purpose    PurposeOfUse
	Patient    PatientID // "" when none, or when nothing exists
	Entities   []AuditEntity
	// Query is the search of a list, in ids and codes only.
	Query string
	// Detail are further codes: expiresAt, objectVersion, linkId, count.
	Detail    map[string]string
	RequestID string
	// Repeats counts denials folded into this event within one minute.
	Repeats int
}
