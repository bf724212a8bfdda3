package server_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
	"github.com/bonfiredb/bonfire/signing"
)

// The keys that notes are verified with are there for everybody, the private
// parts for nobody; without any, there are none.
func TestPublicKeysArePublished(t *testing.T) {
	t.Parallel()
	env := devtest.NewFrom(t, "schema", migrate)
	key, err := signing.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "keys.pem")
	if err := os.WriteFile(file, key, 0o600); err != nil {
		t.Fatal(err)
	}
	keys, err := signing.ParseKeys(key)
	if err != nil {
		t.Fatal(err)
	}
	for setting, want := range map[string]string{file: keys.ID(), string(key): keys.ID(), "": `{"keys":[]}`} {
		s := start(t, env, "BONFIRE_SIGNING_KEYS="+setting)
		resp, body := s.do(t, "GET", "/.well-known/jwks.json", "")
		if resp.StatusCode != 200 || !strings.Contains(body, want) || strings.Contains(body, `"d"`) ||
			resp.Header.Get("Content-Type") != "application/jwk-set+json" || resp.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: %s", resp.Status, body)
		}
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	}
}
