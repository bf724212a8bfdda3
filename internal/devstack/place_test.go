//go:build linux && !nodevstack

package devstack_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bonfiredb/bonfire/internal/devstack"
	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
)

// closedHome is a data directory under a 0700 directory of root's, as in a clone under /root.
func closedHome(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root's Postgres runs as another user")
	}
	closed := filepath.Join(devtest.Dir(t), "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(closed) })
	return filepath.Join(closed, "data")
}

func TestUnreachableHomeKeepsItsDatabaseOutside(t *testing.T) {
	t.Parallel()
	dir := closedHome(t)
	t.Cleanup(func() { _ = devstack.Remove(dir) })
	stack := start(t, devstack.Options{Dir: dir})
	leaveMark(t, stack)
	outside := filepath.Dir(stack.Postgres().DataDir())
	if strings.HasPrefix(outside, dir) {
		t.Fatalf("the database is in %s, which its user cannot reach", outside)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "location"))
	if err != nil || strings.TrimSpace(string(raw)) != outside {
		t.Fatalf("the location file says %q (%v), want %s", raw, err, outside)
	}
	stop(t, stack)

	again := start(t, devstack.Options{Dir: dir})
	requireMark(t, again)
	stop(t, again)

	if err := devstack.Remove(dir); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, outside} {
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is still there: %v", path, err)
		}
	}
}

// When the home was deleted with plain rm, the database outside is a leftover without its bucket: a new stack begins empty.
func TestDeletedHomeStartsAfresh(t *testing.T) {
	t.Parallel()
	dir := closedHome(t)
	t.Cleanup(func() { _ = devstack.Remove(dir) })
	stack := start(t, devstack.Options{Dir: dir})
	leaveMark(t, stack)
	stop(t, stack)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	again := start(t, devstack.Options{Dir: dir})
	if _, err := open(t, again.Postgres().OwnerURL(devstack.Database)).Exec(`SELECT n FROM mark`); err == nil {
		t.Fatal("rows without their objects")
	}
	requireRunning(t, again)
}

// A home that was moved finds its database; a copy of it does not get at the original's.
func TestMovedAndCopiedHome(t *testing.T) {
	t.Parallel()
	dir := closedHome(t)
	stack := start(t, devstack.Options{Dir: dir})
	leaveMark(t, stack)
	stop(t, stack)
	twin := dir + "-copy"
	if err := os.CopyFS(twin, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if _, err := devstack.Start(t.Context(), devstack.Options{Dir: twin}); err == nil || !strings.Contains(err.Error(), "is a copy") {
		t.Fatalf("a copy: %v", err)
	}
	moved := dir + "-moved"
	if err := os.Rename(dir, moved); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = devstack.Remove(moved) })
	requireMark(t, start(t, devstack.Options{Dir: moved}))
}

// A unix socket's address has room for about a hundred bytes.
func TestLongPathGetsAShortSocket(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(devtest.Dir(t), strings.Repeat("long-", 25), "data")
	t.Cleanup(func() { _ = os.RemoveAll(filepath.Dir(dir)) })
	stack := start(t, devstack.Options{Dir: dir})
	requireRunning(t, stack)
	if !strings.HasPrefix(stack.Postgres().DataDir(), dir) {
		t.Fatalf("the data is in %s", stack.Postgres().DataDir())
	}
	sockets := stack.Postgres().SocketDir()
	if len(sockets) > 90 {
		t.Fatalf("the socket is in %s", sockets)
	}
	if info, err := os.Stat(sockets); err != nil || info.Mode().Perm() != 0o700 {
		t.Fatalf("the socket's directory: %v %v", info, err)
	}
	stop(t, stack)
	if err := devstack.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(sockets); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("the socket's directory is still there: %v", err)
	}
}

// Whoever may look into the data directory still reads no secrets and no objects.
func TestSecretsAreTheOwnersAlone(t *testing.T) {
	t.Parallel()
	dir := devtest.Dir(t)
	stack := start(t, devstack.Options{Dir: dir})
	leaveMark(t, stack)
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return nil // a server's temporary file
		}
		if path != dir && info.Mode().Perm()&0o077 != 0 && info.Mode()&os.ModeSocket == 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		if d.Name() == "postgres" || d.Name() == "run" {
			return filepath.SkipDir
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm()&0o066 != 0 {
		t.Errorf("the data directory has mode %v (%v)", info.Mode(), err)
	}
}

// Remove deletes what a stack made, and nothing else.
func TestRemoveSparesStrangers(t *testing.T) {
	t.Parallel()
	dir := devtest.Dir(t)
	stop(t, start(t, devstack.Options{Dir: dir}))
	note := filepath.Join(dir, "note.txt")
	if err := os.WriteFile(note, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := devstack.Remove(dir); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != "note.txt" {
		t.Fatalf("left: %v, %v; want only the note", entries, err)
	}
	if err := os.Remove(note); err != nil {
		t.Fatal(err)
	}
	if err := devstack.Remove(filepath.Join(dir, "nothing", "here")); err != nil {
		t.Fatalf("Remove of nothing: %v", err)
	}
}

// A machine without Postgres is told what to install.
func TestNoPostgresSaysWhatToInstall(t *testing.T) {
	empty := t.TempDir()
	t.Setenv("BONFIRE_PG_BINDIR", empty)
	_, err := devstack.StartPostgres(t.Context(), devstack.PostgresOptions{Dir: devtest.Dir(t)})
	if err == nil || !strings.Contains(err.Error(), empty) {
		t.Fatalf("want an error that names the directory, got %v", err)
	}
}

// Data of another major version is left alone, and the error says which version it wants.
func TestDataOfAnotherVersion(t *testing.T) {
	t.Parallel()
	dir := devtest.Dir(t)
	data := filepath.Join(dir, "postgres")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(data, "PG_VERSION"), []byte("9\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := devstack.StartPostgres(t.Context(), devstack.PostgresOptions{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "made by Postgres 9") {
		t.Fatalf("want an error that names the version, got %v", err)
	}
	if _, err := os.Stat(filepath.Join(data, "PG_VERSION")); err != nil {
		t.Fatalf("the data was touched: %v", err)
	}
}

// A program that forgot ChildMain must not start itself again and again.
func TestForgottenChildMainIsNoForkBomb(t *testing.T) {
	t.Setenv("BONFIRE_DEVSTACK_CHILD", "s3")
	if _, err := devstack.StartS3(t.Context(), devstack.S3Options{Dir: devtest.Dir(t)}); err == nil || !strings.Contains(err.Error(), "ChildMain") {
		t.Fatalf("want an error that names ChildMain, got %v", err)
	}
}

// Remove on a directory that never held a stack deletes nothing, whatever the names in it.
func TestRemoveOfAnotherDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "postgres"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := devstack.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "postgres")); err != nil {
		t.Fatal(err)
	}
}
