package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/internal/demo"
)

// An upload from the terminal is killed in the middle; run again, it goes on
// with the same upload and ends in the one record.
func TestUploadFromTheTerminalResumes(t *testing.T) {
	h := open(t)
	c := h.as("clinician")
	content := random(300 << 20)
	path := filepath.Join(h.dir, "big.bin")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"upload", path, "--patient", string(demo.Patient), "--kind", "raw", "--server", h.URL}
	h.env = append(h.env, "BONFIRE_TOKEN="+c.token, "XDG_STATE_HOME="+filepath.Join(h.dir, "state"))

	first := exec.Command(binary, args...)
	first.Env = append(bare(), h.env...)
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	uploads := func() (received []int64) {
		var out struct {
			Uploads struct {
				Nodes []struct{ ReceivedBytes int64 }
			}
		}
		c.ask(&out, `{ uploads(first: 10) { nodes { receivedBytes } } }`, nil)
		for _, u := range out.Uploads.Nodes {
			received = append(received, u.ReceivedBytes)
		}
		return received
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if got := uploads(); len(got) == 1 && got[0] > 0 || time.Now().After(deadline) {
			break
		}
	}
	_ = first.Process.Signal(syscall.SIGKILL)
	_ = first.Wait()
	before := uploads()
	if len(before) != 1 || before[0] == 0 || before[0] == int64(len(content)) {
		t.Fatalf("the first run was not interrupted in the middle: %v", before)
	}

	out := h.bonfire(args...)
	if got := uploads(); len(got) != 1 || got[0] != int64(len(content)) {
		t.Fatalf("the second run began another upload: %v\n%s", got, out)
	}
	_, id, _ := strings.Cut(out, "Binary/")
	id, _, _ = strings.Cut(id, "\n")
	if b, _ := c.download(id); !bytes.Equal(b, content) {
		t.Fatal("other bytes came back")
	}
}

func TestWrongUsageHasItsExitCode(t *testing.T) {
	h := &house{t: t, dir: t.TempDir()}
	for _, args := range [][]string{{"upload"}, {"nonsense"}, {"dev", "token"}, {"serve", "--no-such-flag"}} {
		if out, code := h.try(args...); code != 2 {
			t.Errorf("bonfire %s: exit code %d\n%s", strings.Join(args, " "), code, out)
		}
	}
	if out, code := h.try("upload", "--help"); code != 0 || !strings.Contains(out, "--patient") {
		t.Errorf("--help: exit code %d\n%s", code, out)
	}
}
