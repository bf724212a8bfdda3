package adopt

import (
	"bufio"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
)

// maxText bounds a JSON string that is not a document's bytes.
const maxText = 16 << 20

// Data are the decoded bytes of one base64 string, in a file of their own.
type Data struct {
	Path         string
	Size         int64
	SHA256, SHA1 []byte
	Err          error // what is wrong with the base64; nil when nothing is
}

// split copies JSON to skeleton with every string under a key "data" decoded to
// a file in dir, and its number in its place. Memory does not grow with their
// size: a recording of gigabytes never stands in it.
func split(in io.Reader, skeleton io.Writer, dir string) ([]Data, error) {
	s := &splitter{in: bufio.NewReaderSize(in, 256<<10), out: bufio.NewWriter(skeleton), dir: dir}
	for {
		b, err := s.in.ReadByte()
		if errors.Is(err, io.EOF) {
			return s.data, s.out.Flush()
		}
		if err != nil {
			return nil, err
		}
		if err := s.next(b); err != nil {
			return nil, err
		}
	}
}

type splitter struct {
	in    *bufio.Reader
	out   *bufio.Writer
	dir   string
	data  []Data
	last  string // the last string, as far as it could be a key
	value bool   // a value comes: what was last is its key
}

func (s *splitter) next(b byte) error {
	switch {
	case b == '"' && s.value && s.last == "data":
		s.value = false
		d, err := s.decode()
		if err != nil {
			return err
		}
		s.data = append(s.data, d)
		_, err = fmt.Fprintf(s.out, `"%d"`, len(s.data)-1)
		return err
	case b == '"':
		s.value = false
		return s.text()
	case b == ':':
		s.value = true
	case b != ' ' && b != '\n' && b != '\r' && b != '\t':
		s.value = false
	}
	return s.out.WriteByte(b)
}

// text copies a string whose first quote was read.
func (s *splitter) text() error {
	_ = s.out.WriteByte('"') // errors of a bufio.Writer stay
	var key []byte
	for n := 0; ; n++ {
		b, err := s.in.ReadByte()
		if err != nil {
			return unexpected(err)
		}
		if n > maxText {
			return fmt.Errorf("a text of more than %d bytes", maxText)
		}
		if b == '"' {
			s.last = string(key)
			return s.out.WriteByte('"')
		}
		_ = s.out.WriteByte(b)
		if len(key) < 16 {
			key = append(key, b)
		}
		if b == '\\' {
			if b, err = s.in.ReadByte(); err != nil {
				return unexpected(err)
			}
			_ = s.out.WriteByte(b)
		}
	}
}

// decode writes the bytes of a base64 string, whose first quote was read, to a file.
func (s *splitter) decode() (d Data, err error) {
	f, err := os.CreateTemp(s.dir, "data-*") // mode 0600
	if err != nil {
		return d, err
	}
	d.Path = f.Name()
	sum, old := sha256.New(), sha1.New()
	in := &encoded{in: s.in}
	d.Size, d.Err = io.Copy(io.MultiWriter(f, sum, old), base64.NewDecoder(base64.StdEncoding, in))
	if in.err != nil {
		return d, errors.Join(in.err, f.Close())
	}
	if _, err := io.Copy(io.Discard, in); err != nil { // the rest of what could not be decoded
		return d, errors.Join(err, f.Close())
	}
	d.SHA256, d.SHA1 = sum.Sum(nil), old.Sum(nil)
	return d, f.Close()
}

// encoded reads a JSON string up to its last quote, without white space.
type encoded struct {
	in   *bufio.Reader
	done bool
	err  error // of the reader beneath, which base64 has no words for
}

// Read implements io.Reader.
func (e *encoded) Read(p []byte) (n int, err error) {
	for n < len(p) && !e.done {
		b, err := e.in.ReadByte()
		if err == nil && b == '\\' {
			if b, err = e.in.ReadByte(); b != '/' {
				b = ' ' // an escaped line break
			}
		}
		if err != nil {
			e.err = unexpected(err)
			return n, e.err
		}
		switch b {
		case '"':
			e.done = true
		case ' ', '\n', '\r', '\t':
		default:
			p[n] = b
			n++
		}
	}
	if n == 0 && e.done {
		return 0, io.EOF
	}
	return n, nil
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
