package auth_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
	"github.com/bonfiredb/bonfire/store"
)

func TestMain(m *testing.M) { devtest.Main(m) }

// clinic is the demo clinic in a real database, behind the middleware, with
// development tokens and an OpenID provider.
type clinic struct {
	*httptest.Server
	db     *store.DB
	issuer *issuer
	log    *journal
}

func newClinic(t *testing.T) *clinic {
	t.Helper()
	env := devtest.NewFrom(t, "schema", func(ctx context.Context, url string) error {
		_, err := store.Migrate(ctx, url)
		return err
	})
	db, err := store.Open(t.Context(), env.AppURL, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := demo.Seed(t.Context(), db, time.Now()); err != nil {
		t.Fatal(err)
	}
	c := &clinic{db: db, issuer: newIssuer(t), log: &journal{}}
	gate := auth.New(auth.MembersOf(db), devVerifier(t, time.Now), auth.NewOIDC(c.issuer.URL, audience, time.Now))
	mux := http.NewServeMux()
	who := gate.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(auth.Actor(r.Context()))
	}))
	mux.Handle("/graphql", who)
	mux.Handle("/uploads/", who)
	c.Server = httptest.NewServer(auth.Requests(c.log.logger(), mux))
	t.Cleanup(c.Close)
	return c
}

// ask makes a request with the headers given in pairs.
func (c *clinic) ask(t *testing.T, path string, header ...string) (int, clinical.Actor, http.Header, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var actor clinical.Actor
	if resp.StatusCode == http.StatusOK {
		if err := json.Unmarshal(body, &actor); err != nil {
			t.Fatal(err)
		}
	}
	return resp.StatusCode, actor, resp.Header, string(body)
}

func TestActorComesFromOurRowsAndNotFromTheToken(t *testing.T) {
	c := newClinic(t)
	for _, p := range demo.Principals() {
		status, actor, header, _ := c.ask(t, "/graphql", "Authorization", "Bearer "+devToken(t, auth.DevToken{Name: p.Name, MFA: true}))
		if status != 200 || actor.ID != p.Actor.ID || actor.Tenant != p.Actor.Tenant || !slices.Equal(actor.Roles, p.Actor.Roles) ||
			!slices.Equal(actor.Panel, p.Roster) {
			t.Errorf("%s: %d %+v", p.Name, status, actor)
		}
		if !actor.Session.MFA || actor.Session.Scopes != nil || actor.Session.Purpose != p.Actor.DefaultPurpose() ||
			actor.Session.RequestID != header.Get(auth.RequestIDHeader) {
			t.Errorf("%s: session %+v", p.Name, actor.Session)
		}
	}
	if c.log.event(t)["actor"] != string(demo.Principals()[8].Actor.ID) {
		t.Errorf("the log does not say who: %v", c.log.event(t))
	}
}

func TestNobodyGoesOnAsNobody(t *testing.T) {
	c := newClinic(t)
	status, actor, header, _ := c.ask(t, "/graphql", auth.PurposeHeader, "TREAT")
	if status != 200 || !actor.Anonymous() || actor.Session.RequestID != header.Get(auth.RequestIDHeader) {
		t.Errorf("got %d %+v", status, actor)
	}
}

func TestBadCredentialsEndWith401(t *testing.T) {
	c := newClinic(t)
	expired, err := auth.DevToken{Name: "clinician", Expires: time.Now().Add(-time.Second)}.Sign(devKey, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	good := devToken(t, auth.DevToken{Name: "clinician"})
	for name, authorization := range map[string]string{
		"expired":          "Bearer " + expired,
		"tampered":         "Bearer " + tampered(t, good, "clinician", "admin-too"),
		"unsigned":         "Bearer " + unsigned(t, claims{"iss": auth.DevIssuer, "aud": "bonfire", "sub": "clinician", "exp": time.Now().Add(time.Hour).Unix()}),
		"unknown subject":  "Bearer " + devToken(t, auth.DevToken{Name: "stranger"}),
		"foreign issuer":   "Bearer " + c.issuer.token(t, claims{"iss": "https://elsewhere.example"}),
		"unknown at OIDC":  "Bearer " + c.issuer.token(t, claims{"sub": "clinician"}), // a demo name, but of another issuer
		"OIDC, audience":   "Bearer " + c.issuer.token(t, claims{"aud": "other"}),
		"no token":         "Bearer ",
		"two tokens":       "Bearer " + good + " " + good,
		"another scheme":   "Basic " + good,
		"nonsense":         "Bearer nonsense",
		"only the token":   good,
		"a dotted nothing": "Bearer ..",
	} {
		status, _, header, body := c.ask(t, "/graphql", "Authorization", authorization)
		var answer struct {
			Errors []struct {
				Message    string
				Extensions struct{ Code, RequestID string }
			}
		}
		if err := json.Unmarshal([]byte(body), &answer); err != nil || status != 401 || len(answer.Errors) != 1 {
			t.Errorf("%s: %d %s", name, status, body)
			continue
		}
		e := answer.Errors[0]
		if e.Message == "" || e.Extensions.Code != "UNAUTHENTICATED" || e.Extensions.RequestID != header.Get(auth.RequestIDHeader) ||
			!strings.HasPrefix(header.Get("WWW-Authenticate"), "Bearer ") || header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %s %v", name, body, header)
		}
		if c.log.event(t)["reason"] == nil {
			t.Errorf("%s: the log does not say why: %v", name, c.log.event(t))
		}
	}
	status, _, header, body := c.ask(t, "/uploads/", "Authorization", "Bearer "+expired)
	if status != 401 || !strings.HasPrefix(header.Get("Content-Type"), "text/plain") || strings.Contains(body, "{") {
		t.Errorf("elsewhere plain words: %d %v %s", status, header, body)
	}
	status, _, _, _ = c.ask(t, "/graphql", "Authorization", "Bearer "+good, "Authorization", "Bearer "+good)
	if status != 401 {
		t.Errorf("two Authorization headers: %d", status)
	}
	if strings.Contains(c.log.String(), good) {
		t.Error("a token is in the log")
	}
}

func TestOIDCLoginOfAMember(t *testing.T) {
	c := newClinic(t)
	clerk := demo.Principals()[2]
	err := c.db.InTx(t.Context(), demo.Harbor, func(ctx context.Context, tx *store.Tx) error {
		return tx.UpsertMember(ctx, clerk.Actor, store.Login{Issuer: c.issuer.URL, Subject: "user-1"})
	})
	if err != nil {
		t.Fatal(err)
	}
	token := c.issuer.token(t, claims{"amr": []string{"mfa"}, "scope": "openid patient/DocumentReference.r", "roles": []string{"admin"}})
	status, actor, _, body := c.ask(t, "/graphql", "Authorization", "bearer "+token)
	if status != 200 || actor.ID != clerk.Actor.ID || !slices.Equal(actor.Roles, clerk.Actor.Roles) || !actor.Session.MFA ||
		!slices.Equal(actor.Session.Scopes, []string{"patient/DocumentReference.r"}) {
		t.Errorf("got %d %+v %s", status, actor, body)
	}
	err = c.db.InTx(t.Context(), demo.Harbor, func(ctx context.Context, tx *store.Tx) error { return tx.EndMember(ctx, clerk.Actor.ID) })
	if err != nil {
		t.Fatal(err)
	}
	if status, _, _, _ := c.ask(t, "/graphql", "Authorization", "Bearer "+token); status != 401 {
		t.Errorf("the membership ended, and the token still opens: %d", status)
	}
	c.issuer.Close()
	if _, err := auth.NewOIDC(c.issuer.URL, audience, time.Now).Verify(t.Context(), token); !clinical.Is(err, clinical.Unavailable) {
		t.Errorf("a provider that is gone: %v", err)
	}
}

func TestPurposeOfUse(t *testing.T) {
	c := newClinic(t)
	for _, tc := range []struct {
		name, inToken, header string
		status                int
		want                  clinical.PurposeOfUse
	}{
		{"clinician", "", "", 200, clinical.Treatment},
		{"clinician", "", "ETREAT", 200, clinical.EmergencyTreat},
		{"clinician", "BTG", "", 200, clinical.BreakTheGlass},
		{"clinician", "BTG", "TREAT", 200, clinical.Treatment}, // the header wins
		{"clerk", "", "HPAYMT", 200, clinical.Payment},
		{"clerk", "", "BTG", 403, ""},
		{"clerk", "BTG", "", 403, ""},
		{"auditor", "", "", 200, clinical.Operations},
		{"auditor", "", "TREAT", 403, ""},
		{"scribe", "", "HOPERAT", 403, ""},
		{"clinician", "", "curiosity", 403, ""},
	} {
		token := devToken(t, auth.DevToken{Name: tc.name, Purpose: clinical.PurposeOfUse(tc.inToken)})
		header := []string{"Authorization", "Bearer " + token}
		if tc.header != "" {
			header = append(header, auth.PurposeHeader, tc.header)
		}
		status, actor, _, body := c.ask(t, "/graphql", header...)
		if status != tc.status || actor.Session.Purpose != tc.want {
			t.Errorf("%+v: %d %q", tc, status, actor.Session.Purpose)
		}
		if status == 403 && (!strings.Contains(body, `"FORBIDDEN"`) || !strings.Contains(body, `"purposeOfUse"`)) {
			t.Errorf("%+v: %s", tc, body)
		}
	}
}

// TestDatabaseAwayIsNotABadToken: it must not sign anybody out.
func TestDatabaseAwayIsNotABadToken(t *testing.T) {
	c := newClinic(t)
	if err := c.db.Close(); err != nil {
		t.Fatal(err)
	}
	status, _, _, body := c.ask(t, "/graphql", "Authorization", "Bearer "+devToken(t, auth.DevToken{Name: "clinician"}))
	if status != 503 || !strings.Contains(body, `"UNAVAILABLE"`) || strings.Contains(body, "sql") {
		t.Errorf("got %d %s", status, body)
	}
	if why, _ := c.log.event(t)["error"].(string); !strings.Contains(why, "closed pool") {
		t.Errorf("the log does not say what is behind it: %v", c.log.event(t))
	}
}
