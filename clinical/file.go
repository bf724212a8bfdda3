package clinical

import (
	"path"
	"strings"
	"time"
)

// ResourceType is the FHIR R4 resource a file becomes.
type ResourceType string

// The resources a file can become.
const (
	DocumentReference ResourceType = "DocumentReference"
	Media             ResourceType = "Media"
	Binary            ResourceType = "Binary"
)

// FileStatus is the life of a file after it was stored.
type FileStatus string

// A file's states: current -> superseded | entered-in-error.
const (
	FileCurrent        FileStatus = "current"
	FileSuperseded     FileStatus = "superseded"
	FileEnteredInError FileStatus = "entered-in-error"
)

// ScanStatus is the verdict of the pipeline on a file's bytes.
type ScanStatus string

// Scan verdicts. Skipped: the kind asks for no scan. Pending files of a kind
// whose rule is "required" are not served.
const (
	ScanPending  ScanStatus = "pending"
	ScanClean    ScanStatus = "clean"
	ScanInfected ScanStatus = "infected"
	ScanFailed   ScanStatus = "failed"
	ScanSkipped  ScanStatus = "skipped"
)

// Confidentiality is a level of HL7 v3 Confidentiality.
type Confidentiality int

// The levels, in ascending order.
const (
	Normal         Confidentiality = 0
	Restricted     Confidentiality = 1
	VeryRestricted Confidentiality = 2
)

// Code is the HL7 code: N, R or V.
func (c Confidentiality) Code() string {
	switch c {
	case Normal:
		return "N"
	case Restricted:
		return "R"
	default:
		return "V"
	}
}

// Digests are the fingerprints of a file's bytes, computed while they flowed.
type Digests struct {
	SHA256 []byte // 32 bytes, always there
	SHA1   []byte // 20 bytes, or nil: FHIR R4 Attachment.hash is optional
}

// Coding is a code of a terminology system.
type Coding struct {
	System  string `json:"system,omitempty"`
	Code    string `json:"code"`
	Display string `json:"display,omitempty"`
}

// File is a stored file: bytes in the tenant's bucket and what is known of them.
type File struct {
	ID              FileID
	Tenant          TenantID
	Patient         PatientID
	Encounter       EncounterID // "" when none
	Upload          UploadID
	ResourceType    ResourceType
	Kind            string
	Category        string
	Status          FileStatus
	ScanStatus      ScanStatus
	LegalHold       bool
	Confidentiality Confidentiality
	Labels          []string
	Department      string // "" when none
	Title           string // PHI
	ContentType     string
	Size            int64 // bytes
	Digests         Digests
	ObjectKey       string
	Version         int
	CreatedAt       time.Time
	UpdatedAt       time.Time
	CapturedAt      *time.Time
	Duration        float64 // seconds of audio or video; 0 unknown
	Width, Height   int     // pixels of an image; 0 unknown
	BodySite        *Coding
	UploadedBy      ActorID
	Supersedes      FileID // "" when none
	SupersededBy    FileID // "" when none
	// PurgedAt is when the bytes were given up: the record stays, they do not.
	PurgedAt *time.Time
}

// Scan is one verdict of the pipeline on a file's bytes.
type Scan struct {
	ID      string
	Tenant  TenantID
	File    FileID
	Version int // of the file, with the verdict
	Status  ScanStatus
	Engine  string
	Detail  string // what the engine says; may quote the file, so PHI
	By      ActorID
	At      time.Time
}

// Deletion certifies that a file's bytes were destroyed because their time had come.
type Deletion struct {
	File      FileID
	Tenant    TenantID
	Patient   PatientID
	Kind      string
	ObjectKey string
	Size      int64 // bytes
	SHA256    []byte
	Rule      string // such as "retention 87600h0m0s"
	DecidedAt time.Time
	DeletedAt *time.Time // when the bucket had let go of them; nil until then
}

// DownloadName is the neutral name a browser saves the file under: its kind
// and the end of its id, never its title (URLs and headers carry no patient data).
func (f File) DownloadName() string { return f.Kind + "-" + lastFour(string(f.ID)) + f.Extension() }

func lastFour(id string) string { return id[max(0, len(id)-4):] }

// Extension is the usual end of a name of such bytes, with its dot; "" when none is known.
func (f File) Extension() string { return extensions[f.ContentType] }

// ObjectKey is where the bytes of a file live in the bucket: tenant, year,
// month and id, nothing a person could be known by.
func ObjectKey(tenant TenantID, id FileID, at time.Time) string {
	return path.Join(string(tenant), at.UTC().Format("2006/01"), string(id))
}

// IsObjectKey reports whether a key is one that ObjectKey makes for the tenant.
func IsObjectKey(tenant TenantID, key string) bool {
	rest, ok := strings.CutPrefix(key, string(tenant)+"/")
	if !ok || len(rest) < len("2006/01/") {
		return false
	}
	_, err := time.Parse("2006/01/", rest[:len("2006/01/")])
	_, formed := ParseID[FileID](rest[len("2006/01/"):])
	return err == nil && formed
}

var extensions = map[string]string{
	"application/pdf": ".pdf", "image/jpeg": ".jpg", "image/png": ".png", "image/tiff": ".tiff",
	"image/webp": ".webp", "image/heic": ".heic", "audio/wav": ".wav", "audio/mpeg": ".mp3",
	"audio/mp4": ".m4a", "audio/aac": ".aac", "audio/webm": ".webm", "audio/ogg": ".ogg",
	"audio/flac": ".flac", "video/webm": ".webm", "video/mp4": ".mp4", "text/plain": ".txt",
}
