//go:build unix && !nodevstack

package devstack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// socketPathMax is the length of sun_path on macOS and the BSDs, less the terminating zero; Linux has 107.
const socketPathMax = 103

// place is where a cluster lives and as whom it runs.
type place struct {
	base    string              // the data directory of the stack, or the directory outside
	sockets string              // the directory of the unix socket
	cred    *syscall.Credential // nil: as ourselves
}

func (p place) data() string { return filepath.Join(p.base, "postgres") }

// settle decides where the cluster of this home lives, the same on every run, and makes the directories around the data.
func (h *home) settle(ctx context.Context, b binaries) (place, error) {
	p := place{base: h.dir}
	kept, outside := h.location()
	if outside {
		p.base = kept
		if err := h.claim(kept); err != nil {
			return place{}, err
		}
	}
	var err error
	if p.cred, err = serverUser(p.data()); err != nil {
		return place{}, err
	}
	if p.cred != nil && !outside {
		if p.base, err = h.base(ctx, b, p.cred); err != nil {
			return place{}, err
		}
	}
	if p.base != h.dir {
		slog.InfoContext(ctx, "devstack: Postgres cannot reach the data directory as the user it runs as; its part is kept outside", "dir", h.dir, "outside", p.base)
	}
	p.sockets, err = socketDir(b, p.base, p.cred)
	return p, err
}

// serverUser is nil for ordinary users. For root it is whoever the data belongs to, and for data that is yet to be made the user postgres
// where there is one, else nobody.
func serverUser(data string) (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	if info, err := os.Lstat(data); err == nil && info.IsDir() {
		if stat, ok := info.Sys().(*syscall.Stat_t); ok && stat.Uid != 0 {
			return &syscall.Credential{Uid: stat.Uid, Gid: stat.Gid}, nil
		}
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil && uid != 0 {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
		}
	}
	return nil, errors.New("devstack: Postgres does not run as root, and there is no user postgres or nobody to run it as")
}

// base is, for root, the home itself where the server's user can reach it, else a place outside.
func (h *home) base(ctx context.Context, b binaries, cred *syscall.Credential) (string, error) {
	data := place{base: h.dir}.data()
	_ = os.Remove(data) // works on an empty directory only
	err := os.Mkdir(data, 0o700)
	if err == nil {
		err = os.Chown(data, int(cred.Uid), int(cred.Gid))
	}
	kept := errors.Is(err, fs.ErrExist)
	if err != nil && !kept {
		return "", fmt.Errorf("devstack: Postgres directory: %w", err)
	}
	if reachable(b, data, cred) == nil {
		return h.dir, nil
	}
	if kept {
		return "", fmt.Errorf("devstack: user id %d cannot reach %s any more: a directory above it was closed to others", cred.Uid, data)
	}
	if err := os.Remove(data); err != nil {
		return "", fmt.Errorf("devstack: Postgres directory: %w", err)
	}
	return h.moveOutside(ctx, b, cred)
}

// reachable runs a harmless command as the server's user inside dir: the kernel's own answer to whether it can work there.
func reachable(b binaries, dir string, cred *syscall.Credential) error {
	cmd := exec.Command(b.path("postgres"), "--version")
	cmd.Dir = dir
	cmd.Env = childEnv()
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: cred}
	return run(context.Background(), cmd)
}

// ownDirectory checks that path is a directory, not a link to one, that belongs to uid and that nobody else may write to.
func ownDirectory(path string, uid int) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() || int(stat.Uid) != uid || info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("%s is not a directory of user id %d alone", path, uid)
	}
	return nil
}

// socketDir is a 0700 directory short enough for the address of a unix socket: beside the data, else named after it under a temporary
// directory. Whoever can reach it is trusted by Postgres.
func socketDir(b binaries, base string, cred *syscall.Credential) (string, error) {
	var problems []error
	for _, dir := range socketDirs(base) {
		if len(filepath.Join(dir, ".s.PGSQL.65535")) > socketPathMax {
			continue
		}
		err := makeSocketDir(b, dir, cred)
		if err == nil {
			return dir, nil
		}
		problems = append(problems, err)
	}
	return "", fmt.Errorf("devstack: no directory for the database's socket: %w", errors.Join(problems...))
}

// makeSocketDir makes dir for the server's user, or takes it as it is when it is that user's alone.
func makeSocketDir(b binaries, dir string, cred *syscall.Credential) error {
	uid, gid := os.Geteuid(), os.Getegid()
	if cred != nil {
		uid, gid = int(cred.Uid), int(cred.Gid)
	}
	err := os.Mkdir(dir, 0o700)
	if err == nil {
		err = os.Chown(dir, uid, gid)
	} else if errors.Is(err, fs.ErrExist) {
		err = nil
	}
	if err != nil {
		return err
	}
	if err := ownDirectory(dir, uid); err != nil {
		return err
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return err
	}
	if cred == nil {
		return nil
	}
	if err := reachable(b, dir, cred); err != nil {
		_ = os.Remove(dir)
		return fmt.Errorf("user id %d cannot reach %s: %w", uid, dir, err)
	}
	return nil
}

// socketDirs are the candidates for a base, the best first.
func socketDirs(base string) []string {
	name := "bonfire-run-" + shortHash(base)
	return []string{filepath.Join(base, "run"), filepath.Join(os.TempDir(), name), filepath.Join("/tmp", name)}
}

func shortHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:8])
}

// childEnv is the whole environment of a child: nothing of ours, least of all PG* and AWS_* settings, changes what it does.
func childEnv() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC", "TMPDIR=" + os.TempDir()}
}
