package seal

import (
	"bytes"
	"cmp"
	"math"
	"slices"
	"time"
)

// tolerance is how far recorded_at may lie off the order of sealing: what clocks
// of servers differ by, and transactions take, is far below it.
const tolerance = 10 * time.Minute

// Anchor is what the bucket holds of one seal.
type Anchor struct {
	// Seal is nil when there is none that can be read.
	Seal *Seal
	// Spoilt: the object was written over, deleted, or is unreadable.
	Spoilt bool
	// Due: the database says that it has yet to be written.
	Due bool
	// Unknown: the bucket was not asked.
	Unknown bool
}

// Verifier checks one tenant's trail, seal by seal in the order of their
// numbers, in memory that does not grow with the trail. For each number: Trust,
// then Load the rows up to the seal's ToSeq that were not loaded yet, then
// those that Missing names, then Check. At the end, Unsealed for what is left.
type Verifier struct {
	Report
	// pool are rows that were loaded and that no seal has claimed so far: they
	// were sealed late, or not at all.
	pool   map[int64][]Row
	loaded int64
	latest time.Time
	adrift bool // seals are missing: what follows cannot be linked
}

// NewVerifier begins a check.
func NewVerifier(tenant string) *Verifier {
	return &Verifier{
		Report: Report{Tenant: tenant, End: Begin(tenant)}, pool: map[int64][]Row{}, loaded: math.MinInt64,
	}
}

// Resume begins a check with a seal in the middle of the chain, as an export of
// some months does: what came before it is taken for granted.
func Resume(s *Seal) *Verifier {
	v := NewVerifier(s.Tenant)
	v.End = End{Number: s.Number - 1, Head: s.Previous}
	return v
}

// Loaded is the highest seq that Load has seen.
func (v *Verifier) Loaded() int64 { return v.loaded }

// Trust takes the seal of a number as the database has it, nil for none, and its
// anchor, and tells which of them the rows are to be held against: the anchor
// where there is one. nil: there is nothing to hold them against.
func (v *Verifier) Trust(number int64, stored *Seal, a Anchor) *Seal {
	for n := v.End.Number + 1; n < min(number, v.End.Number+maxFindings); n++ {
		v.add(SealRemoved, n, v.loaded, "")
		v.adrift = true
	}
	v.End.Number = number
	if a.Spoilt {
		v.add(AnchorChanged, number, v.seqOf(stored, a.Seal), "")
	}
	if stored != nil && stored.sound() != nil {
		v.add(SealChanged, number, v.loaded, "")
		stored = nil
	} else if stored == nil && a.Seal != nil {
		v.add(SealRemoved, number, a.Seal.FromSeq(), "")
	}
	if a.Seal != nil {
		if stored != nil && same(*stored, *a.Seal) {
			v.Anchored++
		} else if stored != nil {
			v.add(SealChanged, number, v.seqOf(stored, a.Seal), "")
		}
		return a.Seal
	}
	switch {
	case stored == nil:
		v.adrift = true
	case a.Due:
		v.AwaitingAnchor++
	case !a.Unknown && !a.Spoilt:
		v.add(AnchorMissing, number, stored.FromSeq(), "")
	}
	return stored
}

func (v *Verifier) seqOf(seals ...*Seal) int64 {
	seq := int64(math.MaxInt64)
	for _, s := range seals {
		if s != nil && len(s.Rows) > 0 {
			seq = min(seq, s.FromSeq())
		}
	}
	if seq == math.MaxInt64 {
		return v.loaded
	}
	return seq
}

func same(a, b Seal) bool {
	x, errX := a.JSON()
	y, errY := b.JSON()
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// Load takes rows of the trail.
func (v *Verifier) Load(rows []Row) {
	for _, r := range rows {
		v.pool[r.Seq] = append(v.pool[r.Seq], r)
		v.loaded = max(v.loaded, r.Seq)
	}
}

// Missing are the rows that the seal speaks of and that were not loaded.
func (v *Verifier) Missing(s *Seal) []int64 {
	var out []int64
	for _, e := range s.Rows {
		if len(v.pool[e.Seq]) == 0 {
			out = append(out, e.Seq)
		}
	}
	return out
}

// Check holds the loaded rows against the seal.
func (v *Verifier) Check(s *Seal) {
	v.Seals++
	if s.Previous != v.End.Head && !v.adrift {
		v.add(Broken, s.Number, s.FromSeq(), "")
	}
	v.adrift = false
	at := s.Previous
	for _, e := range s.Rows {
		v.Rows++
		v.checkRow(s, e, at)
		at = e.Hash // and not the row's own, so that each row is judged for itself
	}
	v.loaded = max(v.loaded, s.ToSeq())
	v.End = s.End()
}

func (v *Verifier) checkRow(s *Seal, e Entry, before Hash) {
	rows := v.pool[e.Seq]
	if len(rows) == 0 {
		v.add(Removed, s.Number, e.Seq, e.ID)
		return
	}
	i := slices.IndexFunc(rows, func(r Row) bool { return r.After(before) == e.Hash })
	if i < 0 {
		v.add(Changed, s.Number, e.Seq, e.ID)
		i = max(0, slices.IndexFunc(rows, func(r Row) bool { return r.ID == e.ID }))
	} else {
		v.checkTime(s, rows[i])
	}
	if rows = slices.Delete(rows, i, i+1); len(rows) > 0 {
		v.pool[e.Seq] = rows
	} else {
		delete(v.pool, e.Seq)
	}
}

// checkTime finds rows that were written later than they say: the server seals
// rows in the order of their time, but for transactions under way.
func (v *Verifier) checkTime(s *Seal, r Row) {
	switch {
	case r.RecordedAt.After(s.SealedAt.Add(tolerance)):
		v.add(Postdated, s.Number, r.Seq, r.ID)
	case r.RecordedAt.Before(v.latest.Add(-tolerance)):
		v.add(Backdated, s.Number, r.Seq, r.ID)
	case r.RecordedAt.After(v.latest):
		v.latest = r.RecordedAt
	}
}

// Left are the loaded rows that no seal has claimed.
func (v *Verifier) Left() []Row {
	var out []Row
	for _, rows := range v.pool {
		out = append(out, rows...)
	}
	slices.SortFunc(out, func(a, b Row) int { return cmp.Compare(a.Seq, b.Seq) })
	return out
}

// Unsealed takes a row that no seal speaks of; waits says that it is on the list
// of those to be sealed. A row that is not, nobody has written who may.
func (v *Verifier) Unsealed(seq int64, id string, waits bool) {
	if waits {
		v.Report.Unsealed++
		return
	}
	v.add(Inserted, 0, seq, id)
}

// Stray takes an anchor that lies where its seal's does not belong.
func (v *Verifier) Stray(number int64) { v.add(AnchorChanged, number, v.loaded, "") }

// Differs takes a row whose event in an export is not what the row says, or is
// missing there.
func (v *Verifier) Differs(r Row) { v.add(Differs, v.End.Number, r.Seq, r.ID) }

// Extra takes an event of an export that no row tells of.
func (v *Verifier) Extra(id string) { v.add(Inserted, 0, math.MaxInt64, id) }

// Gone takes a row that waits to be sealed and is not there.
func (v *Verifier) Gone(seq int64, id string) { v.add(Removed, 0, seq, id) }
