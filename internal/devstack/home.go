//go:build unix && !nodevstack

package devstack

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// home is a data directory: its lock, and the facts that must outlive a run. Servers that share a home share its lock.
type home struct {
	dir string // absolute, symbolic links resolved

	mu      sync.Mutex
	lock    *os.File
	holders int
	facts   facts
}

// facts are what a stack generates once and uses again; devstack.json, readable by its owner only.
type facts struct {
	AccessKey     string `json:"accessKey"`
	SecretKey     string `json:"secretKey"`
	OwnerPassword string `json:"ownerPassword"`
	AppPassword   string `json:"appPassword"`
	S3Port        int    `json:"s3Port,omitempty"`
	PGPort        int    `json:"pgPort,omitempty"`
	Prepared      string `json:"prepared,omitempty"` // digest of the SQL that made roles and database
}

const (
	lockFile  = "lock"
	factsFile = "devstack.json"
)

// openHome makes the directory when it is missing. As root it is 0711, since another user's Postgres must pass through it; what is secret
// in it is 0600. A directory that already holds something keeps its mode.
func openHome(dir string) (*home, error) {
	if dir == "" {
		return nil, errors.New("devstack: no data directory named")
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("devstack: data directory: %w", err)
	}
	mode := fs.FileMode(0o700)
	if os.Geteuid() == 0 {
		mode = 0o711
	}
	if err := os.MkdirAll(abs, mode); err != nil {
		return nil, fmt.Errorf("devstack: make the data directory: %w", err)
	}
	if abs, err = filepath.EvalSymlinks(abs); err != nil {
		return nil, fmt.Errorf("devstack: data directory: %w", err)
	}
	entries, err := os.ReadDir(abs)
	if err != nil {
		return nil, fmt.Errorf("devstack: data directory: %w", err)
	}
	if len(entries) == 0 {
		if err := os.Chmod(abs, mode); err != nil {
			return nil, fmt.Errorf("devstack: data directory: %w", err)
		}
	}
	return &home{dir: abs}, nil
}

// hold locks the directory for this program, or counts one more holder; it fails with ErrInUse. The first hold reads the facts.
func (h *home) hold() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.holders == 0 {
		lock, err := lockPath(filepath.Join(h.dir, lockFile))
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return fmt.Errorf("devstack: %s %w: stop it first, or name another data directory", h.dir, ErrInUse)
		}
		if err != nil {
			return fmt.Errorf("devstack: lock the data directory: %w", err)
		}
		h.lock = lock
		if err := h.readFacts(); err != nil {
			unlock(lock)
			return err
		}
	}
	h.holders++
	return nil
}

// letGo undoes one hold.
func (h *home) letGo() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.holders--; h.holders == 0 {
		unlock(h.lock)
	}
}

// lockPath takes the lock that belongs to the path. The file may be deleted between open and lock (Remove does that), and a lock on a
// deleted file keeps nobody out; so it looks again.
func lockPath(path string) (*os.File, error) {
	for {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, err
		}
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			f.Close()
			return nil, err
		}
		mine, err := f.Stat()
		if now, statErr := os.Stat(path); err == nil && statErr == nil && os.SameFile(mine, now) {
			return f, nil
		}
		unlock(f)
	}
}

// unlock gives a lock back. To close the file is not enough: a child that another goroutine is forking has a copy of the descriptor until it
// has become its own program, and the lock would live as long.
func unlock(f *os.File) {
	_ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN)
	f.Close()
}

// readFacts reads devstack.json, or makes it with fresh secrets.
func (h *home) readFacts() error {
	raw, err := os.ReadFile(filepath.Join(h.dir, factsFile))
	if err == nil {
		if err := json.Unmarshal(raw, &h.facts); err != nil {
			return fmt.Errorf("devstack: %s is damaged: %w", filepath.Join(h.dir, factsFile), err)
		}
		return nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("devstack: read secrets: %w", err)
	}
	h.facts = facts{
		AccessKey:     "bonfire-" + randomHex(6),
		SecretKey:     randomHex(20),
		OwnerPassword: randomHex(16),
		AppPassword:   randomHex(16),
	}
	return h.writeFacts()
}

// note changes the facts and writes them down.
func (h *home) note(change func(*facts)) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	before := h.facts
	change(&h.facts)
	if h.facts == before {
		return nil
	}
	return h.writeFacts()
}

func (h *home) known() facts {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.facts
}

// writeFacts replaces the file in one step, so that a crash leaves the old or the new one.
func (h *home) writeFacts() error {
	raw, err := json.MarshalIndent(h.facts, "", "  ")
	if err != nil {
		return fmt.Errorf("devstack: write secrets: %w", err)
	}
	path := filepath.Join(h.dir, factsFile)
	if err := os.WriteFile(path+".new", append(raw, '\n'), 0o600); err != nil {
		return fmt.Errorf("devstack: write secrets: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("devstack: write secrets: %w", err)
	}
	return nil
}

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails; see crypto/rand
	return hex.EncodeToString(b)
}
