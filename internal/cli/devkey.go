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

	"github.com/bonfiredb/bonfire/signing"
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
	text, err := keyFile(dir, "dev.key", func() ([]byte, error) {
		var key [32]byte
		_, _ = rand.Read(key[:]) // never fails; see crypto/rand
		return []byte(hex.EncodeToString(key[:]) + "\n"), nil
	})
	if err != nil {
		return nil, fmt.Errorf("the key of development tokens: %w", err)
	}
	return []byte(strings.TrimSpace(string(text))), nil
}

// signingKeys is where the key that seals notes is in development: the file
// signing.pem of the data directory, made on first use. So a note stays
// verifiable for every server on the same data.
func signingKeys(dir string) (string, error) {
	if _, err := keyFile(dir, "signing.pem", signing.GenerateKey); err != nil {
		return "", fmt.Errorf("the key that seals notes: %w", err)
	}
	return filepath.Abs(filepath.Join(dir, "signing.pem"))
}

// keyFile reads a key of the data directory, and makes it where there is none.
func keyFile(dir, name string, fresh func() ([]byte, error)) ([]byte, error) {
	path := filepath.Join(dir, name)
	for {
		text, err := os.ReadFile(path)
		if !errors.Is(err, fs.ErrNotExist) {
			return text, err
		}
		key, err := fresh()
		if err != nil {
			return nil, err
		}
		if err := writeKey(dir, path, key); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	}
}

// writeKey writes a new key, whole; fs.ErrExist when another process was quicker.
func writeKey(dir, path string, key []byte) error {
	mode := fs.FileMode(0o700)
	if os.Geteuid() == 0 {
		mode = 0o711 // Postgres runs as another user then and passes through
	}
	if err := os.MkdirAll(dir, mode); err != nil {
		return err
	}
	draft, err := os.CreateTemp(dir, filepath.Base(path)+".*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(draft.Name())
	_, err = draft.Write(key)
	if err := errors.Join(err, draft.Close()); err != nil {
		return err
	}
	return os.Link(draft.Name(), path) // unlike a rename, it does not replace another's
}
