package e2e

import (
	"os/exec"
	"testing"
)

// The playground works in a real browser, from this server alone.
func TestPlaygroundInTheBrowser(t *testing.T) {
	h := open(t)
	smoke := exec.CommandContext(t.Context(), "node", "test/smoke.mjs", h.URL, h.token("clinician"), t.TempDir())
	smoke.Dir = "../../web/playground"
	if out, err := smoke.CombinedOutput(); err != nil {
		t.Fatalf("%v (npm packages are installed by `make test`)\n%s", err, out)
	}
}
