package ledger_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestP1P2_Model checks model/upload.pml exhaustively: every interleaving of two
// writers and two sweepers that may die between any two calls keeps P1 and P2, and each way of taking a safeguard out is found to break one
// of them. It needs spin and gcc (make model installs them).
func TestP1P2_Model(t *testing.T) {
	for _, tool := range []string{"spin", "gcc"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed: make model installs it", tool)
		}
	}
	model, err := os.ReadFile(filepath.Join("model", "upload.pml"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change, breaks string
	}{
		"as it is":                   {"-DN=3", ""},
		"without the nonce":          {"-DNONCE=0", "held[i]==1"},
		"without the reservation":    {"-DRESERVE=0", "sent[number_of[i]]==etag_of[i]"},
		"acknowledged before commit": {"-DEARLY=1", "offset>="},
		"a record without the state": {"-DONCE=0", "records==1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := check(t, model, c.change)
			holds := strings.Contains(out, "errors: 0")
			switch {
			case strings.Contains(out, "max search depth too small") || !strings.Contains(out, "errors: "):
				t.Fatalf("the search was not exhaustive:\n%s", out)
			case holds != (c.breaks == "") || !strings.Contains(out, c.breaks):
				t.Errorf("holds: %v, wanted is that it breaks at %q\n%s", holds, c.breaks, out)
			}
			for line := range strings.Lines(out) {
				if strings.Contains(line, "states, stored") {
					t.Log(strings.TrimSpace(line))
				}
			}
		})
	}
}

// check builds the model's checker and gives what it prints; an error it found
// is followed by the steps that lead there.
func check(t *testing.T, model []byte, change string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "upload.pml"), model, 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		return string(out)
	}
	run("spin", change, "-a", "upload.pml")
	run("gcc", "-w", "-O1", "-DSAFETY", "-DCOLLAPSE", "-o", "pan", "pan.c")
	out := run("./pan", "-m10000")
	if _, err := os.Stat(filepath.Join(dir, "upload.pml.trail")); err == nil && change == "-DN=3" {
		out += run("spin", "-t", "-p", "-g", change, "upload.pml")
	}
	return out
}
