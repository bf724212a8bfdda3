package records

import (
	"time"

	"github.com/bonfiredb/bonfire/clinical"
)

// BeginUpload is what a client announces before it sends bytes.
type BeginUpload struct {
	Patient     clinical.PatientID
	Kind        string
	Category    string // "" takes the kind's own
	ContentType string
	Length      *int64 // bytes; nil: not known yet (a live recording)
	SHA256      []byte // of the whole file; nil when not announced
	Title       string // PHI
	Encounter   clinical.EncounterID
	Note        clinical.NoteID // the finished file becomes a source of this draft
	CapturedAt  *time.Time
	BodySite    *clinical.Coding
	// IdempotencyKey: the same key with the same input answers the same upload.
	IdempotencyKey string
}

// BegunUpload is a reserved upload and the capability to send its bytes.
type BegunUpload struct {
	Upload clinical.Upload
	// Token is the upload token in clear; it is stored hashed and shown once.
	Token string
}

// FinishUpload ends an upload whose bytes are all there.
type FinishUpload struct {
	SHA256 []byte // what the client computed; nil to skip
	// DeclareLength ends a live recording: its length is all that was received.
	DeclareLength bool
}

// RegisterPatient is a new chart.
type RegisterPatient struct {
	DisplayName    string // PHI
	Identifiers    []clinical.Identifier
	IdempotencyKey string
}

// OpenEncounter is a new visit.
type OpenEncounter struct {
	Patient        clinical.PatientID
	StartedAt      *time.Time
	IdempotencyKey string
}

// SignedURL asks for a link to a document's bytes.
type SignedURL struct {
	Document    string        // the id of a file or a note
	FilesOnly   bool          // a note's id is that of nothing
	TTL         time.Duration // 0 takes the default; above the ceiling the ceiling wins
	Delivery    clinical.Delivery
	Disposition clinical.Disposition
	SingleUse   bool
	Purpose     clinical.PurposeOfUse // "" takes the request's
}

// SignedLink is a link that was issued and audited.
type SignedLink struct {
	Link  clinical.Link
	URL   string
	Audit clinical.AuditEventID
}

// FileQuery narrows a list of files; every condition is ANDed inside the policy.
type FileQuery struct {
	Kinds             []string
	Categories        []string
	Statuses          []clinical.FileStatus
	ResourceTypes     []clinical.ResourceType
	Encounter         clinical.EncounterID
	Note              clinical.NoteID
	ContentTypePrefix string
	CreatedFrom       *time.Time
	CreatedBefore     *time.Time
	Text              string // PHI, part of a title
	OrderBy           FileOrder
	Descending        bool
	WithTotal         bool
	Page              clinical.Page
}

// FileOrder is what files are sorted by; the id breaks ties.
type FileOrder string

// The orders of a file list.
const (
	ByCreatedAt FileOrder = "created_at"
	ByTitle     FileOrder = "title"
	BySize      FileOrder = "size"
)

// UploadQuery narrows a list of the caller's own uploads.
type UploadQuery struct {
	States  []clinical.UploadState
	Patient clinical.PatientID
	Page    clinical.Page
}

// FileAbilities say what the caller may do with a file, so that a screen need
// not guess; never a grant, each call is decided again.
type FileAbilities struct {
	Download, Update, Retract bool
}

// RevokeLinks ends links at once; exactly one of its ids is set.
type RevokeLinks struct {
	Link    clinical.LinkID
	File    clinical.FileID
	Note    clinical.NoteID
	Actor   clinical.ActorID
	Patient clinical.PatientID
	Reason  string // PHI
}
