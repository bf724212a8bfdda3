package clinical

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"time"
)

// KeyPrefix begins the secret of every API key, so that people, and the
// scanners which look for leaked secrets, can tell what it is.
const KeyPrefix = "bfk_"

// Key is an API key of an agent or a device. It stands for its member and can
// only narrow what that one may do.
type Key struct {
	ID     KeyID
	Tenant TenantID
	// Member is the agent or device that the key stands for.
	Member ActorID
	// OnBehalfOf is the user it acts for, whose rights then bound its own; "" when nobody's.
	OnBehalfOf ActorID
	Label      string // says to people which key this is
	// Scopes narrow it (SMART on FHIR v2); nil means no narrowing.
	Scopes []string
	// Grants bind the key: it reaches these patients and no others. A key that
	// never had any reaches what is on its member's panel.
	Grants     []KeyGrant
	CreatedAt  time.Time
	CreatedBy  ActorID
	ExpiresAt  *time.Time // nil: until revoked
	RevokedAt  *time.Time
	LastUsedAt *time.Time // to the minute
}

// KeyGrant opens one patient to a bound key until an instant, and where it is
// bound to a visit, no longer than that visit lasts.
type KeyGrant struct {
	Patient   PatientID
	Encounter EncounterID // "" when bound to the patient alone
	Until     time.Time
}

// KeyState is where a key stands; it is derived, never stored.
type KeyState string

// The states of a key.
const (
	KeyLive    KeyState = "live"
	KeyExpired KeyState = "expired"
	KeyRevoked KeyState = "revoked"
)

// State is the key's state at the instant now. Revocation outranks expiry.
func (k Key) State(now time.Time) KeyState {
	switch {
	case k.RevokedAt != nil:
		return KeyRevoked
	case k.ExpiresAt != nil && !now.Before(*k.ExpiresAt):
		return KeyExpired
	}
	return KeyLive
}

const secretBytes = 32

// NewKeySecret makes the secret of a key, "bfk_TENANT.SECRET" with 32 random
// bytes, and its SHA-256, which is all that is kept of it.
func NewKeySecret(t TenantID) (secret string, hash []byte) {
	var b [secretBytes]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails since Go 1.24
	secret = KeyPrefix + string(t) + "." + base64.RawURLEncoding.EncodeToString(b[:])
	sum := sha256.Sum256([]byte(secret))
	return secret, sum[:]
}

// ParseKeySecret reads the tenant that a secret names, and its SHA-256; false
// when it cannot be the secret of a key.
func ParseKeySecret(secret string) (t TenantID, hash []byte, ok bool) {
	rest, prefixed := strings.CutPrefix(secret, KeyPrefix)
	name, random, dotted := strings.Cut(rest, ".")
	t = TenantID(name)
	if !prefixed || !dotted || !t.Valid() || len(random) != base64.RawURLEncoding.EncodedLen(secretBytes) {
		return "", nil, false
	}
	sum := sha256.Sum256([]byte(secret))
	return t, sum[:], true
}
