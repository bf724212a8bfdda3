package clinical

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"regexp"
	"time"
)

// Identifiers are UUIDs in canonical lower-case text form, version 7 when made
// here. They are also the FHIR logical ids of what they name
// (http://hl7.org/fhir/R4/datatypes.html#id). Each noun has its own type so
// that one cannot be passed where another is meant.
type (
	// PatientID names a Patient.
	PatientID string
	// EncounterID names an Encounter.
	EncounterID string
	// FileID names a File, and its DocumentReference or Media, and its Binary.
	FileID string
	// UploadID names an Upload; it is also the last path segment of its tus URL.
	UploadID string
	// NoteID names a Note.
	NoteID string
	// LinkID names a Link.
	LinkID string
	// ActorID names a principal: a User, Agent, Device or System.
	ActorID string
	// AuditEventID names an AuditEvent.
	AuditEventID string
	// ProvenanceID names a Provenance entry.
	ProvenanceID string
	// GrantID names a break-glass grant.
	GrantID string
	// KeyID names an API key; it is no secret.
	KeyID string
)

// TenantID names a clinic. It is a short slug, not a UUID: it is the first
// segment of every object key and the FHIR id of the clinic's Organization.
type TenantID string

var tenantPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,62}$`)

// Valid reports whether t is a well-formed tenant slug.
func (t TenantID) Valid() bool { return tenantPattern.MatchString(string(t)) }

// NewID makes a UUID version 7 (RFC 9562 section 5.7) for the instant now:
// time-ordered to the millisecond, 74 random bits.
func NewID[ID ~string](now time.Time) ID {
	var b [16]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails since Go 1.24
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(now.UnixMilli()))
	copy(b[:6], ms[2:])
	b[6] = b[6]&0x0f | 0x70
	b[8] = b[8]&0x3f | 0x80
	var out [36]byte
	hex.Encode(out[0:8], b[0:4])
	hex.Encode(out[9:13], b[4:6])
	hex.Encode(out[14:18], b[6:8])
	hex.Encode(out[19:23], b[8:10])
	hex.Encode(out[24:36], b[10:16])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return ID(out[:])
}

// ParseID checks that s is a UUID in canonical lower-case form. Anything else
// is answered like an id that names nothing: a malformed id and a missing one
// are the same to a caller.
func ParseID[ID ~string](s string) (ID, bool) {
	if len(s) != 36 {
		return "", false
	}
	for i := range len(s) {
		c := s[i]
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return "", false
			}
		default:
			if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
				return "", false
			}
		}
	}
	return ID(s), true
}
