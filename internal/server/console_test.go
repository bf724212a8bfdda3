package server_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
)

// TestDemoPrincipalsSignInAtThisMachineOnly: what anybody could use from
// elsewhere is refused, whichever way it comes.
func TestDemoPrincipalsSignInAtThisMachineOnly(t *testing.T) {
	t.Parallel()
	env := devtest.NewFrom(t, "schema", migrate)
	s := start(t, env)
	const name = `{"name":"clinician"}`
	resp, body := s.do(t, "POST", "/dev/token", name, "Content-Type", "application/json")
	var given struct{ Token string }
	if err := json.Unmarshal([]byte(body), &given); err != nil || resp.StatusCode != 200 || resp.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%s %s", resp.Status, body)
	}
	_, body = s.do(t, "POST", "/graphql", `{"query":"{ viewer { display } }"}`, "Content-Type", "application/json", "Authorization", "Bearer "+given.Token)
	if !strings.Contains(body, "Dr. Ada Marsh") {
		t.Errorf("the token opens %s", body)
	}
	for what, tc := range map[string]struct {
		body   string
		status int
		header []string
	}{
		"a page of another origin":    {name, 403, []string{"Content-Type", "application/json", "Origin", "https://evil.example"}},
		"a page of another site":      {name, 403, []string{"Content-Type", "application/json", "Sec-Fetch-Site", "cross-site"}},
		"a form, without a preflight": {name, 415, []string{"Content-Type", "text/plain"}},
		"nobody we know":              {`{"name":"root"}`, 400, []string{"Content-Type", "application/json"}},
		"too much":                    {`{"name":"` + strings.Repeat("x", 2000) + `"}`, 400, []string{"Content-Type", "application/json"}},
		"no JSON":                     {`clinician`, 400, []string{"Content-Type", "application/json"}},
	} {
		if resp, body := s.do(t, "POST", "/dev/token", tc.body, tc.header...); resp.StatusCode != tc.status || strings.Contains(body, "token\":") {
			t.Errorf("%s: %s %s, want %d", what, resp.Status, body, tc.status)
		}
	}

	rebound, err := http.NewRequestWithContext(t.Context(), "POST", s.url+"/dev/token", strings.NewReader(name))
	if err != nil {
		t.Fatal(err)
	}
	rebound.Host = "rebound.example"
	rebound.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(rebound)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 404 {
		t.Errorf("under a name that was bound to this machine: %s", res.Status)
	}
}

func TestConsoleSettings(t *testing.T) {
	t.Parallel()
	env := devtest.NewFrom(t, "schema", migrate)
	s := start(t, env)
	resp, body := s.do(t, "GET", "/console.json", "")
	var settings struct {
		Principals []struct{ Name, Display, Does string }
		OIDC       *struct{}
		Playground bool
	}
	if err := json.Unmarshal([]byte(body), &settings); err != nil || resp.StatusCode != 200 {
		t.Fatalf("%s %s", resp.Status, body)
	}
	if len(settings.Principals) != 9 || settings.Principals[0].Display != "Dr. Ada Marsh" || settings.OIDC != nil || !settings.Playground {
		t.Errorf("%s", body)
	}
	page, _ := s.do(t, "GET", "/", "")
	policy := page.Header.Get("Content-Security-Policy")
	for _, directive := range []string{"connect-src 'self' " + s.url, "media-src 'self' " + env.Endpoint, "frame-src 'self' " + env.Endpoint} {
		if !strings.Contains(policy+";", directive+";") {
			t.Errorf("the policy lacks %q: %s", directive, policy)
		}
	}
}

// TestProviderThatIsDown: the page is served, and says why nobody can sign in.
func TestProviderThatIsDown(t *testing.T) {
	t.Parallel()
	s := start(t, devtest.NewFrom(t, "schema", migrate), "BONFIRE_OIDC_ISSUER=http://127.0.0.1:1", "BONFIRE_OIDC_AUDIENCE=a", "BONFIRE_OIDC_CLIENT_ID=console")
	if resp, _ := s.do(t, "GET", "/", ""); resp.StatusCode != 200 {
		t.Errorf("the page: %s", resp.Status)
	}
	if resp, body := s.do(t, "GET", "/console.json", ""); resp.StatusCode != 503 || !strings.Contains(body, "identity provider does not answer") {
		t.Errorf("%s %s", resp.Status, body)
	}
}
