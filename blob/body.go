package blob

import (
	"errors"
	"io"
)

// Body is what is to be stored: bytes that can be read again, with their
// length and checksum known beforehand. A call reads it from its beginning,
// once per attempt, and never after it has returned, so its memory may then
// be reused. A Body serves one call at a time. One that implements io.WriterTo
// goes to the network without another copy.
type Body interface {
	io.ReadSeeker
	// Size is the length in bytes.
	Size() int64
	// CRC32C is the CRC32C of all bytes.
	CRC32C() uint32
}

// BytesBody is a Body over blocks of memory, set end to end without copying.
func BytesBody(blocks [][]byte) Body {
	r := &rope{blocks: blocks}
	for _, b := range blocks {
		r.size += int64(len(b))
		r.crc = UpdateCRC32C(r.crc, b)
	}
	return r
}

// ReaderAtBody is a Body over the first size bytes of r, a file for example,
// of which crc is the CRC32C.
func ReaderAtBody(r io.ReaderAt, size int64, crc uint32) Body {
	return section{io.NewSectionReader(r, 0, size), crc}
}

type section struct {
	*io.SectionReader
	crc uint32
}

func (s section) CRC32C() uint32 { return s.crc }

// rope reads blocks one after another.
type rope struct {
	blocks [][]byte
	size   int64
	crc    uint32

	pos   int64 // from the beginning
	block int   // the block that holds pos, and
	start int64 // where it begins
}

func (r *rope) Size() int64    { return r.size }
func (r *rope) CRC32C() uint32 { return r.crc }

// Read fills as much of p as there are bytes, across blocks: short reads
// would become short writes to the network.
func (r *rope) Read(p []byte) (n int, err error) {
	for n < len(p) && r.block < len(r.blocks) {
		b := r.blocks[r.block]
		if in := r.pos - r.start; in < int64(len(b)) {
			m := copy(p[n:], b[in:])
			n += m
			r.pos += int64(m)
			continue
		}
		r.start += int64(len(b))
		r.block++
	}
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// WriteTo implements io.WriterTo.
func (r *rope) WriteTo(w io.Writer) (n int64, err error) {
	for err == nil && r.block < len(r.blocks) {
		b := r.blocks[r.block]
		if in := r.pos - r.start; in < int64(len(b)) {
			var m int
			m, err = w.Write(b[in:])
			n += int64(m)
			r.pos += int64(m)
			continue
		}
		r.start += int64(len(b))
		r.block++
	}
	return n, err
}

// Seek finds the block by walking from the first: blocks are few, and the SDK
// seeks twice a request.
func (r *rope) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += r.pos
	case io.SeekEnd:
		offset += r.size
	default:
		return 0, errors.New("blob: seek from nowhere")
	}
	if offset < 0 {
		return 0, errors.New("blob: seek before the beginning")
	}
	r.pos, r.block, r.start = offset, 0, 0
	for r.block < len(r.blocks) && offset-r.start >= int64(len(r.blocks[r.block])) {
		r.start += int64(len(r.blocks[r.block]))
		r.block++
	}
	return offset, nil
}
