//go:build unix && !nodevstack

package devstack

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Postgres refuses to run as root, so as root it runs as somebody else, and that somebody may be unable to pass through the directories
// above the data (a clone under /root). The cluster then lives outside, under outsideRoot; two small files tie the two together:
// "location" in the data directory names the place outside, and "stack-of" outside names the data directory.
const (
	outsideRoot  = "/var/tmp" // survives a restart of the machine
	locationFile = "location"
	ownerFile    = "stack-of"
)

// location reads the file of that name.
func (h *home) location() (string, bool) {
	raw, err := os.ReadFile(filepath.Join(h.dir, locationFile))
	outside := strings.TrimSpace(string(raw))
	return outside, err == nil && outside != ""
}

// outside is the place outside that belongs to this home by name.
func (h *home) outside() string { return filepath.Join(outsideRoot, "bonfire-"+shortHash(h.dir)) }

// moveOutside makes the place outside. One that is there already, while the home has no location file, belonged to a home of the same name
// whose bucket and secrets were deleted: what is left of it is of no use to anybody and is removed.
func (h *home) moveOutside(ctx context.Context, b binaries, cred *syscall.Credential) (string, error) {
	outside := h.outside()
	if owner, err := readOwner(outside); err == nil && owner == h.dir {
		if err := removeOutside(ctx, outside); err != nil {
			return "", err
		}
	}
	if err := makeOutside(outside, h.dir); err != nil {
		return "", err
	}
	if err := reachable(b, outside, cred); err != nil {
		_ = os.RemoveAll(outside)
		return "", fmt.Errorf("devstack: user id %d can reach neither %s nor %s: %w", cred.Uid, h.dir, outside, err)
	}
	if err := os.WriteFile(filepath.Join(h.dir, locationFile), []byte(outside+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("devstack: place for the database outside %s: %w", h.dir, err)
	}
	return outside, nil
}

func makeOutside(outside, owner string) error {
	err := os.Mkdir(outside, 0o711) // not MkdirAll: what is there already is not ours
	if err == nil {
		err = os.Chmod(outside, 0o711) // whatever the umask
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(outside, ownerFile), []byte(owner+"\n"), 0o600)
	}
	if err != nil {
		return fmt.Errorf("devstack: place for the database outside %s: %w", owner, err)
	}
	return nil
}

// claim checks that the place outside belongs to this home. A home that was moved takes its place along; a copy does not.
func (h *home) claim(outside string) error {
	owner, err := readOwner(outside)
	if err != nil {
		return fmt.Errorf("devstack: the database of %s should be in %s: %w; make clean starts afresh", h.dir, outside, err)
	}
	if owner == h.dir {
		return nil
	}
	if _, err := os.Stat(owner); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("devstack: %s is a copy: the database in %s belongs to %s; remove the copy", h.dir, outside, owner)
	}
	return os.WriteFile(filepath.Join(outside, ownerFile), []byte(h.dir+"\n"), 0o600)
}

// readOwner reads which home a place outside belongs to. outsideRoot is open to everybody: what another user put there is not ours.
func readOwner(outside string) (string, error) {
	if err := ownDirectory(outside, os.Geteuid()); err != nil {
		return "", err
	}
	raw, err := os.ReadFile(filepath.Join(outside, ownerFile))
	return strings.TrimSpace(string(raw)), err
}
