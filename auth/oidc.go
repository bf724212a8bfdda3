package auth

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/bonfiredb/bonfire/clinical"
)

const (
	// skew is how far the issuer's clock and ours may differ.
	skew = 30 * time.Second
	// discoveryTimeout bounds one call to the issuer.
	discoveryTimeout = 10 * time.Second
	// discoveryPause is how long a failed discovery is remembered, so that
	// requests don't pile up on an issuer that is down.
	discoveryPause = 5 * time.Second
)

// algorithms are pinned: what an issuer advertises does not widen them, and
// "none" and the HMAC family are never among them (RFC 8725 section 3.1).
var algorithms = []string{oidc.RS256, oidc.ES256}

// OIDC verifies the tokens of one OpenID provider (OpenID Connect Discovery 1.0).
type OIDC struct {
	issuer, audience string
	now              func() time.Time
	client           *http.Client

	mu       sync.Mutex
	verifier *oidc.IDTokenVerifier // nil until discovered
	found    Endpoints             // with it
	failed   error                 // the last discovery's
	failedAt time.Time
}

// NewOIDC makes the verifier of tokens that the issuer made for the audience;
// now is its clock. It makes no call: the issuer is asked when the first token
// comes, or by [OIDC.Ready], so that an issuer that is down does not keep a
// server from starting.
func NewOIDC(issuer, audience string, now func() time.Time) *OIDC {
	return &OIDC{issuer: issuer, audience: audience, now: now, client: &http.Client{Timeout: discoveryTimeout}}
}

// Recognizes reports whether the token claims this issuer.
func (o *OIDC) Recognizes(token string) bool { return issuerOf(token) == o.issuer }

// Ready reports whether the issuer was, or can be, discovered.
func (o *OIDC) Ready(ctx context.Context) error {
	_, err := o.discovered(ctx)
	return err
}

// Endpoints are where a person signs in (OpenID Connect Discovery 1.0, section 3).
type Endpoints struct {
	Authorization string `json:"authorization_endpoint"`
	Token         string `json:"token_endpoint"`
}

// Endpoints are the issuer's, as it has published them. Unavailable while it
// has not been discovered.
func (o *OIDC) Endpoints(ctx context.Context) (Endpoints, error) {
	if _, err := o.discovered(ctx); err != nil {
		return Endpoints{}, clinical.Fail(clinical.Unavailable, "the identity provider does not answer; try again", err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.found, nil
}

// Verify checks the signature under the issuer's published keys, issuer,
// audience and times, allowing the clocks to differ by half a minute.
func (o *OIDC) Verify(ctx context.Context, token string) (Login, error) {
	verifier, err := o.discovered(ctx)
	if err != nil {
		return Login{}, clinical.Fail(clinical.Unavailable, "the identity provider does not answer; try again", err)
	}
	trouble := new(keyTrouble)
	checked, err := verifier.Verify(context.WithValue(ctx, keyTroubleKey{}, trouble), token)
	if trouble.err != nil {
		return Login{}, clinical.Fail(clinical.Unavailable, "the identity provider does not answer; try again", trouble.err)
	}
	if err != nil {
		return Login{}, refused(reasonSignature, err)
	}
	var c oidcClaims
	if err := checked.Claims(&c); err != nil {
		return Login{}, refused(reasonClaims, err)
	}
	return c.login(checked, o.audience, o.now())
}

// oidcClaims are the claims that count beside iss, sub, aud and exp.
type oidcClaims struct {
	NotBefore *float64        `json:"nbf"`
	ACR       string          `json:"acr"`
	AMR       []string        `json:"amr"`
	Scope     json.RawMessage `json:"scope"`
	Scp       json.RawMessage `json:"scp"`
}

func (c oidcClaims) login(t *oidc.IDToken, audience string, now time.Time) (Login, error) {
	contains := false
	for _, a := range t.Audience {
		contains = contains || a == audience
	}
	switch {
	case !contains:
		return Login{}, refused(reasonAudience, nil)
	case t.Subject == "":
		return Login{}, refused(reasonClaims, nil)
	case !now.Before(t.Expiry.Add(skew)): // also a token without exp
		return Login{}, refused(reasonExpired, nil)
	case c.NotBefore != nil && numericDate(now.Add(skew)) < *c.NotBefore:
		return Login{}, refused(reasonTooEarly, nil)
	}
	scopes, err := smartScopes(c.Scope, c.Scp)
	if err != nil {
		return Login{}, refused(reasonClaims, err)
	}
	return Login{Issuer: t.Issuer, Subject: t.Subject, MFA: secondFactor(c.ACR, c.AMR), Scopes: scopes}, nil
}

// discovered is the verifier, made by asking the issuer once.
func (o *OIDC) discovered(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.verifier != nil {
		return o.verifier, nil
	}
	if o.failed != nil && o.now().Sub(o.failedAt) < discoveryPause {
		return nil, o.failed
	}
	// The caller going away must not fail discovery for those who wait behind it.
	ctx = oidc.ClientContext(context.WithoutCancel(ctx), o.client)
	provider, err := oidc.NewProvider(ctx, o.issuer)
	if err != nil {
		o.failed, o.failedAt = fmt.Errorf("auth: discover the OpenID provider: %w", err), o.now()
		return nil, o.failed
	}
	var found struct {
		Endpoints
		Keys string `json:"jwks_uri"`
	}
	if err := provider.Claims(&found); err != nil {
		o.failed, o.failedAt = fmt.Errorf("auth: discover the OpenID provider: %w", err), o.now()
		return nil, o.failed
	}
	keys := publishedKeys{oidc.NewRemoteKeySet(oidc.ClientContext(context.Background(), o.client), found.Keys)}
	o.found = found.Endpoints
	o.verifier = oidc.NewVerifier(o.issuer, keys, &oidc.Config{
		SupportedSigningAlgs: algorithms,
		SkipClientIDCheck:    true, // audience and times are checked in login: the
		SkipExpiryCheck:      true, // library leaves no room for skew at exp and five minutes at nbf
	})
	return o.verifier, nil
}

// publishedKeys is the issuer's key set. It tells "the keys can't be had" from
// "no key fits", which the library folds into one error: the first must not
// sign a clinic out.
type publishedKeys struct{ oidc.KeySet }

type keyTroubleKey struct{}

type keyTrouble struct{ err error }

// VerifySignature notes trouble in fetching the keys in the context's keyTrouble.
func (k publishedKeys) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	payload, err := k.KeySet.VerifySignature(ctx, token)
	if t, ok := ctx.Value(keyTroubleKey{}).(*keyTrouble); ok && err != nil && strings.HasPrefix(err.Error(), "fetching keys") {
		t.err = err
	}
	return payload, err
}
