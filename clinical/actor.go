package clinical

import (
	"slices"
	"time"
)

// ActorKind is the sort of principal behind a request.
type ActorKind string

// The principals. An Agent is an AI (a scribe), a Device a recorder or scanner,
// System is this program's own background work.
const (
	User   ActorKind = "user"
	Agent  ActorKind = "agent"
	Device ActorKind = "device"
	System ActorKind = "system"
)

// Role is what a User does in the clinic.
type Role string

// The roles of the shipped policy set.
const (
	Clinician Role = "clinician"
	Clerk     Role = "clerk"
	Auditor   Role = "auditor"
	Admin     Role = "admin"
	Pipeline  Role = "pipeline"
)

// PurposeOfUse is why the caller asks, a code of HL7 v3 PurposeOfUse
// (http://terminology.hl7.org/ValueSet/v3-PurposeOfUse).
type PurposeOfUse string

// The purposes the API takes.
const (
	Treatment      PurposeOfUse = "TREAT"
	Payment        PurposeOfUse = "HPAYMT"
	Operations     PurposeOfUse = "HOPERAT"
	PatientRequest PurposeOfUse = "PATRQT"
	EmergencyTreat PurposeOfUse = "ETREAT"
	BreakTheGlass  PurposeOfUse = "BTG"
	Research       PurposeOfUse = "HRESCH"
)

// Actor is an authenticated principal of one tenant as our own membership rows
// describe it. A token says who; everything else here comes from those rows.
// The zero Actor is nobody, and every decision about it is a denial.
type Actor struct {
	ID      ActorID
	Kind    ActorKind
	Tenant  TenantID
	Display string
	Roles   []Role
	// Clearance is the highest confidentiality readable: 0 normal, 1 restricted, 2 very restricted.
	Clearance   int
	Departments []string
	CareGroups  []string
	// Panel are the patients in this principal's care (a user) or granted to it (an agent, a device).
	Panel []PatientID
	// OnBehalfOf is the user an agent acts for; its authority is then the intersection of both.
	OnBehalfOf *Actor
	// Session is what belongs to this request and not to the principal.
	Session Session
}

// Session is the part of an Actor that one request brings along.
type Session struct {
	Purpose PurposeOfUse
	// MFA says that the login used a second factor.
	MFA bool
	// Scopes narrow the token (SMART on FHIR v2); nil means no narrowing.
	Scopes []string
	// Key is the API key that was shown; "" for any other credential.
	Key KeyID
	// RequestID is echoed to the caller and stands in every audit event.
	RequestID string
	// BreakGlass are the live grants of this principal, filled from rows, never
	// from the request. They stand here only while Purpose is BreakTheGlass.
	BreakGlass []BreakGlassGrant
}

// BreakGlassGrant opens one patient's chart, read-only, for some minutes.
type BreakGlassGrant struct {
	ID      GrantID
	Patient PatientID
	Expires time.Time
}

// HasRole reports whether the actor holds the role.
func (a Actor) HasRole(r Role) bool { return slices.Contains(a.Roles, r) }

// Anonymous reports whether a is the zero Actor.
func (a Actor) Anonymous() bool { return a.ID == "" || a.Tenant == "" }

// DefaultPurpose is the purpose of use when a request names none: treatment
// for those who treat, record and draft, operations for those who run things.
func (a Actor) DefaultPurpose() PurposeOfUse {
	if a.Kind == Agent || a.Kind == Device || a.HasRole(Clinician) || a.HasRole(Clerk) {
		return Treatment
	}
	return Operations
}

// AllowedPurposes lists the purposes the actor may name.
func (a Actor) AllowedPurposes() []PurposeOfUse {
	if a.Kind == Agent || a.Kind == Device {
		return []PurposeOfUse{Treatment}
	}
	var out []PurposeOfUse
	add := func(ps ...PurposeOfUse) {
		for _, p := range ps {
			if !slices.Contains(out, p) {
				out = append(out, p)
			}
		}
	}
	for _, r := range a.Roles {
		switch r {
		case Clinician:
			add(Treatment, EmergencyTreat, BreakTheGlass)
		case Clerk:
			add(Treatment, Payment, Operations)
		case Auditor, Admin, Pipeline:
			add(Operations)
		}
	}
	if a.Kind == System {
		add(Operations)
	}
	return out
}

// WithPurpose returns the actor asking for the given purpose; Forbidden when
// none of its roles may name it. An empty purpose means the default. Grants of
// broken glass are dropped unless that is the purpose.
func (a Actor) WithPurpose(p PurposeOfUse) (Actor, error) {
	if p == "" {
		p = a.DefaultPurpose()
	}
	if !slices.Contains(a.AllowedPurposes(), p) {
		return a, Fail(Forbidden, "this purpose of use is not open to you", nil).WithField("purposeOfUse")
	}
	a.Session.Purpose = p
	if p != BreakTheGlass {
		a.Session.BreakGlass = nil
	}
	return a, nil
}
