package main_test

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
)

// process is a running program.
type process struct {
	cmd  *exec.Cmd
	mu   sync.Mutex
	said bytes.Buffer
	done chan struct{}
}

func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.Write(b)
}

func (p *process) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.String()
}

func start(t *testing.T, dir, program string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(program, args...), done: make(chan struct{})}
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, p, p
	p.cmd.Env = environ(t)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = p.cmd.Wait(); close(p.done) }()
	t.Cleanup(func() { p.end(t) })
	return p
}

// end sends SIGTERM and waits.
func (p *process) end(t *testing.T) {
	t.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(time.Minute):
		_ = p.cmd.Process.Kill()
		t.Fatalf("it does not stop:\n%s", p.output())
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("it ended with %d:\n%s", code, p.output())
	}
}

// after waits for a line that begins with the prefix and gives its rest.
func (p *process) after(t *testing.T, prefix string) string {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		for line := range strings.Lines(p.output()) {
			if rest, ok := strings.CutPrefix(line, prefix); ok && strings.HasSuffix(line, "\n") {
				return strings.TrimSpace(rest)
			}
		}
	}
	t.Fatalf("it never said %q:\n%s", prefix, p.output())
	return ""
}

// environ is a newcomer's: nothing of ours is set.
func environ(t *testing.T) []string {
	t.Helper()
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "TMPDIR=" + os.TempDir()}
}

// TestANewcomersFirstMinutes builds the program, runs `serve --dev` with nothing
// set, types the lines that it prints, stops it, starts it again and finds the
// file still there.
func TestANewcomersFirstMinutes(t *testing.T) {
	dir := devtest.Dir(t)
	program := filepath.Join(t.TempDir(), "bonfire")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	data := filepath.Join(dir, "data")
	server := start(t, dir, program, "serve", "--dev", "--addr", "127.0.0.1:0", "--data", data)
	url := server.after(t, "Bonfire files: ")

	upload := "echo 'Allergic to penicillin.' |" + server.after(t, "  echo 'Allergic to penicillin.' |")
	list := "curl " + server.after(t, "  curl ")
	playground, _, _ := strings.Cut(server.after(t, "  http"), " ")

	record := shell(t, dir, upload)
	if !strings.HasPrefix(record, "DocumentReference/") {
		t.Fatalf("%s\nprinted %s", upload, record)
	}
	id := strings.TrimPrefix(strings.Fields(record)[0], "DocumentReference/")
	if files := shell(t, dir, list); !strings.Contains(files, `"id":"`+id+`"`) {
		t.Errorf("%s\nprinted %s", list, files)
	}
	if resp, err := http.Get("http" + playground); err != nil || resp.StatusCode != 200 {
		t.Errorf("the playground: %v %v", resp, err)
	}
	if !strings.HasPrefix("http"+playground, url) {
		t.Errorf("the playground is at http%s", playground)
	}

	server.end(t)
	again := start(t, dir, program, "serve", "--dev", "--addr", "127.0.0.1:0", "--data", data)
	list = "curl " + again.after(t, "  curl ")
	if files := shell(t, dir, list); !strings.Contains(files, `"id":"`+id+`"`) {
		t.Errorf("after a restart: %s", files)
	}
}

func shell(t *testing.T, dir, line string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
	cmd.Dir, cmd.Env = dir, environ(t)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", line, err, out, errs.String())
	}
	return string(out)
}
