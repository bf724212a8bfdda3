package cli_test

import (
	"strings"
	"testing"

	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
)

// TestDoctorSaysHowToMend each finding.
func TestDoctorSaysHowToMend(t *testing.T) {
	t.Parallel()
	env := devtest.NewFrom(t, "schema", migrate)
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
