//go:build unix && !nodevstack

package devtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/internal/devstack"
)

const dirPattern = "bonfire-test-*"

// shared is the stack of this test binary. It starts with the first test that asks, in a temporary directory.
var shared struct {
	once  sync.Once
	stack *devstack.Stack
	dir   string
	err   error
}

// Main is the TestMain of a package that uses this one: it runs the tests, stops the shared stack and exits. A process that was started as
// the S3 server it turns into that server.
func Main(m *testing.M) {
	if devstack.ChildMain() {
		return
	}
	code := m.Run()
	if err := end(); err != nil {
		fmt.Fprintln(os.Stderr, "devtest:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// sharedStack starts the stack on the first call.
func sharedStack(t testing.TB) *devstack.Stack {
	t.Helper()
	shared.once.Do(func() {
		sweep()
		if shared.dir, shared.err = os.MkdirTemp("", dirPattern); shared.err != nil {
			return
		}
		shared.stack, shared.err = devstack.Start(context.Background(), options(shared.dir))
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.stack
}

func options(dir string) devstack.Options {
	return devstack.Options{Dir: dir, NoSync: true, CORSOrigins: []string{Origin}}
}

// end stops the shared stack, if it was started, and deletes its data.
func end() error {
	if shared.dir == "" {
		return nil
	}
	var err error
	if shared.stack != nil {
		err = shared.stack.Stop(context.Background())
	}
	return errors.Join(err, devstack.Remove(shared.dir))
}

// sweep deletes what test binaries that were killed (a timeout, a panic) have left behind more than an hour ago. The data of a running one
// is locked and stays.
func sweep() {
	left, _ := filepath.Glob(filepath.Join(os.TempDir(), dirPattern))
	for _, dir := range left {
		info, err := os.Lstat(dir)
		if err != nil || !info.IsDir() || time.Since(info.ModTime()) < time.Hour {
			continue
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); ok && int(stat.Uid) == os.Geteuid() {
			_ = devstack.Remove(dir) // in use, or half deleted by a neighbour: not ours to mend
		}
	}
}

// Dir returns a new data directory for a stack that the test starts itself; it is removed, as devstack.Remove does it, when the test ends.
// Unlike t.TempDir it can be passed by the user that Postgres runs as when the tests run as root.
func Dir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", dirPattern)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := devstack.Remove(dir); err != nil {
			t.Errorf("remove the stack's data: %v", err)
		}
	})
	return dir
}
