package e2e

import (
	"bufio"
	"bytes"
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/internal/devstack"
	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
	"github.com/bonfiredb/bonfire/internal/media"
)

// binary is the program, built once for the tests of this package.
var binary string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "bonfire-e2e-")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	defer media.Remove()
	binary = filepath.Join(dir, "bonfire")
	build := exec.Command("go", "build", "-o", binary, "../../cmd/bonfire")
	build.Stdout, build.Stderr = os.Stdout, os.Stderr
	if err := build.Run(); err != nil {
		panic(err)
	}
	return m.Run()
}

// process is the program at work.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	out  *lines
	done chan struct{}
}

// start runs the program with arguments; it is killed at the test's end at the latest.
func start(t *testing.T, dir string, env []string, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(binary, args...), out: &lines{}, done: make(chan struct{})}
	p.cmd.Dir, p.cmd.Env = dir, append(bare(), env...)
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = p.cmd.Wait(); close(p.done) }()
	t.Cleanup(func() {
		p.stop(syscall.SIGTERM)
		if t.Failed() {
			t.Logf("%s printed:\n%s", strings.Join(args, " "), p.out)
		}
	})
	return p
}

// bare is the environment without settings of the developer's own.
func bare() (env []string) {
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "BONFIRE_") && !strings.HasPrefix(kv, "AWS_") {
			env = append(env, kv)
		}
	}
	return append(env, "AWS_EC2_METADATA_DISABLED=true")
}

// stop sends a signal and waits for the end, for which a SIGTERM has 20 seconds.
func (p *process) stop(s syscall.Signal) {
	_ = p.cmd.Process.Signal(s)
	select {
	case <-p.done:
	case <-time.After(20 * time.Second):
		p.t.Errorf("%v did not end after %v", p.cmd.Args[1:], s)
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// waitFor waits for a line that contains text.
func (p *process) waitFor(text string) {
	p.t.Helper()
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if strings.Contains(p.out.String(), text) {
			return
		}
		select {
		case <-p.done:
			p.t.Fatalf("%v ended:\n%s", p.cmd.Args[1:], p.out)
		default:
		}
	}
	p.t.Fatalf("%v never printed %q:\n%s", p.cmd.Args[1:], text, p.out)
}

// house is a devstack and a server on it, in a directory of the test's own.
type house struct {
	t      *testing.T
	dir    string
	env    []string
	stack  *process
	server *process
	URL    string
}

// open starts both and waits until the server is ready.
func open(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, dir: devHome(t)}
	h.startStack()
	h.startServer()
	return h
}

// devHome is a directory for the data of a devstack.
func devHome(t *testing.T) string {
	t.Helper()
	dir := devtest.Dir(t)
	t.Cleanup(func() { _ = devstack.Remove(filepath.Join(dir, ".data")) })
	return dir
}

func (h *house) startStack() {
	h.t.Helper()
	h.stack = start(h.t, h.dir, nil, "devstack")
	h.stack.waitFor("READY")
	h.env = nil
	s := bufio.NewScanner(strings.NewReader(h.stack.out.String()))
	for s.Scan() {
		if strings.HasPrefix(s.Text(), "BONFIRE_") || strings.HasPrefix(s.Text(), "AWS_") {
			h.env = append(h.env, s.Text())
		}
	}
}

// startServer starts a server; a restarted one keeps its address.
func (h *house) startServer() {
	h.t.Helper()
	if h.URL == "" {
		h.URL = "http://" + freeAddress(h.t)
	}
	h.server = h.serveAt(h.URL)
}

func (h *house) serveAt(url string) *process {
	h.t.Helper()
	addr := strings.TrimPrefix(url, "http://")
	p := start(h.t, h.dir, append(h.env, "BONFIRE_ADDR="+addr, "BONFIRE_PUBLIC_URL="+url), "serve", "--dev")
	h.ready(p, url)
	return p
}

func (h *house) ready(p *process, url string) {
	h.t.Helper()
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		res, err := http.Get(url + "/readyz")
		if err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-p.done:
			h.t.Fatalf("the server ended:\n%s", p.out)
		default:
		}
	}
	h.t.Fatalf("the server never got ready:\n%s", p.out)
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// token is a development token of a demo principal.
func (h *house) token(name string, flags ...string) string {
	h.t.Helper()
	out := h.bonfire(append([]string{"dev", "token", name}, flags...)...)
	all := strings.Split(strings.TrimSpace(out), "\n")
	return all[len(all)-1]
}

// bonfire runs a command to its end and gives what it printed.
func (h *house) bonfire(args ...string) string {
	h.t.Helper()
	out, code := h.try(args...)
	if code != 0 {
		h.t.Fatalf("bonfire %s: exit code %d:\n%s", strings.Join(args, " "), code, out)
	}
	return out
}

func (h *house) try(args ...string) (out string, code int) {
	h.t.Helper()
	ctx, stop := context.WithTimeout(h.t.Context(), 2*time.Minute)
	defer stop()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir, cmd.Env = h.dir, append(bare(), h.env...)
	b, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		h.t.Fatal(err)
	}
	return string(b), cmd.ProcessState.ExitCode()
}

// lines collects output while others read it.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// children are the processes that the devstack runs.
func (h *house) children() (pids []int) {
	h.t.Helper()
	out, err := exec.Command("pgrep", "-P", strconv.Itoa(h.stack.cmd.Process.Pid)).Output()
	if err != nil {
		h.t.Fatal(err)
	}
	for _, f := range strings.Fields(string(out)) {
		pid, err := strconv.Atoi(f)
		if err != nil {
			h.t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	if len(pids) != 2 {
		h.t.Fatalf("the devstack has %d children, not Postgres and S3", len(pids))
	}
	return pids
}
