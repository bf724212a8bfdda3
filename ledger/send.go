package ledger

import (
	"context"
	"errors"
	"fmt"

	"github.com/bonfiredb/bonfire/blob"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/store"
)

// sent is what S3 answered.
type sent struct {
	part    store.Part
	scratch string
}

// send brings a unit's bytes to S3, if they go there. A global bound on the
// requests under way is taken only now, when the bytes are here: a client that
// stalls keeps nobody waiting.
func (s *Session) send(ctx context.Context, u *unit) (did sent, err error) {
	if u.where == inRow {
		return did, nil
	}
	if u.pending < u.from { // its tails must be there to be read
		if err := u.before(); err != nil {
			return did, err
		}
	}
	turn, err := s.turn(ctx)
	if err != nil {
		return did, err
	}
	defer turn()
	ctx, stop := s.bound(ctx, sendTime)
	defer stop()
	switch u.where {
	case inScratch:
		did.scratch = s.scratchKey(u.from)
		err = s.sendScratch(ctx, did.scratch, u.fresh)
	case inPart:
		did.part, err = s.sendPart(ctx, u)
	default:
		err = s.sendWhole(ctx, u)
	}
	return did, err
}

// turn waits for one of the places that all uploads share; the function gives it back.
func (s *Session) turn(ctx context.Context) (func(), error) {
	ctx, stop := s.bound(ctx, sendTime)
	defer stop()
	if err := s.e.flushes.Acquire(ctx, 1); err != nil {
		return nil, clinical.Fail(clinical.Unavailable, "storage is busy, try again", err)
	}
	return func() { s.e.flushes.Release(1) }, nil
}

func (s *Session) sendScratch(ctx context.Context, key string, r *rope) error {
	b, err := newBody(r)
	if err != nil {
		return err
	}
	return s.arrived(s.e.o.Bucket.PutScratch(ctx, key, b))
}

func (s *Session) sendPart(ctx context.Context, u *unit) (store.Part, error) {
	b, free, err := s.bodyOf(ctx, u)
	if err != nil {
		return store.Part{}, err
	}
	defer free()
	p, err := s.e.o.Bucket.UploadPart(ctx, u.key, u.multipart, u.number, b)
	if err = s.arrived(err); err != nil {
		return store.Part{}, err
	}
	return store.Part{Number: u.number, Offset: u.pending, Size: p.Size, ETag: p.ETag, CRC32C: p.CRC32C}, nil
}

func (s *Session) sendWhole(ctx context.Context, u *unit) error {
	b, free, err := s.bodyOf(ctx, u)
	if err != nil {
		return err
	}
	defer free()
	_, err = s.e.o.Bucket.Put(ctx, u.key, s.contentType(), b)
	return s.arrived(err)
}

// bodyOf is the pending tails and the unit's own bytes, judged by their type.
func (s *Session) bodyOf(ctx context.Context, u *unit) (b *body, free func(), err error) {
	tails, err := s.loadTails(ctx, u.pending, u.from)
	if err != nil {
		return nil, nil, err
	}
	if err = s.judge(u, tails); err == nil {
		b, err = newBody(tails, u.fresh)
	}
	if err != nil {
		tails.free()
		return nil, nil, err
	}
	return b, tails.free, nil
}

// arrived looks at how a request with bytes ended. Bytes that S3 found damaged
// on their way are sent again by the client, like those that got lost.
func (s *Session) arrived(err error) error {
	if s.alive.Err() == nil {
		s.e.noted(err)
	}
	if errors.Is(err, blob.ErrDigestMismatch) {
		return clinical.Fail(clinical.Unavailable, "the bytes were damaged on their way to storage, try again", err)
	}
	return err
}

// contentType is what the object says of itself: the declared type, which no
// browser may be misled by, because links override it.
func (s *Session) contentType() string { return s.row.ContentType }

// scratchKey names a scratch object by upload, offset and writer: a writer that
// lost its lease never overwrites its successor's.
func (s *Session) scratchKey(offset int64) string {
	return fmt.Sprintf("%s%d-%x", s.lease.ScratchPrefix(), offset, s.lease.Nonce)
}

var _ blob.Body = (*body)(nil)
