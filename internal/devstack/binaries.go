//go:build unix && !nodevstack

package devstack

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// oldestMajor is the oldest Postgres that will do: DROP DATABASE ... WITH (FORCE) came with 13.
const oldestMajor = 13

// binaries are the programs of one Postgres installation.
type binaries struct {
	dir   string
	major int
}

func (b binaries) path(name string) string { return filepath.Join(b.dir, name) }

// ErrNoPostgres says that this machine has no usable Postgres, and what to install.
var ErrNoPostgres = errors.New("no Postgres server programs found: install them (Debian and Ubuntu: apt-get install postgresql; " +
	"Fedora: dnf install postgresql-server; macOS: brew install postgresql@17) or name their directory in BONFIRE_PG_BINDIR")

// findBinaries looks for a Postgres of the given major version; 0 means any, the first place that has one. A data directory can only be
// run by the major version that made it.
func findBinaries(major int) (binaries, error) {
	if dir := os.Getenv("BONFIRE_PG_BINDIR"); dir != "" {
		b, err := inspect(dir)
		if err != nil {
			return binaries{}, fmt.Errorf("devstack: BONFIRE_PG_BINDIR=%s: %w", dir, err)
		}
		if major != 0 && b.major != major {
			return binaries{}, fmt.Errorf("devstack: BONFIRE_PG_BINDIR=%s is Postgres %d, the data was made by Postgres %d", dir, b.major, major)
		}
		return b, nil
	}
	var other []string
	for _, dir := range places() {
		b, err := inspect(dir)
		if err != nil {
			continue
		}
		if major == 0 || b.major == major {
			return b, nil
		}
		other = append(other, strconv.Itoa(b.major))
	}
	if len(other) > 0 {
		return binaries{}, fmt.Errorf("devstack: the data was made by Postgres %d, this machine has only %s: install that version, or remove the data (make clean)",
			major, strings.Join(other, ", "))
	}
	return binaries{}, fmt.Errorf("devstack: %w", ErrNoPostgres)
}

// places lists the directories where Postgres may be, the likeliest first, newer versions before older ones.
func places() []string {
	var dirs []string
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",         // Debian, Ubuntu
		"/usr/pgsql-*/bin",                  // PGDG packages for Fedora and RHEL
		"/opt/homebrew/opt/postgresql*/bin", // Homebrew on Apple silicon
		"/usr/local/opt/postgresql*/bin",    // Homebrew on Intel
		"/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
		"/Applications/Postgres.app/Contents/Versions/*/bin",
		"/usr/local/pgsql/bin", // built from source
	} {
		found, _ := filepath.Glob(pattern)
		slices.SortStableFunc(found, func(a, b string) int { return cmp.Compare(versionIn(b), versionIn(a)) })
		dirs = append(dirs, found...)
	}
	if path, err := exec.LookPath("postgres"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			dirs = append(dirs, filepath.Dir(real))
		}
	}
	return dirs
}

// inspect checks that a directory holds what is needed, and asks for its version.
func inspect(dir string) (binaries, error) {
	b := binaries{dir: dir}
	for _, name := range []string{"postgres", "initdb", "psql"} {
		if _, err := exec.LookPath(b.path(name)); err != nil {
			return binaries{}, fmt.Errorf("no %s in it: %w", name, err)
		}
	}
	out, err := exec.Command(b.path("postgres"), "--version").Output()
	if err != nil {
		return binaries{}, fmt.Errorf("ask its version: %w", err)
	}
	_, version, _ := strings.Cut(string(out), ")") // "postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)"
	b.major = versionIn(version)
	if b.major < oldestMajor {
		return binaries{}, fmt.Errorf("%q is older than Postgres %d", strings.TrimSpace(string(out)), oldestMajor)
	}
	return b, nil
}

// versionIn returns the first number in s, 0 when there is none.
func versionIn(s string) int {
	start := strings.IndexAny(s, "0123456789")
	if start < 0 {
		return 0
	}
	s = s[start:]
	if end := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }); end >= 0 {
		s = s[:end]
	}
	n, _ := strconv.Atoi(s)
	return n
}
