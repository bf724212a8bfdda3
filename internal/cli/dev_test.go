package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
)

func TestDevTokenRoundTrip(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	out := token(t, nil, "clinician", "--data", dir, "--ttl", "1h", "--purpose", "BTG")
	plain := token(t, nil, "clerk", "--data", dir, "--no-mfa")
	if strings.Contains(out, "\n") {
		t.Errorf("the token is not alone on its line: %q", out)
	}
	text, err := os.ReadFile(filepath.Join(dir, "dev.key"))
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(dir, "dev.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key is open to others: %v %v", info.Mode(), err)
	}
	v, err := auth.NewDevTokens([]byte(strings.TrimSpace(string(text))), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	login, err := v.Verify(t.Context(), out)
	if err != nil || login.Subject != "clinician" || !login.MFA || login.Purpose != clinical.BreakTheGlass {
		t.Errorf("got %+v, %v", login, err)
	}
	login, err = v.Verify(t.Context(), plain)
	if err != nil || login.Subject != "clerk" || login.MFA || login.Purpose != "" {
		t.Errorf("got %+v, %v", login, err)
	}
}

// TestDevKeyIsMadeOnce, by whoever is first.
func TestDevKeyIsMadeOnce(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	var wg sync.WaitGroup
	tokens := make([]string, 8)
	for i := range tokens {
		wg.Go(func() {
			tokens[i] = strings.TrimSpace(bonfire(t.Context(), nil, nil, "dev", "token", "clinician", "--data", dir).out)
		})
	}
	wg.Wait()
	key, err := os.ReadFile(filepath.Join(dir, "dev.key"))
	if err != nil {
		t.Fatal(err)
	}
	v, err := auth.NewDevTokens([]byte(strings.TrimSpace(string(key))), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	for i, tok := range tokens {
		if _, err := v.Verify(t.Context(), tok); err != nil {
			t.Errorf("token %d: %v", i, err)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("drafts are left: %v", entries)
	}
}
