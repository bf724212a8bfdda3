package sender

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// note is what must be remembered to go on with an upload: where it is and the
// capability to write to it. It says nothing of the patient.
type note struct {
	Upload    string      `json:"upload"`
	URL       string      `json:"url"`
	Headers   [][2]string `json:"headers"`
	ChunkSize int64       `json:"chunkSize"`
	SHA256    string      `json:"sha256"`
}

// memory is a note's file, readable by its owner only: it holds a credential.
// An empty path remembers nothing.
type memory struct{ path string }

// remember is the memory of one job on one state of a file. Name, patient and
// server are part of a digest only.
func remember(dir string, parts ...any) memory {
	if dir == "" {
		return memory{}
	}
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%v\x00", p)
	}
	return memory{filepath.Join(dir, "uploads", hex.EncodeToString(h.Sum(nil)[:16])+".json")}
}

// recall reads the note; false when there is none, or none that can be used.
func (m memory) recall() (note, bool) {
	var n note
	if m.path == "" {
		return n, false
	}
	text, err := os.ReadFile(m.path)
	if err != nil || json.Unmarshal(text, &n) != nil || n.URL == "" {
		return note{}, false
	}
	return n, true
}

// keep writes the note, whole or not at all.
func (m memory) keep(n note) error {
	if m.path == "" {
		return nil
	}
	text, err := json.Marshal(n)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(m.path), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(m.path+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(m.path+".new", m.path)
}

// forget removes the note.
func (m memory) forget() error {
	if m.path == "" {
		return nil
	}
	if err := os.Remove(m.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
