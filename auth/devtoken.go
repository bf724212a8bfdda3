package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/bonfiredb/bonfire/clinical"
)

// DevIssuer is the issuer of development tokens; the demo clinic's members
// have their logins there.
const DevIssuer = "bonfire-dev"

// devAudience keeps a development token from being taken for any other JWT signed with the same key.
const devAudience = "bonfire"

// minDevKey is HS256's smallest key in bytes (RFC 7518 section 3.2).
const minDevKey = 32

// DevToken is what a development token says.
type DevToken struct {
	Name    string                // the demo principal
	Expires time.Time             // to the millisecond
	MFA     bool                  // as if a second factor had been used
	Purpose clinical.PurposeOfUse // "" leaves it to the request
}

// devClaims are a development token's claims (RFC 7519 section 4.1). Times are
// seconds with a fraction, which NumericDate allows, so that a token for one
// second lives one second.
type devClaims struct {
	Issuer   string                `json:"iss"`
	Audience string                `json:"aud"`
	Subject  string                `json:"sub"`
	IssuedAt float64               `json:"iat"`
	Expires  float64               `json:"exp"`
	MFA      bool                  `json:"mfa"`
	Purpose  clinical.PurposeOfUse `json:"purpose,omitempty"`
}

// Sign writes the token as a JWT, HS256 under key, issued at the instant now.
func (t DevToken) Sign(key []byte, now time.Time) (string, error) {
	if len(key) < minDevKey {
		return "", fmt.Errorf("auth: the key of development tokens needs %d bytes or more", minDevKey)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: key}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", fmt.Errorf("auth: sign a development token: %w", err)
	}
	payload, err := json.Marshal(devClaims{
		Issuer: DevIssuer, Audience: devAudience, Subject: t.Name, IssuedAt: numericDate(now), Expires: numericDate(t.Expires),
		MFA: t.MFA, Purpose: t.Purpose,
	})
	if err != nil {
		return "", fmt.Errorf("auth: sign a development token: %w", err)
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("auth: sign a development token: %w", err)
	}
	return jws.CompactSerialize()
}

// DevTokens verifies development tokens. Only --dev builds one.
type DevTokens struct {
	key []byte
	now func() time.Time
}

// NewDevTokens makes the verifier of tokens signed with key; now is its clock.
func NewDevTokens(key []byte, now func() time.Time) (*DevTokens, error) {
	if len(key) < minDevKey {
		return nil, errors.New("auth: the key of development tokens is too short")
	}
	return &DevTokens{key: key, now: now}, nil
}

// Recognizes reports whether the token claims [DevIssuer].
func (*DevTokens) Recognizes(token string) bool { return issuerOf(token) == DevIssuer }

// Verify checks the token; without leeway, since signer and verifier share a clock.
func (d *DevTokens) Verify(_ context.Context, token string) (Login, error) {
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.HS256})
	if err != nil {
		return Login{}, refused(reasonSignature, err)
	}
	payload, err := jws.Verify(d.key)
	if err != nil {
		return Login{}, refused(reasonSignature, err)
	}
	var c devClaims
	if err := json.Unmarshal(payload, &c); err != nil {
		return Login{}, refused(reasonClaims, err)
	}
	switch {
	case c.Issuer != DevIssuer || c.Subject == "":
		return Login{}, refused(reasonClaims, nil)
	case c.Audience != devAudience:
		return Login{}, refused(reasonAudience, nil)
	case numericDate(d.now()) >= c.Expires:
		return Login{}, refused(reasonExpired, nil)
	}
	return Login{Issuer: c.Issuer, Subject: c.Subject, MFA: c.MFA, Purpose: c.Purpose}, nil
}

// numericDate is RFC 7519's: seconds since 1970, here to the millisecond.
func numericDate(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
