package clinical

import "time"

// Delivery is how a link's bytes are fetched.
type Delivery string

// Deliveries: the bucket's own presigned URL, or a gate of ours that answers
// with a short-lived one after checking that the link is alive.
const (
	Direct Delivery = "direct"
	Gated  Delivery = "gated"
)

// LinkState is where a link stands; it is derived, never stored.
type LinkState string

// The states of a link.
const (
	LinkLive    LinkState = "live"
	LinkUsed    LinkState = "used"
	LinkRevoked LinkState = "revoked"
	LinkExpired LinkState = "expired"
)

// Disposition is what a browser should do with the bytes (RFC 6266).
type Disposition string

// Dispositions.
const (
	Inline     Disposition = "inline"
	Attachment Disposition = "attachment"
)

// Link is a row: who asked, for what, until when, whether it was used.
type Link struct {
	ID          LinkID
	Tenant      TenantID
	File        FileID // this or Note
	Note        NoteID
	Version     int // of the file or the note
	Patient     PatientID
	Actor       ActorID
	Purpose     PurposeOfUse
	Delivery    Delivery
	Disposition Disposition
	SingleUse   bool
	TokenHash   []byte // gated links only: SHA-256 of the token
	IssuedAt    time.Time
	ExpiresAt   time.Time
	UsedAt      *time.Time
	RevokedAt   *time.Time
	// Key is the API key that it was issued to; "" for a login.
	Key KeyID
	// RevokedBy and RevokedReason (PHI) say who ended it and why, where somebody did so by name.
	RevokedBy     ActorID
	RevokedReason string
}

// Document is the id of the file or note that the link leads to.
func (l Link) Document() string {
	if l.Note != "" {
		return string(l.Note)
	}
	return string(l.File)
}

// State is the link's state at the instant now. Revocation outranks use,
// use outranks expiry.
func (l Link) State(now time.Time) LinkState {
	switch {
	case l.RevokedAt != nil:
		return LinkRevoked
	case l.UsedAt != nil && l.SingleUse:
		return LinkUsed
	case !now.Before(l.ExpiresAt):
		return LinkExpired
	}
	return LinkLive
}
