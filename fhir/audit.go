package fhir

import (
	"time"

	"github.com/bonfiredb/bonfire/clinical"
)

// AuditEvent is one decision or effect (http://hl7.org/fhir/R4/auditevent.html),
// in the shapes of IHE's Basic Audit Log Patterns (BALP).
type AuditEvent struct {
	ResourceType   string             `json:"resourceType"`
	ID             string             `json:"id"`
	Meta           *Meta              `json:"meta,omitempty"`
	Contained      []OperationOutcome `json:"contained,omitempty"`
	Type           Coding             `json:"type"`
	Subtype        []Coding           `json:"subtype,omitempty"`
	Action         string             `json:"action,omitempty"`
	Recorded       *time.Time         `json:"recorded,omitempty"`
	Outcome        string             `json:"outcome,omitempty"`
	OutcomeDesc    string             `json:"outcomeDesc,omitempty"`
	PurposeOfEvent []CodeableConcept  `json:"purposeOfEvent,omitempty"`
	Agent          []AuditEventAgent  `json:"agent"`
	Source         AuditEventSource   `json:"source"`
	Entity         []AuditEventEntity `json:"entity,omitempty"`
}

// AuditEventAgent is one who took part. Exactly one is the requestor.
type AuditEventAgent struct {
	Type         *CodeableConcept   `json:"type,omitempty"`
	Role         []CodeableConcept  `json:"role,omitempty"`
	Who          Reference          `json:"who,omitzero"`
	Requestor    bool               `json:"requestor"`
	Policy       []string           `json:"policy,omitempty"`
	Network      *AuditEventNetwork `json:"network,omitempty"`
	PurposeOfUse []CodeableConcept  `json:"purposeOfUse,omitempty"`
}

// AuditEventNetwork is the machine an agent worked from.
type AuditEventNetwork struct {
	Extension []Extension `json:"extension,omitempty"`
	Address   string      `json:"address,omitempty"`
	// Type is 1 for a machine name, 2 for an IP address.
	Type string `json:"type,omitempty"`
}

// AuditEventSource is who recorded the event: this server.
type AuditEventSource struct {
	Site     string    `json:"site,omitempty"`
	Observer Reference `json:"observer"`
	Type     []Coding  `json:"type,omitempty"`
}

// AuditEventEntity is what the event touched, asked or answered.
type AuditEventEntity struct {
	What        Reference          `json:"what,omitzero"`
	Type        *Coding            `json:"type,omitempty"`
	Role        *Coding            `json:"role,omitempty"`
	Description string             `json:"description,omitempty"`
	Query       []byte             `json:"query,omitempty"` // base64 in JSON
	Detail      []AuditEventDetail `json:"detail,omitempty"`
}

// AuditEventDetail is a further code of an entity.
type AuditEventDetail struct {
	Type        string `json:"type"`
	ValueString string `json:"valueString"`
}

// Key is "AuditEvent" and the id.
func (e *AuditEvent) Key() (resourceType, id string) { return e.ResourceType, e.ID }

// Header is the metadata.
func (e *AuditEvent) Header() *Meta { return e.Meta }

// AuditEvent renders an event. It says ids and codes, as the row does: a
// patient appears as a reference and nothing more (P10), and a link only by its
// id. Issuing a signed URL is recorded as a disclosure; it is not proof of a
// download, which only the bucket's access log can give.
func (r Renderer) AuditEvent(e clinical.AuditEvent) *AuditEvent {
	s := shapeOf(e)
	entities, whole := r.auditEntities(e, s)
	out := &AuditEvent{
		ResourceType: "AuditEvent",
		ID:           string(e.ID),
		Meta:         meta(1, e.RecordedAt),
		Type:         s.kind,
		Subtype:      []Coding{s.subtype},
		Action:       string(e.Action),
		Recorded:     instant(e.RecordedAt),
		Outcome:      string(e.Outcome),
		Agent:        r.auditAgents(e, s),
		Source: AuditEventSource{
			Site:     text(r.Server),
			Observer: r.Actor(ActorRef{Kind: clinical.System}),
			Type: []Coding{{
				System: "http://terminology.hl7.org/CodeSystem/security-source-type", Code: "4", Display: "Application Server",
			}},
		},
		Entity: entities,
	}
	if c := r.own("operation", e.Verb, ""); c.Code != "" {
		out.Subtype = append(out.Subtype, c)
	}
	if s.purposeOfEvent {
		out.PurposeOfEvent = concepts(concept(purpose(e.Purpose)))
	}
	switch {
	case denied(e):
		r.refuse(out, e)
	case whole && s.profile != "" && succeeded(e):
		out.Meta.Profile = []string{balp + s.profileFor(e)}
	}
	return out
}

// refuse says that the attempt was denied, and by which rule. BALP has no
// profile for that: the event keeps the shape of what was attempted
// (http://hl7.org/fhir/R4/security.html#AccessDenied).
func (r Renderer) refuse(out *AuditEvent, e clinical.AuditEvent) {
	out.Subtype = append(out.Subtype, r.own("audit-subtype", "access-denied", "Access denied"))
	out.OutcomeDesc = "denied: rule " + code(e.Rule)
	out.Contained = []OperationOutcome{{
		ResourceType: "OperationOutcome",
		ID:           "response",
		Issue: []OperationOutcomeIssue{{
			Severity: "error", Code: "forbidden", Details: &CodeableConcept{Text: "Denied by policy."},
		}},
	}}
}

// succeeded reports whether what was asked for was done.
func succeeded(e clinical.AuditEvent) bool { return e.Outcome == clinical.Success || e.Outcome == "" }

// denied reports whether a rule stopped the attempt. Other failures (a stale
// version, a lost race) name no rule.
func denied(e clinical.AuditEvent) bool { return !succeeded(e) && code(e.Rule) != "" }
