package cli_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
)

// TestDoctorSaysHowToMend each finding.
func TestDoctorSaysHowToMend(t *testing.T) {
	t.Parallel()
	env := devtest.NewFrom(t, "schema", migrate)
	elsewhere := httptest.NewServer(http.RedirectHandler("/login", http.StatusFound))
	defer elsewhere.Close()
	ruled := withRules(t, env.Endpoint)
	for name, tc := range map[string]struct {
		vars    []string
		problem string
	}{
		"role":       {[]string{"BONFIRE_DATABASE_URL=" + env.AdminURL}, "role, migrations and walls"},
		"database":   {[]string{"BONFIRE_DATABASE_URL=postgres://x@127.0.0.1:1/x"}, "database, policies and kinds"},
		"migrations": {[]string{"BONFIRE_DATABASE_URL=" + devtest.New(t).AppURL}, "migrations are pending"},
		"bucket":     {[]string{"BONFIRE_S3_BUCKET=nowhere"}, "bucket"},
		"encryption": {[]string{"BONFIRE_KMS_KEY_ID=alias/files"}, "encryption"},
		"provider":   {[]string{"BONFIRE_OIDC_ISSUER=http://127.0.0.1:1", "BONFIRE_OIDC_AUDIENCE=x"}, "identity provider"},
		"CORS":       {[]string{"BONFIRE_CORS_ORIGINS=https://elsewhere.example"}, "CORS of the bucket for https://elsewhere.example"},
		"webhook":    {[]string{"BONFIRE_WEBHOOK_URL=http://127.0.0.1:1", "BONFIRE_WEBHOOK_SECRET=" + strings.Repeat("s", 32)}, "webhook"},
		"a redirect": {[]string{"BONFIRE_WEBHOOK_URL=" + elsewhere.URL, "BONFIRE_WEBHOOK_SECRET=" + strings.Repeat("s", 32)}, "it redirects"},
		"lifecycle":  {[]string{"BONFIRE_S3_ENDPOINT=" + ruled.URL}, "rules delete patients' files: [\"all\"]; a rule ends uploads after 24h0m0s"},
		"a value":    {[]string{"BONFIRE_PART_SIZE=1"}, "BONFIRE_PART_SIZE"},
	} {
		t.Run(name, func(t *testing.T) {
			// The test bucket lets devtest.Origin fetch, and nobody else.
			r := bonfire(t.Context(), append(append(env.Environ(), "BONFIRE_PUBLIC_URL="+devtest.Origin), tc.vars...), nil, "doctor", "--dev")
			if r.code != 1 || strings.Count(r.out, "PROBLEM") != 1 || !strings.Contains(r.out, tc.problem) || strings.Count(r.out, "  mend:  ") != 1 {
				t.Errorf("%d %s%s", r.code, r.out, r.err)
			}
		})
	}
	r := bonfire(t.Context(), append(env.Environ(), "BONFIRE_PUBLIC_URL="+devtest.Origin), nil, "doctor", "--dev")
	if r.code != 0 || strings.Contains(r.out, "PROBLEM") {
		t.Errorf("nothing is wrong, and it says: %s", r.out)
	}
	if r := bonfire(t.Context(), env.Environ(), nil, "doctor"); r.code != 1 || !strings.Contains(r.out, "BONFIRE_OIDC_ISSUER: not set") {
		t.Errorf("production lacks something: %+v", r)
	}
	for _, tc := range []struct{ set, says string }{{"", "PROBLEM  signing keys"}, {"keys.pem", "ok       signing keys"}} {
		if r := bonfire(t.Context(), append(env.Environ(), "BONFIRE_SIGNING_KEYS="+tc.set), nil, "doctor"); !strings.Contains(r.out, tc.says) {
			t.Errorf("with the keys %q: %+v", tc.set, r)
		}
	}
}

// withRules is the test's store with lifecycle rules, which it knows none of itself.
func withRules(t *testing.T, endpoint string) *httptest.Server {
	t.Helper()
	target, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	through := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = r.In.Host }}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !r.URL.Query().Has("lifecycle") {
			through.ServeHTTP(w, r)
			return
		}
		_, _ = fmt.Fprint(w, `<LifecycleConfiguration><Rule><ID>all</ID><Status>Enabled</Status><Filter/><Expiration><Days>30</Days></Expiration>`+
			`<AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule></LifecycleConfiguration>`)
	}))
	t.Cleanup(s.Close)
	return s
}
