package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What a stack has made goes on demand, and not while it runs.
func TestDevstackIsRemoved(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	stack := background(t, nil, "devstack", "--data", dir)
	stack.says(t, "READY")
	if r := bonfire(t.Context(), nil, nil, "devstack", "--remove", "--data", dir); r.code != 1 || !strings.Contains(r.err, "in use") {
		t.Errorf("while it runs: %+v", r)
	}
	if code := stack.stop(); code != 0 {
		t.Fatalf("devstack ended with %d", code)
	}
	if r := bonfire(t.Context(), nil, nil, "devstack", "--remove", "--data", dir); r.code != 0 {
		t.Errorf("%+v", r)
	}
	left, err := os.ReadDir(dir)
	for _, e := range left {
		if e.Name() != "dev.key" {
			t.Errorf("%s is left", e.Name())
		}
	}
	if err != nil && !os.IsNotExist(err) {
		t.Error(err)
	}
	if r := bonfire(t.Context(), nil, nil, "devstack", "--remove", "--data", dir); r.code != 0 {
		t.Errorf("once more: %+v", r)
	}
}
