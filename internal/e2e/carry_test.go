package e2e

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/internal/demo"
)

// A chart with a file of many parts moves to another deployment, by an import
// that is killed in the middle: run again it ends, bucket and database agree, and
// what is exported there is what was exported here, to the byte.
func TestP3_KilledImportIsTakenUpAgain(t *testing.T) {
	here := open(t)
	c := here.as("clinician")
	for i, size := range []int{96 << 20, 3 << 20, 24} {
		path := filepath.Join(here.dir, "content")
		if err := os.WriteFile(path, random(size), 0o600); err != nil {
			t.Fatal(err)
		}
		here.env = append(here.env, "XDG_STATE_HOME="+filepath.Join(here.dir, "state", string(rune('a'+i))))
		here.bonfire("upload", path, "--patient", string(demo.Patient), "--kind", "raw", "--server", here.URL, "--token", c.token)
	}
	public := "BONFIRE_PUBLIC_URL=" + here.URL // stands in the Bundles
	here.env = append(here.env, public)
	charts := filepath.Join(t.TempDir(), "charts")
	here.bonfire("export", "--patient", string(demo.Patient), charts)

	there := &house{t: t, dir: devHome(t)}
	there.startStack()
	there.env = append(there.env, public)
	there.bonfire("migrate", "up")
	there.bonfire("clinic", "set", string(demo.Harbor), "--name", "Harbor Clinic")
	first := start(t, there.dir, there.env, "import", charts)
	for end := time.Now().Add(time.Minute); stored(t, filepath.Join(there.dir, ".data", "s3")) < 16<<20 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	first.stop(syscall.SIGKILL)
	if first.cmd.ProcessState.Success() {
		t.Fatal("the import was over before it was killed")
	}
	if out := there.bonfire("import", charts); !strings.Contains(out, "1 of 1 charts restored with 3 files") {
		t.Errorf("the second import did not do the work of the first: %s", out)
	}
	there.bonfire("fsck", "--deep", "--older-than", "1m")
	back := filepath.Join(t.TempDir(), "back")
	there.bonfire("export", "--patient", string(demo.Patient), back)
	if want, got := manifest(t, charts), manifest(t, back); want != got {
		t.Errorf("what came back has another manifest:\n%s\nwant\n%s", got, want)
	}
}

// stored are the bytes below a directory.
func stored(t *testing.T, dir string) (sum int64) {
	t.Helper()
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return nil // files come and go
		}
		if info, err := e.Info(); err == nil {
			sum += info.Size()
		}
		return nil
	})
	return sum
}

func manifest(t *testing.T, dir string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "manifest.sha256"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
