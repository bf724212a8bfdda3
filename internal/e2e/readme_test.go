package e2e

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/bonfiredb/bonfire/internal/devstack"
	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
	"github.com/bonfiredb/bonfire/internal/media"
)

// The README's example is run as written, against the server that `make run`
// starts. Only where somebody else has its port is another one put in.
func TestReadmeExampleWorksAsWritten(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, script, found := strings.Cut(string(readme), "<!-- example: run by internal/e2e -->\n```sh\n")
	script, _, closed := strings.Cut(script, "\n```")
	if !found || !closed {
		t.Fatal("the README has lost its example")
	}
	dir := devtest.Dir(t)
	t.Cleanup(func() { _ = devstack.Remove(filepath.Join(dir, ".data")) })
	if err := os.MkdirAll(filepath.Join(dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	wav, err := os.ReadFile(media.Files(t)["visit.wav"].Path)
	if err != nil {
		t.Fatal(err)
	}
	for err := range map[error]bool{
		os.Symlink(binary, filepath.Join(dir, "bin", "bonfire")):  true,
		os.WriteFile(filepath.Join(dir, "visit.wav"), wav, 0o600): true,
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	env, address := []string(nil), "localhost:8080"
	if l, err := net.Listen("tcp", address); err == nil {
		_ = l.Close()
	} else {
		address = freeAddress(t)
		env = []string{"BONFIRE_ADDR=" + address, "BONFIRE_PUBLIC_URL=http://" + address}
		script = strings.ReplaceAll(script, "localhost:8080", address)
		script = strings.ReplaceAll(script, "bonfire upload", "bonfire upload --server http://"+address)
	}
	server := start(t, dir, env, "serve", "--dev")
	(&house{t: t}).ready(server, "http://"+address)
	run := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", script)
	run.Dir, run.Env = dir, bare()
	out, err := run.CombinedOutput()
	if err != nil || !strings.HasSuffix(strings.TrimSpace(string(out)), "the same bytes") {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"Media/", `"resourceType":"Media"`, `"contentType":"audio/wav"`} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the example does not show %q:\n%s", want, out)
		}
	}
	server.stop(syscall.SIGTERM)

	// Stop and start again keeps the data.
	server = start(t, dir, env, "serve", "--dev")
	(&house{t: t}).ready(server, "http://"+address)
	again := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", script[strings.Index(script, "# What is known"):])
	again.Dir, again.Env = dir, append(bare(), "BONFIRE_TOKEN="+strings.TrimSpace((&house{t: t, dir: dir}).bonfire("dev", "token", "clinician")))
	if out, err := again.CombinedOutput(); err != nil || !strings.HasSuffix(strings.TrimSpace(string(out)), "the same bytes") {
		t.Fatalf("after a restart: %v\n%s", err, out)
	}
}
