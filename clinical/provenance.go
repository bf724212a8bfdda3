package clinical

import "time"

// Activity is what made a version of something come to be.
type Activity string

// The activities; package fhir gives their codings.
const (
	ActivityUpload    Activity = "upload"
	ActivityDraft     Activity = "draft"
	ActivityEdit      Activity = "edit"
	ActivitySign      Activity = "sign"
	ActivityAmend     Activity = "amend"
	ActivitySupersede Activity = "supersede"
	ActivityRefile    Activity = "refile"
	ActivityRetract   Activity = "retract"
	ActivityScan      Activity = "scan"
	// Hold and Release put a legal hold on a file and lift it.
	ActivityHold    Activity = "hold"
	ActivityRelease Activity = "release"
	// Destroy ends the bytes of a file whose time has come; the record stays.
	ActivityDestroy Activity = "destroy"
	// Import restored a version that another deployment had exported.
	ActivityImport Activity = "import"
)

// Ref points at one version of a resource; Version 0 means unversioned.
type Ref struct {
	Type    string `json:"type"` // FHIR resource type
	ID      string `json:"id"`
	Version int    `json:"version,omitempty"`
	// SHA256 is the hexadecimal digest of the bytes or text meant, "" when none.
	SHA256 string `json:"sha256,omitempty"`
	// Fragment is the part meant, as a media fragment such as "t=12.5,19.0"; "" for the whole.
	Fragment string `json:"fragment,omitempty"`
}

// ProvenanceAgent is one who took part.
type ProvenanceAgent struct {
	Type       string    `json:"type"` // author, assembler, transmitter, verifier
	Actor      ActorID   `json:"actor"`
	ActorKind  ActorKind `json:"actorKind"`
	OnBehalfOf ActorID   `json:"onBehalfOf,omitempty"`
}

// Provenance is the evidence of how a version came to be
// (http://hl7.org/fhir/R4/provenance.html). Append-only.
type Provenance struct {
	ID         ProvenanceID
	Tenant     TenantID
	Patient    PatientID
	RecordedAt time.Time
	Activity   Activity
	Targets    []Ref
	Sources    []Ref
	Agents     []ProvenanceAgent
	// Reason is why, in the words of who did it (PHI); "" when none was asked for.
	Reason string
	// Signature is a compact JWS over the target's canonical content; "" when unsigned.
	Signature string
}
