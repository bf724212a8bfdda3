package ledger

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/bonfiredb/bonfire/clinical"
)

const (
	firstBlock = 32 << 10  // a live recorder's PATCH fits in one
	laterBlock = 256 << 10 // what a stream is cut into
	spoolGlob  = "bonfire-spool-*"
)

// Budget bounds the memory of all spools together. Past it, spools go to
// temporary files, so that a slow client never keeps another one waiting and
// memory does not grow with the number of clients. What spools leave free keeps
// pieces that are going to be wanted again.
type Budget struct {
	limit  int64
	used   atomic.Int64
	dir    string
	first  sync.Pool
	later  sync.Pool
	spills atomic.Int64
	recent recent
}

// NewBudget allows limit bytes of memory; overflow goes to files in dir (""
// means the system's temporary directory). Files left there by an earlier
// process are removed.
func NewBudget(limit int64, dir string) (*Budget, error) {
	if dir == "" {
		dir = filepath.Join(os.TempDir(), "bonfire-spool")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, clinical.Fail(clinical.Internal, "the spool directory cannot be used", err)
	}
	left, _ := filepath.Glob(filepath.Join(dir, spoolGlob))
	for _, name := range left { // of a process that died between making the name and removing it
		_ = os.Remove(name)
	}
	b := &Budget{limit: limit, dir: dir}
	b.first.New = func() any { s := make([]byte, firstBlock); return &s }
	b.later.New = func() any { s := make([]byte, laterBlock); return &s }
	return b, nil
}

// Used is the memory held by spools now, in bytes.
func (b *Budget) Used() int64 { return b.used.Load() - b.recent.memory() }

// Kept is the memory held by pieces that are wanted again soon, in bytes. Spools
// get it as they need it: it and Used together are within the budget.
func (b *Budget) Kept() int64 { return b.recent.memory() }

// ample reports whether a spool of n bytes would still leave half of the memory
// to others, and be no more than a quarter of it.
func (b *Budget) ample(n int64) bool { return n <= b.limit/4 && b.Used()+n <= b.limit/2 }

// Spills counts the spools that went to a file since the start.
func (b *Budget) Spills() int64 { return b.spills.Load() }

// block hands out a block of memory, or nil when the budget is used up.
func (b *Budget) block(first bool) []byte {
	size, pool := int64(laterBlock), &b.later
	if first {
		size, pool = firstBlock, &b.first
	}
	for {
		used := b.used.Load()
		if used+size <= b.limit {
			if b.used.CompareAndSwap(used, used+size) {
				return *pool.Get().(*[]byte)
			}
		} else if !b.recent.yield() {
			return nil
		}
	}
}

func (b *Budget) release(block []byte) {
	block = block[:cap(block)]
	b.used.Add(-int64(len(block)))
	if len(block) == firstBlock {
		b.first.Put(&block)
	} else {
		b.later.Put(&block)
	}
}

// file opens an overflow file which has no name any more: the kernel removes
// it with the process, however that ends.
func (b *Budget) file() (*os.File, error) {
	f, err := os.CreateTemp(b.dir, spoolGlob)
	if err != nil {
		return nil, clinical.Fail(clinical.Unavailable, "no room to receive right now", err)
	}
	if err := os.Remove(f.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) { // a neighbour may have swept it
		_ = f.Close()
		return nil, clinical.Fail(clinical.Internal, "the spool directory cannot be used", err)
	}
	b.spills.Add(1)
	return f, nil
}
