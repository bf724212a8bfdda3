//go:build unix && !nodevstack

package devstack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// An orphan is a server whose program was killed. On Linux the kernel asks it to stop at that moment, elsewhere it may live on; either way
// the next Start waits for its end, and helps. The caller holds the home's lock, so no living program owns the server.

const pidFile = "postmaster.pid"

// postmaster reads the pid file of a cluster: line 1 is the pid, line 8 the status. A missing or half-written file has pid 0.
// https://www.postgresql.org/docs/current/storage-file-layout.html
func postmaster(data string) (pid int, status string) {
	raw, err := os.ReadFile(filepath.Join(data, pidFile))
	if err != nil {
		return 0, ""
	}
	lines := strings.Split(string(raw), "\n")
	if pid, err = strconv.Atoi(strings.TrimSpace(lines[0])); err != nil || pid < 1 {
		return 0, ""
	}
	if len(lines) >= 8 {
		status = strings.TrimSpace(lines[7])
	}
	return pid, status
}

// isPostmaster says whether pid is a living postmaster of this very data directory, and not a stranger who was given the same number.
func isPostmaster(pid int, data string) bool {
	line := commandLine(pid)
	return strings.Contains(line, "postgres") && strings.Contains(line+" ", " -D "+data+" ")
}

// stopOrphan ends the postmaster that the pid file names, if there is one, and clears a file that names somebody else: Postgres looks only
// at whether the pid is alive and would refuse to start (a zombie that no init reaps is "alive", too).
func stopOrphan(ctx context.Context, data string) error {
	pid, _ := postmaster(data)
	if pid == 0 {
		return nil
	}
	for _, s := range []step{{syscall.SIGINT, 10 * time.Second}, {syscall.SIGQUIT, 5 * time.Second}, {syscall.SIGKILL, 5 * time.Second}} {
		if !isPostmaster(pid, data) {
			break
		}
		if err := syscall.Kill(pid, s.signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("devstack: stop the Postgres (pid %d) that an earlier run left behind: %w", pid, err)
		}
		if err := waitUntil(ctx, s.patience, func() bool { return !isPostmaster(pid, data) }); err == nil {
			break
		} else if ctx.Err() != nil {
			return fmt.Errorf("devstack: stop the Postgres (pid %d) that an earlier run left behind: %w", pid, err)
		}
	}
	if isPostmaster(pid, data) {
		return fmt.Errorf("devstack: the Postgres (pid %d) that an earlier run left behind does not end", pid)
	}
	if still, _ := postmaster(data); still == pid {
		if err := os.Remove(filepath.Join(data, pidFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("devstack: clear the pid file: %w", err)
		}
	}
	return nil
}

// stopOrphans ends both servers that an earlier run of this home may have left behind.
func (h *home) stopOrphans(ctx context.Context) error {
	bases := []string{h.dir}
	if outside, ok := h.location(); ok {
		bases = append(bases, outside)
	}
	for _, base := range bases {
		if err := stopOrphan(ctx, place{base: base}.data()); err != nil {
			return err
		}
	}
	return h.awaitS3Orphan(ctx)
}

// awaitS3Orphan waits for the server of a program that was killed: it ends with the end of its input. One that does not is killed. Its lock
// proves that it lives, the lock's file says which process it is.
func (h *home) awaitS3Orphan(ctx context.Context) error {
	path := filepath.Join(h.dir, s3Lock)
	free := func() bool {
		f, err := lockPath(path)
		if err != nil {
			return false
		}
		unlock(f)
		return true
	}
	if waitUntil(ctx, 3*time.Second, free) == nil {
		return nil
	}
	if pid, err := readPID(path); err == nil {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	if err := waitUntil(ctx, 3*time.Second, free); err != nil {
		return fmt.Errorf("devstack: an S3 server of an earlier run still holds %s: %w", path, err)
	}
	return nil
}

func readPID(path string) (int, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, 32))
	if err != nil {
		return 0, err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(raw)))
	if err == nil && pid < 2 {
		err = errors.New("no pid in it")
	}
	return pid, err
}

var errPatience = errors.New("patience ran out")

// waitUntil polls: the processes it waits for are not our children, and a pid file cannot be waited for either.
func waitUntil(ctx context.Context, patience time.Duration, done func() bool) error {
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if done() {
			return nil
		}
		if time.Now().After(deadline) {
			return errPatience
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
