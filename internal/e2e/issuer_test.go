package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	issuerAudience = "bonfire-files"
	issuerClient   = "bonfire-console"
)

// issuer is a small real OpenID provider with one user: authorization code flow
// with PKCE for a public client (RFC 7636), and refresh tokens.
type issuer struct {
	*httptest.Server
	key *ecdsa.PrivateKey
	// first is how long the first access token lives; the later ones live on.
	first time.Duration

	mu      sync.Mutex
	codes   map[string]url.Values // what was asked for, by code
	refresh string
	renewed int
}

func newIssuer(t *testing.T, first time.Duration) *issuer {
	t.Helper()
	i := &issuer{first: first, codes: map[string]url.Values{}}
	var err error
	if i.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{
			"issuer": i.URL, "jwks_uri": i.URL + "/keys", "authorization_endpoint": i.URL + "/authorize", "token_endpoint": i.URL + "/token",
			"id_token_signing_alg_values_supported": []string{"ES256"},
		})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: i.key.Public(), KeyID: "ec", Use: "sig"}}})
	})
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("GET /authorize", i.authorize)
	mux.HandleFunc("POST /token", i.token)
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	return i
}

// authorize shows the page on which the user agrees.
func (i *issuer) authorize(w http.ResponseWriter, r *http.Request) {
	asked := r.URL.Query()
	if asked.Get("client_id") != issuerClient || asked.Get("code_challenge_method") != "S256" || asked.Get("code_challenge") == "" {
		http.Error(w, "not our client, or without PKCE", http.StatusBadRequest)
		return
	}
	code := rand.Text()
	i.mu.Lock()
	i.codes[code] = asked
	i.mu.Unlock()
	back := asked.Get("redirect_uri") + "?" + url.Values{"code": {code}, "state": {asked.Get("state")}}.Encode()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, `<!doctype html><html lang="en"><title>Sign in</title><main><a role="button" href="%s">Allow</a></main>`, html.EscapeString(back))
}

// token redeems a code, once, for whoever has its verifier, or renews.
func (i *issuer) token(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	i.mu.Lock()
	defer i.mu.Unlock()
	nonce, life := "", time.Hour
	switch code := r.PostFormValue("code"); {
	case r.PostFormValue("grant_type") == "refresh_token" && i.refresh != "" && r.PostFormValue("refresh_token") == i.refresh:
		i.renewed++
	case i.codes[code] != nil && challenge(r.PostFormValue("code_verifier")) == i.codes[code].Get("code_challenge") &&
		r.PostFormValue("redirect_uri") == i.codes[code].Get("redirect_uri"):
		nonce, life = i.codes[code].Get("nonce"), i.first
		delete(i.codes, code)
	default:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":"invalid_grant"}`))
		return
	}
	i.refresh = rand.Text()
	now := time.Now()
	claims := map[string]any{"iss": i.URL, "sub": "nurse-7", "iat": now.Unix(), "amr": []string{"mfa"}}
	with := func(more map[string]any) string {
		for k, v := range claims {
			more[k] = v
		}
		return i.sign(more)
	}
	answer(w, map[string]any{
		"access_token": with(map[string]any{"aud": issuerAudience, "exp": now.Add(life).Unix()}), "token_type": "Bearer",
		"id_token":      with(map[string]any{"aud": issuerClient, "nonce": nonce, "exp": now.Add(time.Hour).Unix()}),
		"refresh_token": i.refresh,
	})
}

func challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func (i *issuer) sign(claims map[string]any) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: i.key, KeyID: "ec"}}, nil)
	if err != nil {
		panic(err)
	}
	payload, _ := json.Marshal(claims)
	jws, err := signer.Sign(payload)
	if err != nil {
		panic(err)
	}
	out, _ := jws.CompactSerialize()
	return out
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}
