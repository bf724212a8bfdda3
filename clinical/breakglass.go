package clinical

import "time"

// BreakGlass is a grant of access in an emergency, and what its review found:
// one clinician looks into one chart, for some minutes, for a reason.
type BreakGlass struct {
	ID        GrantID
	Tenant    TenantID
	Member    ActorID
	Patient   PatientID
	Reason    string // PHI, in the words of who broke the glass
	GrantedAt time.Time
	ExpiresAt time.Time
	// Audit is the security alert that announced it.
	Audit  AuditEventID
	Review *BreakGlassReview // nil while it waits in the queue
}

// Grant is what a session carries of it.
func (b BreakGlass) Grant() BreakGlassGrant {
	return BreakGlassGrant{ID: b.ID, Patient: b.Patient, Expires: b.ExpiresAt}
}

// BreakGlassReview is what somebody else found when they looked at a grant.
type BreakGlassReview struct {
	By      ActorID
	At      time.Time
	Verdict Verdict
	Remark  string // PHI; "" when there is nothing to add
}

// Verdict is the outcome of a review.
type Verdict string

// The verdicts.
const (
	Justified   Verdict = "justified"
	Unjustified Verdict = "unjustified"
)
