package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
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

// Other commands work on the stores of a server that runs, by the file that it
// leaves for a shell, or by its directory.
func TestCommandsReachAStackThatRuns(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(devtest.Dir(t), "it's data")
	server := background(t, []string{"PATH=" + os.Getenv("PATH"), "BONFIRE_ADDR=127.0.0.1:0"}, "serve", "--dev", "--data", dir)
	server.says(t, "Bonfire files: ")
	file := filepath.Join(dir, "env")
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	read := exec.Command("sh", "-euc", `set -a; . "$1"; env`, "sh", file)
	read.Env = []string{}
	text, err := read.Output()
	if err != nil {
		t.Fatal(err)
	}
	environ := strings.Split(strings.TrimSpace(string(text)), "\n")
	for _, args := range [][]string{{"doctor", "--dev"}, {"fsck"}, {"migrate", "status"}, {"export", filepath.Join(t.TempDir(), "charts"), "--patient", string(demo.Patient)}} {
		if r := bonfire(t.Context(), environ, nil, args...); r.code != 0 {
			t.Errorf("%s: %+v", args, r)
		}
	}
	bare := []string{"PATH=" + os.Getenv("PATH")}
	if r := bonfire(t.Context(), bare, nil, "fsck", "--dev", "--data", dir); r.code != 0 {
		t.Errorf("beside the server: %+v", r)
	}
	elsewhere := append(bare, "BONFIRE_S3_BUCKET=another")
	if r := bonfire(t.Context(), elsewhere, nil, "fsck", "--dev", "--data", dir); r.code != 2 || !strings.Contains(r.err, "bucket does not exist") {
		t.Errorf("what the environment names goes before: %+v", r)
	}
	if code := server.stop(); code != 0 {
		t.Errorf("serve ended with %d: %s", code, server.err)
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("the settings of what no longer runs are left: %v", err)
	}
}
