package ledger

import (
	"context"
	"errors"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/store"
)

// placement is where a unit's bytes go.
type placement int

const (
	inRow     placement = iota // a row of Postgres: zero S3 calls
	inScratch                  // an object of its own until a part takes it up
	inPart                     // a part of the multipart, with all pending tails
	inWhole                    // the finished object, by one PutObject
)

// plan judges and places a unit. Reservations happen here, in order.
func (f *flow) plan(u *unit) (err error) {
	if u.early != nil {
		if u.early.whole(u) { // planned when it was begun
			u.where, f.partsEnd = inPart, u.to
			return nil
		}
		u.early.abandon()
	}
	if u.to > f.up.MaxSize {
		return clinical.Fail(clinical.TooLarge, "larger than this kind of file may be", nil).WithField("size")
	}
	if u.sniffed, err = f.sniff(u); err != nil {
		return err
	}
	ctx, stop := f.s.bound(f.ctx, sendTime)
	defer stop()
	switch u.where = f.place(u); u.where {
	case inWhole:
		u.key, err = f.s.reserveKey(ctx)
	case inPart:
		f.partsEnd = u.to
		err = f.s.reservePart(ctx, u, 0)
	case inScratch:
		err = f.s.reserveScratch(ctx)
	}
	return err
}

func (f *flow) place(u *unit) placement {
	size, waiting := f.s.e.partSize(f.up), u.to-u.pending
	switch {
	case f.s.e.away() && waiting <= f.s.e.o.OutageTail:
		return inRow
	case u.final && u.pending == 0 && f.s.row.Multipart == "" && u.to <= size:
		return inWhole
	case waiting == 0: // nothing but a length to commit
		return inRow
	case u.final, waiting >= enough(size):
		return inPart
	case u.fresh.size < tailMax:
		return inRow
	}
	return inScratch
}

// reserveKey makes the object's key exclusive to this attempt.
func (s *Session) reserveKey(ctx context.Context) (string, error) {
	fresh := clinical.ObjectKey(s.lease.Tenant, clinical.NewID[clinical.FileID](s.e.o.Now()), s.row.CreatedAt)
	key, err := s.e.o.Store.ReserveKey(ctx, s.lease, fresh)
	if err == nil {
		s.row.ObjectKey, s.row.Multipart = key, ""
	}
	return key, s.noticed(err)
}

// reservePart begins the multipart when there is none, and takes the next of
// the numbers that are reserved. follow is how many more parts are expected.
func (s *Session) reservePart(ctx context.Context, u *unit, follow int64) error {
	begun := s.row.Multipart
	if begun == "" {
		key, err := s.reserveKey(ctx)
		if err != nil {
			return err
		}
		begun, err = s.e.o.Bucket.CreateMultipart(ctx, key, s.contentType())
		s.e.noted(err)
		if err != nil {
			return err
		}
	}
	if s.numbers.left == 0 {
		n := s.e.batch(s.Upload(), s.numbers.used, follow)
		first, err := s.e.o.Store.ReserveParts(ctx, s.lease, begun, n)
		if err != nil {
			return s.noticed(err)
		}
		s.numbers.next, s.numbers.left = first, n
	}
	s.row.Multipart = begun
	u.key, u.multipart, u.number = s.row.ObjectKey, begun, s.numbers.take()
	if u.number > lastPart {
		return clinical.Fail(clinical.Gone, "this upload was interrupted too often: begin it again", nil)
	}
	return nil
}

// numbers are part numbers that are reserved under a session's lease.
type numbers struct{ next, left, used int32 }

func (n *numbers) take() int32 {
	n.next, n.left, n.used = n.next+1, n.left-1, n.used+1
	return n.next - 1
}

// maxBatch bounds the part numbers that are reserved at once.
const maxBatch = 8

// batch is how many numbers a session that has used some reserves next. What an
// interrupted request leaves unused is lost, so it is never more than it used.
func (e *Engine) batch(u clinical.Upload, used int32, follow int64) int32 {
	if most(u) > e.plenty() {
		return 1
	}
	return int32(max(1, min(int64(used), 1+follow, maxBatch)))
}

// plenty is the largest size of an upload that has part numbers to spare: its
// parts are of the usual size and need, where each is just enough, no more than
// a sixth of them.
func (e *Engine) plenty() int64 { return e.o.PartSize * 1000 }

// reserveScratch notes, once an upload, that it has scratch objects.
func (s *Session) reserveScratch(ctx context.Context) error {
	if s.row.ScratchUsed {
		return nil
	}
	err := s.e.o.Store.ReserveScratch(ctx, s.lease)
	s.row.ScratchUsed = err == nil
	return s.noticed(err)
}

// noticed ends the session when the database says that its lease is lost.
func (s *Session) noticed(err error) error {
	if errors.Is(err, store.ErrLeaseLost) {
		s.lose()
	}
	return err
}
