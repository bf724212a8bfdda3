package clinical

import "time"

// UploadState is where an upload stands.
//
//	open -> receiving -> assembling -> stored -> completed
//
// failed, cancelled and expired are terminal like completed and can be reached
// from open, receiving and (failed only) assembling.
type UploadState string

// The states of an upload.
const (
	UploadOpen       UploadState = "open"
	UploadReceiving  UploadState = "receiving"
	UploadAssembling UploadState = "assembling"
	UploadStored     UploadState = "stored"
	UploadCompleted  UploadState = "completed"
	UploadFailed     UploadState = "failed"
	UploadCancelled  UploadState = "cancelled"
	UploadExpired    UploadState = "expired"
)

// Terminal reports whether nothing will ever change again.
func (s UploadState) Terminal() bool {
	switch s {
	case UploadCompleted, UploadFailed, UploadCancelled, UploadExpired:
		return true
	}
	return false
}

// Receives reports whether bytes may still arrive.
func (s UploadState) Receives() bool { return s == UploadOpen || s == UploadReceiving }

// UploadFailureCode says why an upload ended in failed or expired.
type UploadFailureCode string

// The reasons an upload ends without a record.
const (
	FailedChecksum    UploadFailureCode = "CHECKSUM_MISMATCH"
	FailedContentType UploadFailureCode = "CONTENT_TYPE_MISMATCH"
	FailedInfected    UploadFailureCode = "INFECTED"
	FailedExpired     UploadFailureCode = "EXPIRED"
	FailedStorage     UploadFailureCode = "STORAGE"
	// FailedRefused: the gate no longer permits the upload at completion.
	FailedRefused UploadFailureCode = "REFUSED"
)

// UploadFailure is a terminal failure, with constant words for the client.
type UploadFailure struct {
	Code      UploadFailureCode
	Words     string
	Retryable bool
}

// Upload is one file on its way in: what was announced, and how much of it is
// durable. Offset never goes down (P1).
type Upload struct {
	ID        UploadID
	Tenant    TenantID
	Patient   PatientID
	Encounter EncounterID
	Owner     ActorID
	// Key is the API key that the owner began it with; "" for a login.
	Key         KeyID
	Kind        string
	Category    string
	Resource    ResourceType
	Title       string // PHI
	ContentType string // as declared, canonical
	Sniffed     string // as seen in the first bytes; "" until seen
	BodySite    *Coding
	CapturedAt  *time.Time
	// NoteID attaches the finished file to a draft note's sources; "" when none.
	NoteID NoteID

	Length  *int64 // bytes; nil while deferred
	MaxSize int64  // bytes
	Offset  int64  // bytes, durable
	State   UploadState
	Failure *UploadFailure
	// File is the id the record has, or will have: reserved at creation.
	File      FileID
	ObjectKey string
	Multipart string // S3 multipart upload id; "" when none was begun
	NextPart  int32
	// AnnouncedSHA256 is what the client says the whole file's digest is; nil when it did not.
	AnnouncedSHA256 []byte
	Digests         *Digests // set once assembled
	HashState       []byte   // running digests at Offset; dropped at the end
	IdempotencyKey  string
	TTL             time.Duration
	CreatedAt       time.Time
	UpdatedAt       time.Time
	ExpiresAt       time.Time
	// Terms of the kind at creation, so that a registry change does not alter an upload under way.
	Scan       ScanRule
	Mismatch   MismatchRule
	AllowEmpty bool
	// RequestID of the call that began it, for the audit trail.
	RequestID string
}

// Complete reports whether every byte that was announced is durable.
func (u Upload) Complete() bool { return u.Length != nil && u.Offset == *u.Length }
