package auth

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/bonfiredb/bonfire/clinical"
)

// Login is what a valid token says: who, and how narrow.
type Login struct {
	Issuer, Subject string
	// Member is the principal itself, where the token is a row of ours (an API
	// key); nil leaves it to Issuer and Subject.
	Member *clinical.Actor
	// MFA says that the login used a second factor.
	MFA bool
	// Purpose is what the token was made for; "" leaves it to the request.
	Purpose clinical.PurposeOfUse
	// Scopes narrow the token (SMART on FHIR v2); nil means no narrowing.
	Scopes []string
}

// Verifier checks the tokens of one issuer.
type Verifier interface {
	// Recognizes reports whether the token says it is of this issuer. It
	// proves nothing; it only picks the verifier.
	Recognizes(token string) bool
	// Verify checks signature, audience and times. Unauthenticated when the
	// token is not good, Unavailable when that can't be found out now.
	Verify(ctx context.Context, token string) (Login, error)
}

// Members finds principals in our membership rows.
type Members interface {
	// MemberOfLogin is the principal that a login belongs to: of one tenant,
	// with roles and panel. Unauthenticated when there is none.
	MemberOfLogin(ctx context.Context, issuer, subject string) (clinical.Actor, error)
}

// Authenticator turns tokens into actors.
type Authenticator struct {
	members   Members
	verifiers []Verifier
}

// New makes an Authenticator of the verifiers given; a token is checked by the
// first that recognizes it.
func New(members Members, verifiers ...Verifier) *Authenticator {
	return &Authenticator{members: members, verifiers: verifiers}
}

// Authenticate gives the actor that an Authorization value names ("Bearer
// <token>", RFC 6750 section 2.1), asking for the purpose of use given or, when
// that is empty, for the token's or the actor's own.
//
// An empty value is nobody: the zero Actor and no error. Unauthenticated for a
// credential that is not good, Forbidden for a purpose that is not open to the
// actor, Unavailable when it can't be found out now.
func (a *Authenticator) Authenticate(ctx context.Context, authorization string, purpose clinical.PurposeOfUse) (clinical.Actor, error) {
	if authorization == "" {
		return clinical.Actor{Session: clinical.Session{RequestID: RequestID(ctx)}}, nil
	}
	token, ok := bearer(authorization)
	if !ok {
		return clinical.Actor{}, clinical.Fail(clinical.Unauthenticated, "the Authorization header must be: Bearer <token>", nil)
	}
	login, err := a.verify(ctx, token)
	if err != nil {
		return clinical.Actor{}, err
	}
	actor, err := a.principal(ctx, login)
	if err != nil {
		return clinical.Actor{}, err
	}
	actor.Session.MFA = login.MFA
	actor.Session.Scopes = login.Scopes
	actor.Session.RequestID = RequestID(ctx)
	if purpose == "" {
		purpose = login.Purpose
	}
	return actor.WithPurpose(purpose)
}

// principal is whom a login belongs to. Its glass is broken as our rows say;
// that counts when it is the purpose of the request, and is dropped else.
func (a *Authenticator) principal(ctx context.Context, login Login) (clinical.Actor, error) {
	if login.Member != nil {
		return *login.Member, nil
	}
	actor, err := a.members.MemberOfLogin(ctx, login.Issuer, login.Subject)
	if clinical.Is(err, clinical.Unauthenticated) {
		return clinical.Actor{}, refused(reasonUnknown, err)
	}
	if err != nil {
		return clinical.Actor{}, clinical.Fail(clinical.Unavailable, "who you are can't be looked up now; try again", err)
	}
	return actor, nil
}

func (a *Authenticator) verify(ctx context.Context, token string) (Login, error) {
	for _, v := range a.verifiers {
		if v.Recognizes(token) {
			return v.Verify(ctx, token)
		}
	}
	return Login{}, refused(reasonIssuer, nil)
}

// bearer takes the token out of an Authorization value; the scheme's case does not matter (RFC 9110 section 11.1).
func bearer(authorization string) (string, bool) {
	scheme, token, ok := strings.Cut(strings.TrimSpace(authorization), " ")
	token = strings.TrimLeft(token, " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") || token == "" || strings.ContainsAny(token, " \t") {
		return "", false
	}
	return token, true
}

// issuerOf reads the issuer that a compact JWS claims, unverified.
func issuerOf(token string) string {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return ""
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	var claims struct {
		Issuer string `json:"iss"`
	}
	if json.Unmarshal(payload, &claims) != nil {
		return ""
	}
	return claims.Issuer
}

// reason is why a token was refused. It goes to the log; the client is told
// one thing for all of them, so that probing tells nothing.
type reason string

const (
	reasonIssuer    reason = "no verifier for this issuer"
	reasonSignature reason = "signature, algorithm or form"
	reasonAudience  reason = "audience"
	reasonExpired   reason = "expired"
	reasonTooEarly  reason = "not yet valid"
	reasonClaims    reason = "claims"
	reasonUnknown   reason = "no member has this login"
	reasonKey       reason = "no such key, or not any more"
)

// Error is the reason itself.
func (r reason) Error() string { return string(r) }

// refused is the answer to every token that is not good. The cause is left out
// on purpose: libraries put parts of the token into their errors.
func refused(why reason, _ error) error {
	return clinical.Fail(clinical.Unauthenticated, "the token is not valid, or no longer", why)
}
