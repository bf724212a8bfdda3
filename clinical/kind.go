package clinical

import (
	"mime"
	"slices"
	"strings"
	"time"
)

// ScanRule says what must have happened before a kind's files are served.
type ScanRule string

// Scan rules: none (files are born skipped), advisory (served while pending),
// required (served only when clean).
const (
	ScanNone     ScanRule = "none"
	ScanAdvisory ScanRule = "advisory"
	ScanRequired ScanRule = "required"
)

// MismatchRule says what happens when the bytes are not of the declared type.
type MismatchRule string

// Mismatch rules: refuse the upload, or store it in quarantine.
const (
	RefuseMismatch     MismatchRule = "refuse"
	QuarantineMismatch MismatchRule = "quarantine"
)

// FileKind is one entry of the kind registry: what may be uploaded, how large,
// and what it becomes. The taxonomy is the clinic's own; see kinds.go for the
// defaults that are shipped.
type FileKind struct {
	Code    string `json:"code"`
	Display string `json:"display"`
	// Resource is what its files become; "" leaves it to the category.
	Resource ResourceType `json:"resource,omitempty"`
	Category string       `json:"category"`
	// ContentTypes are the media types taken; "*/*" takes anything.
	ContentTypes      []string     `json:"contentTypes"`
	MaxSize           int64        `json:"maxSize"` // bytes
	RequiresEncounter bool         `json:"requiresEncounter,omitempty"`
	AllowEmpty        bool         `json:"allowEmpty,omitempty"`
	Scan              ScanRule     `json:"scan"`
	Mismatch          MismatchRule `json:"mismatch"`
	// Retention is how long bytes are kept after creation, nanoseconds in JSON; 0
	// is without end. A legal hold outranks it, and so does a signed note that
	// comes from the file, unless PurgeSigned.
	Retention   time.Duration `json:"retention,omitempty"`
	PurgeSigned bool          `json:"purgeSigned,omitempty"`
	// UploadTTL is the sliding life of an unfinished upload, nanoseconds in JSON; 0 means the server's default.
	UploadTTL time.Duration `json:"uploadTtl,omitempty"`
	// Type and CategoryCoding are the FHIR codings; Modality is for Media.
	Type           *Coding `json:"type,omitempty"`
	CategoryCoding *Coding `json:"categoryCoding,omitempty"`
	Modality       *Coding `json:"modality,omitempty"`
}

// TenantKind is one version of an entry in a clinic's own registry. It takes the
// place of a deployment's or shipped entry with the same code, as a whole.
type TenantKind struct {
	FileKind
	Version int
	// Retired: the clinic takes no new files of this kind.
	Retired bool
	SetBy   ActorID
	SetAt   time.Time
}

// ResourceFor is what a file of this kind becomes in that category.
func (k FileKind) ResourceFor(category string) ResourceType {
	switch {
	case k.Resource != "":
		return k.Resource
	case category == "media":
		return Media
	case category == "raw":
		return Binary
	}
	return DocumentReference
}

// Takes reports whether the kind accepts the media type. Parameters such as
// "; codecs=opus" are ignored.
func (k FileKind) Takes(contentType string) bool {
	mt := MediaType(contentType)
	return mt != "" && (slices.Contains(k.ContentTypes, mt) || slices.Contains(k.ContentTypes, "*/*"))
}

// MediaType is the bare, lower-case type/subtype of a Content-Type value, ""
// when it is malformed (RFC 9110 section 8.3.1).
func MediaType(contentType string) string {
	mt, _, err := mime.ParseMediaType(contentType)
	if err != nil || strings.Count(mt, "/") != 1 || strings.ContainsAny(mt, " *") {
		return ""
	}
	return canonicalType(mt)
}

// canonicalType folds the spellings that browsers and recorders use for one format.
func canonicalType(mt string) string {
	switch mt {
	case "audio/x-wav", "audio/wave", "audio/vnd.wave":
		return "audio/wav"
	case "audio/mp3":
		return "audio/mpeg"
	case "audio/x-m4a", "audio/m4a":
		return "audio/mp4"
	case "audio/x-flac":
		return "audio/flac"
	case "image/jpg", "image/pjpeg":
		return "image/jpeg"
	}
	return mt
}
