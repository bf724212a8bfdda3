package ledger

import (
	"context"
	"errors"
	"io"

	"github.com/bonfiredb/bonfire/blob"
	"github.com/bonfiredb/bonfire/store"
)

// Announced is a source that knows how many bytes are still to come. Parts of it
// can be on their way to S3 before they have arrived.
type Announced interface {
	io.Reader
	// Remaining is how many bytes are still to be read, if nothing goes wrong.
	Remaining() int64
}

// early is a part that is sent while it arrives. It is an attempt: the bytes
// stay in the unit's rope, and whatever goes wrong, they are sent as any others.
type early struct {
	size   int64 // announced
	in     *arriving
	hashed chan struct{} // the digest includes what has come
	fault  error         // of the digest, before hashed is closed
	done   chan struct{} // the attempt has ended, with
	part   blob.Part
	err    error
	stop   context.CancelFunc
}

// fill receives a unit, and begins to send it when it is going to be a part.
// That is not before its first bytes are here: a client that stalls keeps
// nobody waiting, and of a wrong type nothing is sent.
func (f *flow) fill(u *unit, src io.Reader) error {
	if size, follow, ok := f.announced(u, src); ok {
		if err := u.fresh.fill(src, firstBlock); err != nil {
			return err
		}
		f.begin(u, size, follow)
	} else if u.prev == nil {
		src, u.counted = &counting{src, f.s.dig}, true
	}
	err := u.fresh.fill(src, u.room)
	if u.early != nil {
		u.early.in.grew(u.fresh, true)
	}
	return err
}

// begin reserves what the part needs and starts to send it. Where it cannot, the
// unit waits until it is complete, and its plan tells why.
func (f *flow) begin(u *unit, size, follow int64) {
	seen, err := f.sniff(u)
	if err != nil {
		return
	}
	f.slots <- struct{}{}
	if !f.s.e.streams.TryAcquire(1) {
		<-f.slots
		return
	}
	ctx, stop := f.s.bound(f.ctx, sendTime)
	if err := f.s.reservePart(ctx, u, follow); err != nil {
		stop()
		f.s.e.streams.Release(1)
		<-f.slots
		return
	}
	u.sniffed = seen
	u.early = &early{size: size, in: newArriving(), hashed: make(chan struct{}), done: make(chan struct{}), stop: stop}
	u.fresh.seen = u.early.in
	u.early.in.grew(u.fresh, false)
	go f.follow(u, u.prev)
	go f.stream(ctx, u)
}

// announced is the size of the part that a unit is going to be, and how many more
// parts are to follow it.
func (f *flow) announced(u *unit, src io.Reader) (size, follow int64, ok bool) {
	a, ok := src.(Announced)
	e := f.s.e
	if !ok || u.pending != u.from || e.away() || e.untrailed.Load() || !e.o.Bucket.Streams() {
		return 0, 0, false
	}
	size = min(u.room, a.Remaining())
	to := u.from + size
	switch {
	case size < enough(e.partSize(f.up)), to > f.up.MaxSize:
		return 0, 0, false
	case f.up.Length != nil && to == *f.up.Length && u.from == 0: // a whole file
		return 0, 0, false
	}
	follow = (a.Remaining() - size) / e.partSize(f.up)
	return size, follow, e.wantsSHA1(f.up, u.from) == e.wantsSHA1(f.up, to) // else it depends on what comes
}

// follow adds the bytes to the running digest as they come.
func (f *flow) follow(u, prev *unit) {
	defer close(u.early.hashed)
	if prev != nil {
		<-prev.hashed
	}
	d := f.s.dig
	if d.sha1 != nil && !f.s.e.wantsSHA1(f.up, u.from+u.early.size) {
		d.drop()
	}
	u.early.fault = u.early.in.each(d.hash)
}

// stream sends the bytes as they come.
func (f *flow) stream(ctx context.Context, u *unit) {
	x := u.early
	defer close(x.done)
	defer f.s.e.streams.Release(1)
	defer x.stop()
	body := &follower{ctx: ctx, a: x.in, size: x.size}
	x.part, x.err = f.s.e.o.Bucket.StreamPart(ctx, u.key, u.multipart, u.number, body, x.size)
}

// abandon ends an attempt whose bytes did not all come, and waits until nobody
// looks at them any more.
func (x *early) abandon() {
	x.stop()
	<-x.done
	<-x.hashed
}

// whole reports whether all bytes that were announced came.
func (x *early) whole(u *unit) bool { return u.fresh.size == x.size }

// settled takes a part over that was sent while it arrived; nil when it was not,
// or could not be, and its bytes are to be sent now.
func (f *flow) settled(u *unit) *store.Part {
	if u.early == nil {
		return nil
	}
	<-u.early.done
	if u.early.err != nil {
		return nil
	}
	f.s.e.noted(nil)
	p := u.early.part
	return &store.Part{Number: p.Number, Offset: u.pending, Size: p.Size, ETag: p.ETag, CRC32C: p.CRC32C}
}

// send brings a unit to S3, unless it is there already.
func (f *flow) send(u *unit) (sent, error) {
	if p := f.settled(u); p != nil {
		return sent{part: *p}, nil
	}
	did, err := f.s.send(f.ctx, u)
	if err == nil && u.early != nil {
		u.early.learn(f.s.e)
	}
	return did, err
}

// learn remembers a store that takes parts but not their checksums after them.
func (x *early) learn(e *Engine) {
	err := x.err
	if errors.Is(err, errCut) || errors.Is(err, errStalled) || blob.Transient(err) || errors.Is(err, blob.ErrMultipartGone) {
		return
	}
	if e.untrailed.CompareAndSwap(false, true) {
		e.o.Log.Warn("storage takes no trailing checksums: parts are sent once they are complete", "error", err)
	}
}
