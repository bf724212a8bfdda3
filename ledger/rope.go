package ledger

import (
	"errors"
	"io"
	"os"

	"github.com/bonfiredb/bonfire/blob"
	"github.com/bonfiredb/bonfire/clinical"
)

// rope holds the bytes of one unit of commit on their way to S3: pooled blocks
// of memory, and a file for what the budget has no room for.
type rope struct {
	budget *Budget
	blocks [][]byte // each filled to its length
	size   int64
	file   *os.File
	inFile int64
	buf    []byte    // of what is read into the file
	seen   *arriving // those who read it while it is filled; usually nil
	crc    uint32    // CRC32C
}

func newRope(b *Budget) *rope { return &rope{budget: b} }

// fill reads from src until the rope holds limit bytes or src ends. It returns
// io.EOF when src ended, nil when the rope is full; what was read before an
// error stays in the rope.
func (r *rope) fill(src io.Reader, limit int64) error {
	for r.size < limit {
		space, err := r.space(limit - r.size)
		if err != nil {
			return err
		}
		n, err := src.Read(space)
		if kept := r.keep(space[:n]); kept != nil {
			return kept
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// space is where the next bytes may be written; keep must follow.
func (r *rope) space(want int64) ([]byte, error) {
	if r.file == nil {
		if n := len(r.blocks); n > 0 {
			if last := r.blocks[n-1]; len(last) < cap(last) {
				return last[len(last):min(int64(cap(last)), int64(len(last))+want)], nil
			}
		}
		if b := r.budget.block(len(r.blocks) == 0); b != nil {
			r.blocks = append(r.blocks, b[:0])
			return b[:min(int64(len(b)), want)], nil
		}
		f, err := r.budget.file()
		if err != nil {
			return nil, err
		}
		r.file, r.buf = f, make([]byte, firstBlock)
	}
	return r.buf[:min(want, firstBlock)], nil
}

func (r *rope) keep(b []byte) error {
	if r.file == nil {
		last := &r.blocks[len(r.blocks)-1]
		*last = (*last)[:len(*last)+len(b)]
	} else {
		if _, err := r.file.WriteAt(b, r.inFile); err != nil {
			return clinical.Fail(clinical.Unavailable, "no room to receive right now", err)
		}
		r.inFile += int64(len(b))
	}
	r.size += int64(len(b))
	r.crc = blob.UpdateCRC32C(r.crc, b) // now the processor has them at hand
	if r.seen != nil {
		r.seen.grew(r, false)
	}
	return nil
}

// add appends a copy of p.
func (r *rope) add(p []byte) error {
	for len(p) > 0 {
		space, err := r.space(int64(len(p)))
		if err != nil {
			return err
		}
		n := copy(space, p)
		if err := r.keep(space[:n]); err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}

// join appends the bytes of q, which is empty afterwards, without copying them
// where both are in memory.
func (r *rope) join(q *rope) error {
	if r.file == nil && q.file == nil {
		r.crc = blob.CombineCRC32C(r.crc, q.crc, q.size)
		r.blocks, r.size = append(r.blocks, q.blocks...), r.size+q.size
		q.blocks, q.size, q.crc = nil, 0, 0
		return nil
	}
	var err error
	if read := q.each(func(p []byte) { err = errors.Join(err, r.add(p)) }); read != nil {
		return read
	}
	return err
}

// cut forgets what comes after the first size bytes.
func (r *rope) cut(size int64) error {
	if size >= r.size {
		return nil
	}
	inBlocks := r.size - r.inFile
	r.size = size
	r.inFile = max(r.size-inBlocks, 0)
	for over := inBlocks - r.size; over > 0; {
		last := len(r.blocks) - 1
		b := r.blocks[last]
		if int64(len(b)) > over {
			r.blocks[last] = b[:int64(len(b))-over]
			break
		}
		over -= int64(len(b))
		r.budget.release(b)
		r.blocks = r.blocks[:last]
	}
	r.crc = 0
	return r.each(func(p []byte) { r.crc = blob.UpdateCRC32C(r.crc, p) })
}

// each calls fn with the rope's bytes in order, piece by piece.
func (r *rope) each(fn func([]byte)) error {
	for _, b := range r.blocks {
		fn(b)
	}
	if r.file == nil {
		return nil
	}
	buf := make([]byte, laterBlock)
	src := io.NewSectionReader(r.file, 0, r.inFile)
	for {
		n, err := src.Read(buf)
		fn(buf[:n])
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return clinical.Fail(clinical.Internal, "the spool cannot be read", err)
		}
	}
}

// head is a copy of at most n leading bytes.
func (r *rope) head(n int) []byte {
	out := make([]byte, 0, n)
	for _, b := range r.blocks {
		out = append(out, b[:min(len(b), n-len(out))]...)
	}
	if r.file != nil && len(out) < n {
		rest := make([]byte, min(int64(n-len(out)), r.inFile))
		got, _ := r.file.ReadAt(rest, 0)
		out = append(out, rest[:got]...)
	}
	return out
}

// held is the memory that the rope takes of the budget, in bytes.
func (r *rope) held() (n int64) {
	for _, b := range r.blocks {
		n += int64(cap(b))
	}
	return n
}

// free gives the memory and the file back. The rope must not be used after.
func (r *rope) free() {
	for _, b := range r.blocks {
		r.budget.release(b)
	}
	r.blocks = nil
	if r.file != nil {
		_ = r.file.Close()
		r.file, r.buf, r.inFile = nil, nil, 0
	}
}
