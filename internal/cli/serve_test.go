package cli_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
)

// production is a complete configuration on env; vars are put over it.
func production(t *testing.T, env *devtest.Env, vars ...string) []string {
	t.Helper()
	return append(append(env.Environ(),
		"BONFIRE_ADDR=127.0.0.1:0", "BONFIRE_PUBLIC_URL=https://files.example.org", "BONFIRE_SPOOL_DIR="+t.TempDir(),
		"BONFIRE_OIDC_ISSUER=http://127.0.0.1:1/", "BONFIRE_OIDC_AUDIENCE=bonfire"), vars...)
}

func TestServeRefusesWhatIsNotSafe(t *testing.T) {
	t.Parallel()
	env := devtest.NewFrom(t, "schema", migrate)
	for name, tc := range map[string]struct {
		environ []string
		words   string
	}{
		"superuser":          {production(t, env, "BONFIRE_DATABASE_URL="+env.AdminURL), "is a superuser"},
		"owner":              {production(t, env, "BONFIRE_DATABASE_URL="+env.OwnerURL), "owns"},
		"pending migrations": {production(t, devtest.New(t)), "migrations are pending (run bonfire migrate up)"},
		"KMS not honoured":   {production(t, env, "BONFIRE_KMS_KEY_ID=alias/files"), "BONFIRE_KMS_KEY_ID"},
		"no such bucket":     {production(t, env, "BONFIRE_S3_BUCKET=nowhere"), "BONFIRE_S3_BUCKET"},
		"policies":           {production(t, env, "BONFIRE_POLICY_DIR="+t.TempDir()), "BONFIRE_POLICY_DIR"},
		"kinds":              {production(t, env, "BONFIRE_KINDS_FILE=/no/such/file"), "BONFIRE_KINDS_FILE"},
		"metrics address":    {production(t, env, "BONFIRE_METRICS_ADDR=192.0.2.1:1"), "BONFIRE_METRICS_ADDR"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			r := bonfire(ctx, tc.environ, nil, "serve")
			if r.code != 1 || !strings.Contains(r.err, tc.words) || ctx.Err() != nil {
				t.Errorf("%d, want 1 with %q:\n%s", r.code, tc.words, r.err)
			}
			if strings.Contains(r.err, env.SecretKey) {
				t.Errorf("a secret was printed: %s", r.err)
			}
		})
	}
}

// TestServeTakesNoDevelopmentTokens: a production server knows no such issuer, playground or introspection.
func TestServeInProduction(t *testing.T) {
	t.Parallel()
	env := devtest.NewFrom(t, "schema", migrate)
	key := "BONFIRE_DEV_KEY=" + strings.Repeat("k", 32)
	// The demo clinic is in this database, from a development server's time.
	if _, _, d := serveDev(t, env); d.stop() != 0 {
		t.Fatal(d.err)
	}
	d := background(t, production(t, env, key, "BONFIRE_MISSPELT=x"), "serve")
	addr := ""
	for end := time.Now().Add(time.Minute); addr == ""; time.Sleep(20 * time.Millisecond) {
		if _, rest, ok := strings.Cut(d.err.String(), `"address":"`); ok {
			addr, _, _ = strings.Cut(rest, `"`)
		}
		if time.Now().After(end) {
			t.Fatalf("it never served:\n%s", d.err)
		}
	}
	if !strings.Contains(d.err.String(), "BONFIRE_MISSPELT") {
		t.Error("a misspelt variable was not told")
	}
	req, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+addr+"/graphql", strings.NewReader(`{"query":"{ viewer { id } }"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token(t, []string{key}, "clinician"))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 401 || resp.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("a development token: %s %v", resp.Status, resp.Header)
	}
	for _, path := range []string{"/playground/", "/"} {
		if resp, err := http.Get("http://" + addr + path); err != nil || resp.StatusCode != 404 {
			t.Errorf("%s: %v %v", path, resp, err)
		}
	}
	if d.stop() != 0 || !strings.Contains(d.err.String(), `"stopped"`) {
		t.Errorf("it did not stop in order:\n%s", d.err)
	}
}

// TestServeDevKeepsItsData over a restart, tokens included.
func TestServeDevKeepsItsData(t *testing.T) {
	t.Parallel()
	env := devtest.New(t) // empty: --dev migrates
	url, environ, d := serveDev(t, env)
	tok := token(t, environ, "clinician")
	file := func(url string) ran {
		return bonfire(t.Context(), environ, strings.NewReader("Allergic to penicillin.\n"),
			"upload", "-", "--patient", string(demo.Patient), "--kind", "intake-form", "--server", url, "--token", tok)
	}
	first := file(url)
	if first.code != 0 || !strings.HasPrefix(first.out, "DocumentReference/") || !strings.Contains(first.out, "size    24\n") {
		t.Fatalf("upload: %+v", first)
	}
	if d.stop() != 0 {
		t.Fatal(d.err)
	}
	url, _, d = serveDev(t, env)
	if strings.Contains(d.err.String(), "migrated") {
		t.Errorf("it migrated again:\n%s", d.err)
	}
	body := query(t, url, tok, `{ files(patientId: "`+string(demo.Patient)+`") { nodes { id } } }`)
	id := strings.TrimPrefix(strings.Fields(first.out)[0], "DocumentReference/")
	if !strings.Contains(body, id) {
		t.Errorf("the file is gone: %s", body)
	}
	for _, name := range demo.Names() {
		if body := query(t, url, token(t, environ, name), `{ viewer { display } }`); !strings.Contains(body, `"display":"`) {
			t.Errorf("%s: %s", name, body)
		}
	}
}

func query(t *testing.T, url, tok, q string) string {
	t.Helper()
	body := `{"query":` + quoteJSON(q) + `}`
	req, err := http.NewRequestWithContext(t.Context(), "POST", url+"/graphql", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+tok)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func quoteJSON(s string) string {
	return `"` + strings.NewReplacer(`"`, `\"`, "\n", `\n`).Replace(s) + `"`
}

func TestDevstackServesTwoReplicas(t *testing.T) {
	t.Parallel()
	dir := devtest.Dir(t)
	stack := background(t, []string{"PATH=" + os.Getenv("PATH")}, "devstack", "--data", dir)
	stack.says(t, "READY")
	var environ []string
	for line := range strings.Lines(stack.out.String()) {
		if strings.Contains(line, "=") {
			environ = append(environ, strings.TrimSpace(line))
		}
	}
	environ = append(environ, "BONFIRE_ADDR=127.0.0.1:0", "BONFIRE_SPOOL_DIR="+t.TempDir(), "XDG_STATE_HOME="+t.TempDir())
	one := background(t, environ, "serve", "--dev", "--data", t.TempDir())
	two := background(t, environ, "serve", "--dev", "--data", t.TempDir())
	first, second := one.says(t, "Bonfire files: "), two.says(t, "Bonfire files: ")
	tok := token(t, environ, "clinician")
	r := bonfire(t.Context(), environ, strings.NewReader("over one"), "upload", "-", "--patient", string(demo.Patient),
		"--kind", "raw", "--server", first, "--token", tok)
	if r.code != 0 {
		t.Fatalf("%+v", r)
	}
	id := strings.TrimPrefix(strings.Fields(r.out)[0], "Binary/")
	if body := query(t, second, tok, `{ file(id: "`+id+`") { size } }`); !strings.Contains(body, `"size":8`) {
		t.Errorf("the other replica: %s", body)
	}
	doctor := bonfire(t.Context(), append(environ, "BONFIRE_PUBLIC_URL=http://localhost:8080"), nil, "doctor", "--dev")
	if doctor.code != 0 || strings.Contains(doctor.out, "PROBLEM") || strings.Count(doctor.out, "ok ") < 6 {
		t.Errorf("doctor: %+v", doctor)
	}
}
