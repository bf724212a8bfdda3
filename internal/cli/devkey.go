package cli

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// dataDir is where `serve --dev` and `devstack` keep their data by default.
const dataDir = ".data"

// devKey is the key of development tokens: BONFIRE_DEV_KEY, or the file dev.key
// of the data directory, which is made on first use. So a token stays valid for
// every server on the same data.
func (p *program) devKey(dir string) ([]byte, error) {
	if key := p.vars["BONFIRE_DEV_KEY"]; key != "" {
		return []byte(key), nil
	}
	path := filepath.Join(dir, "dev.key")
	for {
		text, err := os.ReadFile(path)
		if err == nil {
			return []byte(strings.TrimSpace(string(text))), nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("the key of development tokens: %w", err)
		}
		if err := makeKey(dir, path); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("the key of development tokens: %w", err)
		}
	}
}

// makeKey writes a new key, whole; fs.ErrExist when another process was quicker.
func makeKey(dir, path string) error {
	mode := fs.FileMode(0o700)
	if os.Geteuid() == 0 {
		mode = 0o711 // Postgres runs as another user then and passes through
	}
	if err := os.MkdirAll(dir, mode); err != nil {
		return err
	}
	var key [32]byte
	_, _ = rand.Read(key[:])                      // never fails; see crypto/rand
	draft, err := os.CreateTemp(dir, "dev.key.*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(draft.Name())
	_, err = draft.WriteString(hex.EncodeToString(key[:]) + "\n")
	if err := errors.Join(err, draft.Close()); err != nil {
		return err
	}
	return os.Link(draft.Name(), path) // unlike a rename, it does not replace another's
}
