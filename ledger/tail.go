package ledger

import (
	"cmp"
	"context"
	"fmt"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/store"
)

// loadTails reads back the committed bytes [from, to), which no part holds yet.
func (s *Session) loadTails(ctx context.Context, from, to int64) (*rope, error) {
	r := newRope(s.e.o.Budget)
	if from == to {
		return r, nil
	}
	tails, err := s.e.o.Store.Tails(ctx, s.lease)
	for at := from; err == nil && at < to; {
		run, end := runFrom(tails, at)
		switch {
		case end == at || end > to:
			err = clinical.Fail(clinical.Internal, "internal error", fmt.Errorf("tails end at %d, not %d", at, to))
		case run.ScratchKey != "":
			err = s.loadScratch(ctx, r, run)
		default:
			err = s.loadRows(ctx, r, at, end)
		}
		at = end
	}
	if err != nil {
		r.free()
		return nil, err
	}
	return r, nil
}

// runFrom finds what can be read at once from an offset on: one scratch object,
// or all rows that follow one another. end is at when there is nothing.
func runFrom(tails []store.Tail, at int64) (first store.Tail, end int64) {
	end = at
	for _, t := range tails {
		switch {
		case t.Offset < at:
			continue
		case t.Offset != end:
			return first, end
		case end == at:
			first = t
		case t.ScratchKey != "" || first.ScratchKey != "":
			return first, end
		}
		end += t.Size
	}
	return first, end
}

func (s *Session) loadRows(ctx context.Context, r *rope, from, to int64) error {
	kept := r.size
	var failed error
	again := func() { failed = r.cut(kept) }
	err := s.e.o.Store.TailBytes(ctx, s.lease, from, to, again, func(p []byte) error { return cmp.Or(failed, r.add(p)) })
	if err != nil {
		return err
	}
	if r.size != kept+to-from {
		return clinical.Fail(clinical.Internal, "internal error", fmt.Errorf("%d bytes of tails, not %d", r.size-kept, to-from))
	}
	return nil
}

func (s *Session) loadScratch(ctx context.Context, r *rope, t store.Tail) error {
	if own := s.e.o.Budget.recent.take(t.ScratchKey); own != nil {
		defer own.free()
		return r.join(own)
	}
	src, err := s.e.o.Bucket.Get(ctx, t.ScratchKey, 0, t.Size)
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }()
	end := r.size + t.Size
	if err := r.fill(src, end); r.size != end {
		return clinical.Fail(clinical.Unavailable, "storage does not answer, try again", err)
	}
	return nil
}
