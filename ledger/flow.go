package ledger

import (
	"context"
	"io"
	"sync"

	"github.com/bonfiredb/bonfire/blob"
	"github.com/bonfiredb/bonfire/clinical"
)

// unit is one step of commit: new bytes, and where they go.
type unit struct {
	room      int64 // how many bytes it may be
	from, to  int64
	pending   int64 // where the tails before it begin; from when there are none
	fresh     *rope
	where     placement
	key       string // reserved key of inWhole and inPart
	multipart string // of inPart
	number    int32  // reserved part number
	last      bool   // the body ends with it
	final     bool   // the upload ends with it
	sniffed   string
	planErr   error // S3 did not take the reservation: the bytes may wait in rows

	prev    *unit
	early   *early        // it was begun while it arrived
	counted bool          // the digest took its bytes in as they were read
	hashed  chan struct{} // the digest includes it
	done    chan struct{} // committed, or err
	state   []byte
	sum     clinical.Digests
	err     error
}

// flow is one body on its way: units are numbered and reserved in order by the
// reader, hashed in order, sent side by side and committed in order.
type flow struct {
	s        *Session
	up       clinical.Upload // its terms, as of the start
	ctx      context.Context //nolint:containedctx // one flow is one call
	held     bool            // commits wait for a verdict
	declared bool            // a length waits for its commit
	at       int64           // received
	partsEnd int64           // in parts, once everything submitted is committed
	slots    chan struct{}
	prev     *unit
	verdict  chan struct{} // closed when units may be committed
	refused  error         // set before verdict is closed
	wg       sync.WaitGroup
	mu       sync.Mutex
	failed   error
}

func (s *Session) newFlow(ctx context.Context, hold bool) *flow {
	f := &flow{
		s: s, up: s.Upload(), ctx: ctx, held: hold, declared: s.length != nil,
		at: s.row.Offset, partsEnd: s.row.PartsEnd,
		slots: make(chan struct{}, s.e.o.InFlight), verdict: make(chan struct{}),
	}
	if !hold {
		close(f.verdict)
	}
	return f
}

// open reports whether more may be read.
func (f *flow) open() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failed == nil && !f.complete() && f.s.alive.Err() == nil
}

// complete reports whether all that the upload may hold has been read.
func (f *flow) complete() bool {
	return f.up.Length != nil && f.at >= *f.up.Length && f.prev != nil
}

// lost reports whether reading ended because the lease was lost.
func (f *flow) lost() bool { return !f.complete() && f.s.alive.Err() != nil }

// declares reports whether an empty body still has a length to commit.
func (f *flow) declares() bool { return f.declared && f.prev == nil }

// room is how many bytes the next unit may read: what fills a part, and not
// more than one byte past what the upload may hold.
func (f *flow) room(src io.Reader) int64 {
	size := f.s.e.partSize(f.up)
	room := size - (f.at-f.partsEnd)%size
	if f.long(src, size) {
		room = longPart * size
	}
	if f.up.Length != nil {
		return min(room, *f.up.Length-f.at)
	}
	return min(room, f.up.MaxSize-f.at+1)
}

// longPart is the size of a part in the middle of a long request, in usual
// parts: each part costs every server on its way as much as some MiB of bytes.
const longPart = 4

// long reports whether a long part is in place: one that leaves nothing waiting
// for its end, because others follow it, and memory to all the rest.
func (f *flow) long(src io.Reader, size int64) bool {
	a, ok := src.(Announced)
	return ok && f.at == f.partsEnd && longPart*size <= maxPart && a.Remaining() > 2*longPart*size &&
		f.s.e.o.Budget.ample(longPart*size)
}

func (f *flow) next(src io.Reader) *unit {
	return &unit{
		room: f.room(src), from: f.at, pending: f.partsEnd, fresh: newRope(f.s.e.o.Budget), prev: f.prev,
		hashed: make(chan struct{}), done: make(chan struct{}),
	}
}

// submit decides where the unit goes, reserves what it needs and starts it. It
// waits while the upload has as many units on their way as it may.
func (f *flow) submit(u *unit, ended bool) {
	u.to = u.from + u.fresh.size
	u.final = f.up.Length != nil && u.to == *f.up.Length
	u.last = ended || u.final
	f.at, f.prev = u.to, u
	free := func() {}
	if u.early != nil {
		free = sync.OnceFunc(func() { <-f.slots })
	}
	u.planErr = f.plan(u)
	if u.planErr != nil && !blob.Transient(u.planErr) {
		u.fresh.free()
		free()
		close(u.hashed)
		f.end(u, u.planErr)
		return
	}
	if u.last && !f.held && (u.prev == nil || u.where == inRow) {
		f.run(u, free) // nothing to overlap with
		return
	}
	if u.early == nil {
		f.slots <- struct{}{}
		free = sync.OnceFunc(func() { <-f.slots })
	}
	f.wg.Go(func() { f.run(u, free) })
}

// run takes a unit through digest, S3 and commit. free is called as soon as its
// bytes have left: the next unit may then be read.
func (f *flow) run(u *unit, free func()) {
	defer u.fresh.free()
	defer free()
	var hashing sync.WaitGroup
	var hashErr error
	hashing.Go(func() { hashErr = f.hash(u) })
	wrong := false
	if u.where == inWhole { // what is known to be wrong is not sent
		hashing.Wait()
		<-f.verdict
		wrong = hashErr != nil || f.refused != nil
	}
	did, err := sent{}, u.planErr
	if err == nil && !wrong {
		did, err = f.send(u)
	}
	hashing.Wait()
	if hashErr != nil {
		err = hashErr
	}
	if err == nil && u.where != inRow && u.where != inScratch {
		u.fresh.free()
	}
	free()
	ended := f.commit(u, did, err)
	if ended == nil && err == nil && u.where == inScratch {
		f.s.e.o.Budget.recent.keep(did.scratch, u.fresh)
	}
	f.end(u, ended)
}

// hash waits for its turn and adds the unit's bytes to the running digest.
func (f *flow) hash(u *unit) error {
	defer close(u.hashed)
	if u.prev != nil {
		<-u.prev.hashed
	}
	d := f.s.dig
	if err := f.add(u); err != nil {
		return err
	}
	d.join(u.fresh)
	u.state = d.state()
	if u.final {
		u.sum = d.sum()
		if u.where == inWhole {
			return f.s.expect(u.sum)
		}
	}
	return nil
}

// add adds the unit's bytes to the running digest, unless that was done while
// they arrived.
func (f *flow) add(u *unit) error {
	d := f.s.dig
	if u.early != nil {
		<-u.early.hashed
		return u.early.fault
	}
	if d.sha1 != nil && !f.s.e.wantsSHA1(f.up, u.to) {
		d.drop()
	}
	if u.counted {
		return nil
	}
	return d.add(u.fresh)
}

// end records how a unit ended and lets the next one go on.
func (f *flow) end(u *unit, err error) {
	if err != nil {
		f.mu.Lock()
		if f.failed == nil {
			f.failed = err
		}
		f.mu.Unlock()
	}
	u.err, u.prev = err, nil
	close(u.done)
}

// settle lets held units be committed, or refuses them all.
func (f *flow) settle(err error) {
	f.refused = err
	close(f.verdict)
}

// wait ends when every unit has.
func (f *flow) wait() error {
	f.wg.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failed
}
