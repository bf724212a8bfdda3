package ledger

import (
	"errors"

	"github.com/bonfiredb/bonfire/blob"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/store"
)

// rowMax is the largest piece put into one row when bytes must wait in Postgres.
const rowMax = 1 * mib

var errEarlier = errors.New("ledger: an earlier piece was not committed")

// before waits until the unit before this one is durable.
func (u *unit) before() error {
	if u.prev == nil {
		return nil
	}
	<-u.prev.done
	if u.prev.err != nil {
		return clinical.Fail(clinical.Unavailable, "the connection ended early", errEarlier)
	}
	return nil
}

// commit makes a unit durable after all before it. When S3 did not take it, its
// bytes may wait in Postgres: a recording survives an outage of S3.
func (f *flow) commit(u *unit, did sent, sendErr error) error {
	if err := u.before(); err != nil {
		return err
	}
	<-f.verdict
	if f.refused != nil {
		return f.refused
	}
	c := store.Unit{From: u.from, To: u.to, HashState: u.state, Sniffed: u.sniffed, Length: f.s.length}
	c.Release = u.last && !u.final
	switch {
	case sendErr != nil && !f.s.mayWait(u, sendErr):
		return sendErr
	case sendErr != nil || u.where == inRow:
		tails, err := rows(u)
		if err != nil {
			return err
		}
		c.Tails = tails
	case u.where == inScratch:
		c.Tails = []store.Tail{{Offset: u.from, Size: u.to - u.from, ScratchKey: did.scratch}}
	case u.where == inPart:
		c.Part = &did.part
	case u.where == inWhole:
		c.Whole = &u.sum
	}
	if err := f.s.commitUnit(f, c); err != nil {
		return err
	}
	if !u.last {
		return sendErr // units after this one were planned as if S3 had it
	}
	return nil
}

// mayWait reports whether the unit's bytes, which S3 did not take, fit into
// what an upload may keep in Postgres.
func (s *Session) mayWait(u *unit, err error) bool {
	return blob.Transient(err) && u.to-s.row.PartsEnd <= s.e.o.OutageTail
}

// rows cuts a unit's bytes into rows; an empty unit has none.
func rows(u *unit) ([]store.Tail, error) {
	var tails []store.Tail
	at := u.from
	err := u.fresh.each(func(p []byte) {
		for len(p) > 0 {
			n := len(tails)
			if n == 0 || len(tails[n-1].Bytes) == rowMax {
				size := min(rowMax, u.to-at)
				tails = append(tails, store.Tail{Offset: at, Size: size, Bytes: make([]byte, 0, size)})
				n++
			}
			t := &tails[n-1]
			take := min(len(p), rowMax-len(t.Bytes))
			t.Bytes = append(t.Bytes, p[:take]...)
			at += int64(take)
			p = p[take:]
		}
	})
	return tails, err
}

// commitUnit writes the unit and follows it in memory.
func (s *Session) commitUnit(f *flow, c store.Unit) error {
	ctx, stop := s.bound(f.ctx, commitTime)
	defer stop()
	garbage, err := s.e.o.Store.CommitUnit(ctx, s.lease, c)
	if err != nil {
		return s.noticed(err)
	}
	s.row.Offset, s.row.HashState, s.row.State = c.To, c.HashState, clinical.UploadReceiving
	if c.Part != nil {
		s.row.PartsEnd = c.To
	}
	if c.Whole != nil {
		s.row.State, s.row.Digests = clinical.UploadStored, c.Whole
	}
	if c.Sniffed != "" {
		s.row.Sniffed = c.Sniffed
	}
	if c.Length != nil {
		s.row.Length, s.length = c.Length, nil
	}
	s.released = c.Release
	s.e.collect(s.lease.Tenant, garbage)
	return nil
}
