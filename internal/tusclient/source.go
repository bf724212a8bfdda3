package tusclient

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// Source is what is to be sent.
type Source interface {
	// Size is the length in bytes, -1 while it is not known.
	Size() int64
	// Chunk gives up to n bytes from offset off, and whether they are the
	// last ones. Offsets only go back to bytes that were not acknowledged.
	Chunk(off, n int64) (body io.Reader, size int64, last bool, err error)
}

// File is a Source of size bytes that can be read anywhere.
func File(r io.ReaderAt, size int64) Source { return file{r, size} }

type file struct {
	r    io.ReaderAt
	size int64
}

func (f file) Size() int64 { return f.size }

func (f file) Chunk(off, n int64) (io.Reader, int64, bool, error) {
	n = min(n, f.size-off)
	return io.NewSectionReader(f.r, off, n), n, off+n == f.size, nil
}

// Stream is a Source of bytes that come once and end sometime. It keeps one
// chunk in memory, so that what was not acknowledged can be sent again.
func Stream(r io.Reader) Source { return &stream{r: bufio.NewReader(r), size: -1} }

type stream struct {
	r     *bufio.Reader
	start int64 // offset of the first byte in chunk
	chunk []byte
	size  int64 // -1 until the end was seen
}

// errGone: the server fell back behind bytes it had acknowledged.
var errGone = errors.New("the server asks for bytes it had acknowledged, and a stream can't go back")

func (s *stream) Size() int64 { return s.size }

func (s *stream) Chunk(off, n int64) (io.Reader, int64, bool, error) {
	end := s.start + int64(len(s.chunk))
	switch {
	case off < s.start || off > end:
		return nil, 0, false, errGone
	case off == end && s.size < 0:
		if err := s.read(off, n); err != nil {
			return nil, 0, false, err
		}
	}
	rest := s.chunk[off-s.start:]
	return bytes.NewReader(rest), int64(len(rest)), s.size >= 0, nil
}

// read takes the next chunk in, and looks one byte ahead for the end.
func (s *stream) read(off, n int64) error {
	if int64(cap(s.chunk)) < n {
		s.chunk = make([]byte, n)
	}
	got, err := io.ReadFull(s.r, s.chunk[:n])
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	s.start, s.chunk = off, s.chunk[:got]
	_, err = s.r.Peek(1)
	switch {
	case errors.Is(err, io.EOF):
		s.size = off + int64(got)
	case err != nil:
		return err
	}
	return nil
}
