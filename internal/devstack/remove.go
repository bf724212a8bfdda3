//go:build unix && !nodevstack

package devstack

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Remove deletes everything that a stack made in dir and, where its database lives elsewhere, there; then dir itself when nothing else is
// in it. It fails with ErrInUse while a stack runs on dir. Servers whose program died are stopped first. A dir that is not there is no error.
func Remove(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, factsFile)); errors.Is(err, fs.ErrNotExist) {
		return removeEmpty(dir) // no stack was ever here: whatever else the directory holds is not ours
	}
	h, err := openHome(dir)
	if err != nil {
		return err
	}
	if err := h.hold(); err != nil {
		return err
	}
	defer h.letGo()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := h.stopOrphans(ctx); err != nil {
		return err
	}
	if outside, ok := h.location(); ok {
		if owner, err := readOwner(outside); err == nil && owner == h.dir {
			if err := removeOutside(ctx, outside); err != nil {
				return err
			}
		}
	}
	if err := removeSockets(h.dir); err != nil {
		return err
	}
	// The lock goes last, so that whoever waits for it finds an empty house.
	for _, name := range []string{"postgres", "postgres.new", "run", "s3", s3Lock, "postgres.log", "postgres.log.old", "s3.log", "s3.log.old",
		factsFile, factsFile + ".new", locationFile, lockFile} {
		if err := os.RemoveAll(filepath.Join(h.dir, name)); err != nil {
			return fmt.Errorf("devstack: remove: %w", err)
		}
	}
	return removeEmpty(h.dir)
}

// removeEmpty deletes a directory that is there and holds nothing.
func removeEmpty(dir string) error {
	err := os.Remove(dir)
	if err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTEMPTY) || errors.Is(err, fs.ErrExist) {
		return nil
	}
	return fmt.Errorf("devstack: remove: %w", err)
}

// removeOutside deletes a place outside that its owner file has shown to be ours.
func removeOutside(ctx context.Context, outside string) error {
	if err := stopOrphan(ctx, place{base: outside}.data()); err != nil {
		return err
	}
	if err := removeSockets(outside); err != nil {
		return err
	}
	if err := os.RemoveAll(outside); err != nil {
		return fmt.Errorf("devstack: remove: %w", err)
	}
	return nil
}

// removeSockets deletes the socket directories of a base; under a temporary directory only one that is ours.
func removeSockets(base string) error {
	uids := []int{os.Geteuid()}
	if cred, err := serverUser(place{base: base}.data()); err == nil && cred != nil {
		uids = append(uids, int(cred.Uid))
	}
	for _, dir := range socketDirs(base) {
		for _, uid := range uids {
			if ownDirectory(dir, uid) != nil {
				continue
			}
			if err := os.RemoveAll(dir); err != nil {
				return fmt.Errorf("devstack: remove: %w", err)
			}
		}
	}
	return nil
}
