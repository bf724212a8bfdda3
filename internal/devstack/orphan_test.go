//go:build linux && !nodevstack

package devstack_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/bonfiredb/bonfire/internal/devstack"
	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
)

// killParent starts a program with a stack, has it hold a row that no checkpoint has seen, and kills it with signal 9.
func killParent(t *testing.T, dir string, env ...string) parentReport {
	t.Helper()
	cmd, report := startParent(t, dir, env...)
	db := open(t, setting(t, report.Env, "BONFIRE_MIGRATE_DATABASE_URL"))
	mustExec(t, db, `CREATE TABLE survivor (n int); INSERT INTO survivor VALUES (7)`)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	return report
}

func requireSurvivor(t *testing.T, dir string, before parentReport) {
	t.Helper()
	stack := start(t, devstack.Options{Dir: dir})
	var n int
	if err := open(t, stack.Postgres().OwnerURL(devstack.Database)).QueryRow(`SELECT n FROM survivor`).Scan(&n); err != nil || n != 7 {
		t.Fatalf("the row is lost: %d, %v", n, err)
	}
	if got, want := stack.S3().URL(), setting(t, before.Env, "BONFIRE_S3_ENDPOINT"); got != want {
		t.Errorf("the bucket's address changed from %s to %s", want, got)
	}
	for _, pid := range []int{before.Postgres, before.S3} {
		if !gone(pid) {
			t.Errorf("process %d of the killed program is still there", pid)
		}
	}
}

// kill -9 of the program: its servers end by themselves.
func TestServersDieWithTheirProgram(t *testing.T) {
	t.Parallel()
	report := killParent(t, devtest.Dir(t))
	eventually(t, "Postgres ends", func() bool { return gone(report.Postgres) })
	eventually(t, "the S3 server ends", func() bool { return gone(report.S3) })
}

// kill -9 of the program, and the next one starts at once on the same directory.
func TestKilledProgramStartsAgain(t *testing.T) {
	t.Parallel()
	dir := devtest.Dir(t)
	requireSurvivor(t, dir, killParent(t, dir))
}

// The same where the kernel does not tell children: the orphaned Postgres runs on until the next Start stops it.
func TestOrphansAreStopped(t *testing.T) {
	t.Parallel()
	dir := devtest.Dir(t)
	report := killParent(t, dir, deafVariable+"=1")
	if gone(report.Postgres) {
		t.Fatal("Postgres ended; this test wants an orphan")
	}
	requireSurvivor(t, dir, report)
}

// Remove of what a killed program left behind stops the orphan first.
func TestRemoveStopsOrphans(t *testing.T) {
	t.Parallel()
	dir := devtest.Dir(t)
	report := killParent(t, dir, deafVariable+"=1")
	if err := devstack.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if !gone(report.Postgres) || !gone(report.S3) {
		t.Fatal("a server runs on without its data")
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Fatalf("the directory is still there: %v", err)
	}
}

// A pid file that names a living process which is not our Postgres is out of date: the number was given out again, or a zombie has it. The
// stranger must be left alone.
func TestStalePIDFileOfAStranger(t *testing.T) {
	t.Parallel()
	dir := devtest.Dir(t)
	stack := start(t, devstack.Options{Dir: dir})
	leaveMark(t, stack)
	stack.Postgres().Kill()

	stranger := exec.Command("sleep", "60")
	stranger.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if cred := ownerOf(t, stack.Postgres().DataDir()); os.Geteuid() == 0 {
		stranger.SysProcAttr.Credential = cred // Postgres ignores processes of other users, and this is not to be one
	}
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stranger.Process.Kill(); _ = stranger.Wait() })
	pidFile := filepath.Join(stack.Postgres().DataDir(), "postmaster.pid")
	raw, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(raw), "\n")
	lines[0] = strconv.Itoa(stranger.Process.Pid)
	if err := os.WriteFile(pidFile, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}

	if err := stack.Postgres().Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	requireMark(t, stack)
	if gone(stranger.Process.Pid) {
		t.Fatal("the stranger was killed")
	}
}

func ownerOf(t *testing.T, path string) *syscall.Credential {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	stat := info.Sys().(*syscall.Stat_t)
	return &syscall.Credential{Uid: stat.Uid, Gid: stat.Gid}
}
