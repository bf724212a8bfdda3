package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/internal/faultproxy"
	"github.com/bonfiredb/bonfire/internal/media"
)

// cutAfter is how much a connection to the console carries towards the server
// before it breaks, bytes. What the pages themselves send is far less.
const cutAfter = 1 << 20

// A day at the console: in a real browser, from this server and the bucket
// alone, over a line that breaks under uploads.
func TestConsoleInTheBrowser(t *testing.T) {
	h := &house{t: t, dir: devHome(t)}
	h.startStack()
	addr := freeAddress(t)
	var cuts atomic.Int32
	line, err := faultproxy.NewTCP(addr, func() (up, down int64) { cuts.Add(1); return cutAfter, -1 })
	if err != nil {
		t.Fatal(err)
	}
	defer line.Close()
	h.URL = "http://" + line.Addr
	p := start(t, h.dir, append(h.env, "BONFIRE_ADDR="+addr, "BONFIRE_PUBLIC_URL="+h.URL), "serve", "--dev")
	h.ready(p, h.URL)

	files := filepath.Dir(media.Files(t)["visit.wav"].Path)
	console(t, "test/console.mjs", h.URL, h.bucket(), "http://"+addr, files)
	if cuts.Load() < 4 {
		t.Errorf("the line was opened %d times: it was never cut", cuts.Load())
	}
}

// console runs a script of web/console and keeps its screenshots.
func console(t *testing.T, script string, args ...string) {
	t.Helper()
	pictures, err := filepath.Abs("../../web/console/test/screenshots")
	if err != nil {
		t.Fatal(err)
	}
	pictures = filepath.Join(pictures, strings.TrimSuffix(filepath.Base(script), ".mjs"))
	if err := os.RemoveAll(pictures); err != nil {
		t.Fatal(err)
	}
	day := exec.CommandContext(t.Context(), "node", append(append([]string{script}, args...), pictures)...)
	day.Dir = "../../web/console"
	out, err := day.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatalf("%v (npm packages are installed by `make test`)", err)
	}
}

// bucket is the origin of signed URLs.
func (h *house) bucket() string {
	h.t.Helper()
	for _, kv := range h.env {
		if endpoint, found := strings.CutPrefix(kv, "BONFIRE_S3_ENDPOINT="); found {
			u, err := url.Parse(endpoint)
			if err != nil {
				h.t.Fatal(err)
			}
			return u.Scheme + "://" + u.Host
		}
	}
	h.t.Fatal("the stack has no bucket")
	return ""
}

// A person of the clinic signs in at the identity provider: code flow with PKCE,
// and a token that ends is renewed.
func TestConsoleSignsInAtTheProvider(t *testing.T) {
	provider := newIssuer(t, -time.Hour) // the first token has ended when it comes
	h := &house{t: t, dir: devHome(t)}
	h.startStack()
	h.URL = "http://" + freeAddress(t)
	h.env = append(h.env, "BONFIRE_OIDC_ISSUER="+provider.URL, "BONFIRE_OIDC_AUDIENCE="+issuerAudience, "BONFIRE_OIDC_CLIENT_ID="+issuerClient)
	h.startServer()
	h.as("admin").ask(nil, `mutation($in: AddMemberInput!) { addMember(input: $in) { member { id } } }`, map[string]any{"in": map[string]any{
		"kind": "USER", "display": "Nurse Joy Abel", "roles": []string{"CLINICIAN"}, "login": map[string]any{"issuer": provider.URL, "subject": "nurse-7"},
	}})
	console(t, "test/provider.mjs", h.URL, provider.URL, "Nurse Joy Abel")
	provider.mu.Lock()
	defer provider.mu.Unlock()
	if provider.renewed == 0 {
		t.Error("a token that had ended was not renewed")
	}
}

// In production nobody signs in but at the provider.
func TestProductionHasNoDemoPrincipals(t *testing.T) {
	provider := newIssuer(t, time.Hour)
	h := open(t) // has migrated the database
	addr := freeAddress(t)
	at := "http://" + addr
	p := start(t, h.dir, append(h.env, "BONFIRE_ADDR="+addr, "BONFIRE_PUBLIC_URL="+at, "BONFIRE_OIDC_ISSUER="+provider.URL,
		"BONFIRE_OIDC_AUDIENCE="+issuerAudience, "BONFIRE_OIDC_CLIENT_ID="+issuerClient), "serve")
	h.ready(p, at)
	res, err := http.Post(at+"/dev/token", "application/json", strings.NewReader(`{"name":"clinician"}`))
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode/100 != 4 {
		t.Errorf("a token for the asking: %s", res.Status)
	}
	if res, err = http.Get(at + "/console.json"); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var settings struct {
		Principals []any
		OIDC       *struct{ TokenEndpoint string }
	}
	if err := json.NewDecoder(res.Body).Decode(&settings); err != nil {
		t.Fatal(err)
	}
	if len(settings.Principals) != 0 || settings.OIDC == nil || settings.OIDC.TokenEndpoint != provider.URL+"/token" {
		t.Errorf("%+v", settings)
	}
}
