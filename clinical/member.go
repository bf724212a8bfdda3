package clinical

import "time"

// Roles are all there are, in the order in which they are shown.
var Roles = []Role{Clinician, Clerk, Auditor, Admin, Pipeline}

// Login is how somebody signs in: the subject of an OpenID Connect issuer. The
// zero Login is none.
type Login struct{ Issuer, Subject string }

// Member is a principal as those see it who administer the clinic.
type Member struct {
	ID          ActorID
	Tenant      TenantID
	Kind        ActorKind
	Display     string
	Roles       []Role // of a User; agents and devices have none
	Clearance   int    // 0 normal, 1 restricted, 2 very restricted
	Departments []string
	CareGroups  []string
	Login       Login
	CreatedAt   time.Time
	EndedAt     *time.Time // nil while the membership is in force
}

// PanelEntry is one patient in a principal's care, or granted to it.
type PanelEntry struct {
	Patient PatientID
	Since   time.Time
	Until   *time.Time // nil: until taken off
}
