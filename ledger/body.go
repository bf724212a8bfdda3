package ledger

import (
	"errors"
	"io"

	"github.com/bonfiredb/bonfire/blob"
)

// body is what one S3 request carries: several ropes, one after the other. It
// implements blob.Body: it can be rewound for a retry, and knows its size and
// checksum before it is sent.
type body struct {
	parts []io.ReaderAt
	ends  []int64 // where each part ends
	at    int64
	crc   uint32
}

func newBody(ropes ...*rope) (*body, error) {
	b := &body{}
	for _, r := range ropes {
		b.crc = blob.CombineCRC32C(b.crc, r.crc, r.size)
		for _, blk := range r.blocks {
			b.add(bytesAt(blk), int64(len(blk)))
		}
		if r.file != nil {
			b.add(r.file, r.inFile)
		}
	}
	return b, nil
}

func (b *body) add(p io.ReaderAt, size int64) {
	if size > 0 {
		b.parts = append(b.parts, p)
		b.ends = append(b.ends, b.Size()+size)
	}
}

// Size is the body's length in bytes.
func (b *body) Size() int64 {
	if len(b.ends) == 0 {
		return 0
	}
	return b.ends[len(b.ends)-1]
}

// CRC32C is the CRC32C of the whole body.
func (b *body) CRC32C() uint32 { return b.crc }

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	start := int64(0)
	for i, end := range b.ends {
		if b.at < end {
			n, err := b.parts[i].ReadAt(p[:min(int64(len(p)), end-b.at)], b.at-start)
			b.at += int64(n)
			if n > 0 || !errors.Is(err, io.EOF) {
				err = nil
			}
			return n, err
		}
		start = end
	}
	return 0, io.EOF
}

// WriteTo implements io.WriterTo: what is in memory is not copied.
func (b *body) WriteTo(w io.Writer) (n int64, err error) {
	start := int64(0)
	for i, end := range b.ends {
		if b.at < end {
			m, err := writePart(w, b.parts[i], b.at-start, end-start)
			b.at += m
			n += m
			if err != nil {
				return n, err
			}
		}
		start = end
	}
	return n, nil
}

func writePart(w io.Writer, p io.ReaderAt, from, to int64) (int64, error) {
	if memory, ok := p.(bytesAt); ok {
		n, err := w.Write(memory[from:to])
		return int64(n), err
	}
	return io.Copy(w, io.NewSectionReader(p, from, to-from))
}

// Seek implements io.Seeker.
func (b *body) Seek(off int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		off += b.at
	case io.SeekEnd:
		off += b.Size()
	}
	if off < 0 {
		return 0, errors.New("ledger: seek before the start")
	}
	b.at = off
	return off, nil
}

// bytesAt reads from memory.
type bytesAt []byte

func (s bytesAt) ReadAt(p []byte, off int64) (int, error) {
	n := copy(p, s[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
