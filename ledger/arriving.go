package ledger

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"time"
)

const (
	// wakeEvery is how much must have come before those who wait for it are woken.
	wakeEvery = 64 << 10
	// stallTime is how long a request to S3 waits for more bytes: a client that
	// stalls must not hold a connection.
	stallTime = time.Second
)

var (
	errCut     = errors.New("ledger: the body ended before the part was full")
	errStalled = errors.New("ledger: the client stalls")
)

// arriving is a view of a rope that others may read while it is being filled:
// bytes that are there do not change any more.
type arriving struct {
	mu     sync.Mutex
	blocks [][]byte // each as large as it may become
	file   *os.File
	have   int64
	crc    uint32        // of what there is
	over   bool          // no more will come
	more   chan struct{} // closed when have or over has changed
}

func newArriving() *arriving { return &arriving{more: make(chan struct{})} }

// grew shows what the rope holds now. It is called by who fills the rope.
func (a *arriving) grew(r *rope, over bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !over && r.size-a.have < wakeEvery {
		return
	}
	for len(a.blocks) < len(r.blocks) {
		b := r.blocks[len(a.blocks)]
		a.blocks = append(a.blocks, b[:cap(b)])
	}
	a.have, a.crc, a.file, a.over = r.size, r.crc, r.file, over
	close(a.more)
	a.more = make(chan struct{})
}

// now is how many bytes there are, whether they are all, and what is closed when
// that changes.
func (a *arriving) now() (have int64, over bool, more <-chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.have, a.over, a.more
}

// piece is some of the bytes from offset at on, which are there up to have. What
// is in a file is read into buf.
func (a *arriving) piece(at, have int64, buf []byte) ([]byte, error) {
	a.mu.Lock()
	blocks, file := a.blocks, a.file
	a.mu.Unlock()
	start := int64(0)
	for _, b := range blocks {
		if in := at - start; in < int64(len(b)) {
			return b[in:min(int64(len(b)), have-start)], nil
		}
		start += int64(len(b))
	}
	buf = buf[:min(int64(len(buf)), have-at)]
	n, err := file.ReadAt(buf, at-start)
	if n == len(buf) {
		err = nil
	}
	return buf[:n], err
}

// each calls fn with the bytes in order, as they come, until there will be no more.
func (a *arriving) each(fn func([]byte)) error {
	var buf []byte
	for at := int64(0); ; {
		have, over, more := a.now()
		for at < have {
			if buf == nil && a.spilled() {
				buf = make([]byte, laterBlock)
			}
			p, err := a.piece(at, have, buf)
			if err != nil {
				return err
			}
			fn(p)
			at += int64(len(p))
		}
		if over {
			return nil
		}
		<-more
	}
}

func (a *arriving) spilled() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.file != nil
}

// follower reads what arrives, up to size bytes, and waits for it.
type follower struct {
	ctx  context.Context //nolint:containedctx // of the one request that reads it
	a    *arriving
	at   int64
	size int64
	buf  []byte
}

// Read implements io.Reader. It fails when the bytes will not come, or not soon.
func (f *follower) Read(p []byte) (n int, err error) {
	if f.at == f.size {
		return 0, io.EOF
	}
	have, err := f.await()
	if err != nil {
		return 0, err
	}
	for n < len(p) && f.at < have {
		if f.buf == nil && f.a.spilled() {
			f.buf = make([]byte, wakeEvery)
		}
		b, err := f.a.piece(f.at, have, f.buf)
		if err != nil {
			return n, err
		}
		m := copy(p[n:], b)
		n += m
		f.at += int64(m)
	}
	return n, nil
}

// WriteTo implements io.WriterTo.
func (f *follower) WriteTo(w io.Writer) (n int64, err error) {
	for f.at < f.size {
		have, err := f.await()
		if err != nil {
			return n, err
		}
		if f.buf == nil && f.a.spilled() {
			f.buf = make([]byte, wakeEvery)
		}
		b, err := f.a.piece(f.at, have, f.buf)
		if err != nil {
			return n, err
		}
		m, err := w.Write(b)
		n += int64(m)
		f.at += int64(m)
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// CRC32C implements blob.Arriving.
func (f *follower) CRC32C() uint32 {
	f.a.mu.Lock()
	defer f.a.mu.Unlock()
	return f.a.crc
}

// await waits until there are bytes after those read.
func (f *follower) await() (have int64, err error) {
	have, over, more := f.a.now()
	if have > f.at {
		return min(have, f.size), nil
	}
	patience := time.NewTimer(stallTime)
	defer patience.Stop()
	for have <= f.at {
		if over {
			return 0, errCut
		}
		select {
		case <-more:
		case <-patience.C:
			return 0, errStalled
		case <-f.ctx.Done():
			return 0, f.ctx.Err()
		}
		have, over, more = f.a.now()
	}
	return min(have, f.size), nil
}
