//go:build linux && !nodevstack

package devstack_test

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/bonfiredb/bonfire/internal/devstack"
	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
)

// A process with this variable is a program that runs a stack until it is killed; the value is its data directory.
const (
	parentVariable = "DEVSTACK_TEST_PARENT"
	deafVariable   = "DEVSTACK_TEST_NO_DEATH_SIGNALS"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(parentVariable); dir != "" {
		if err := beParent(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	devtest.Main(m)
}

// parentReport is what the program prints once its stack runs.
type parentReport struct {
	Postgres, S3 int
	Env          []string
}

// beParent runs a stack, says so, and stops it when its input ends; a test that kills it never lets it get so far.
func beParent(dir string) error {
	if os.Getenv(deafVariable) != "" {
		devstack.IgnoreDeathSignals()
	}
	stack, err := devstack.Start(context.Background(), devstack.Options{Dir: dir, NoSync: true})
	if err != nil {
		return err
	}
	report := parentReport{Postgres: stack.Postgres().PID(), S3: stack.S3().PID(), Env: stack.Env()}
	if err := json.NewEncoder(os.Stdout).Encode(report); err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	return stack.Stop(context.Background())
}

// startParent starts such a program and waits for its report.
func startParent(t *testing.T, dir string, env ...string) (*exec.Cmd, parentReport) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(append(os.Environ(), parentVariable+"="+dir), env...)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		t.Fatalf("the program said nothing: %v", err)
	}
	var report parentReport
	if err := json.Unmarshal(line, &report); err != nil {
		t.Fatal(err)
	}
	return cmd, report
}

// start starts a stack that is stopped when the test ends.
func start(t *testing.T, o devstack.Options) *devstack.Stack {
	t.Helper()
	o.NoSync = true
	stack, err := devstack.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, stack) })
	return stack
}

func stop(t *testing.T, stack *devstack.Stack) {
	t.Helper()
	if err := stack.Stop(context.Background()); err != nil {
		t.Errorf("stop: %v", err)
	}
}

func open(t *testing.T, url string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func mustExec(t *testing.T, db *sql.DB, statement string, args ...any) {
	t.Helper()
	if _, err := db.Exec(statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// setting returns the value of a KEY=value line.
func setting(t *testing.T, env []string, key string) string {
	t.Helper()
	for _, line := range env {
		if k, v, _ := strings.Cut(line, "="); k == key {
			return v
		}
	}
	t.Fatalf("no %s among %d settings", key, len(env))
	return ""
}

// eventually waits for something that another process does.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in 15 s: %s", what)
		}
	}
}

// gone says whether a process has ended; one that no init has reaped yet has.
func gone(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return true
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || strings.Contains(string(stat), ") Z ")
}
