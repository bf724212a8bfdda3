//go:build unix && !nodevstack

package devstack

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

const (
	excerptSize = 2 << 10  // how much of a log an error message quotes
	journalMax  = 16 << 20 // a larger log is put aside as .old when a server starts
)

// journal is where one start of a child writes: the caller's writer, or a file that the child holds itself, so that its last words are kept
// even when this program dies first. Either way an error message can quote the end of it.
type journal struct {
	file *os.File
	from int64
	ring *ring
}

// openJournal takes w, or the file name in dir when w is nil.
func openJournal(dir, name string, w io.Writer) (*journal, error) {
	if w != nil {
		return &journal{ring: &ring{w: w}}, nil
	}
	path := filepath.Join(dir, name)
	if info, err := os.Stat(path); err == nil && info.Size() > journalMax {
		if err := os.Rename(path, path+".old"); err != nil {
			return nil, fmt.Errorf("devstack: put the log aside: %w", err)
		}
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("devstack: open the log: %w", err)
	}
	from, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("devstack: open the log: %w", err)
	}
	return &journal{file: f, from: from}, nil
}

func (j *journal) writer() io.Writer {
	if j.file != nil {
		return j.file
	}
	return j.ring
}

// excerpt is the end of what was written since the journal was opened.
func (j *journal) excerpt() string {
	if j.file == nil {
		return j.ring.String()
	}
	info, err := j.file.Stat()
	if err != nil {
		return ""
	}
	from := max(j.from, info.Size()-excerptSize)
	b, _ := io.ReadAll(io.NewSectionReader(j.file, from, info.Size()-from))
	return strings.TrimSpace(string(b))
}

// close ends this program's hold on the log; the child keeps its own.
func (j *journal) close() {
	if j.file != nil {
		j.file.Close()
	}
}

// ring passes writes on and remembers the last excerptSize bytes.
type ring struct {
	mu   sync.Mutex
	w    io.Writer
	last []byte
}

func (r *ring) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = append(r.last, b...)
	if extra := len(r.last) - excerptSize; extra > 0 {
		r.last = append(r.last[:0], r.last[extra:]...)
	}
	return r.w.Write(b)
}

func (r *ring) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.TrimSpace(string(r.last))
}

// sharedWriter lets the two servers write to one writer.
type sharedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (s *sharedWriter) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(b)
}
