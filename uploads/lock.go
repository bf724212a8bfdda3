package uploads

import (
	"context"

	"github.com/tus/tusd/v2/pkg/handler"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/records"
)

// NewLock implements handler.Locker.
func (s *store) NewLock(id string) (handler.Lock, error) {
	return &lock{store: s, id: clinical.UploadID(id)}, nil
}

// lock is the lease of one upload, for one request.
type lock struct {
	store *store
	id    clinical.UploadID
	slot  *request
}

// Lock decides that the caller may go on with the upload and takes its lease.
// requestUnlock is called when another request wants it. A client that has left
// does not take it from one that is there.
func (l *lock) Lock(ctx context.Context, requestUnlock func()) error {
	l.slot = slotOf(ctx)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	defer context.AfterFunc(l.slot.gone, stop)()
	in, err := l.store.open(ctx, l.id, &records.Receiving{
		LetGo: func() { l.slot.letGo(requestUnlock) }, Announced: l.slot.announced,
	})
	if err != nil {
		return l.store.fault(ctx, err)
	}
	l.slot.incoming = in
	return nil
}

// open takes the upload by the right that the request brought: an upload token,
// or the actor who is signed in.
func (s *store) open(ctx context.Context, id clinical.UploadID, how *records.Receiving) (*records.Incoming, error) {
	slot := slotOf(ctx)
	if slot.token == "" {
		return s.records.OpenUpload(ctx, auth.Actor(ctx), id, how)
	}
	in, err := s.records.OpenUploadByToken(ctx, id, slot.token, slot.requestID, how)
	if err == nil {
		auth.WithActor(ctx, in.Actor()) // for the request's log event
	}
	return in, err
}

// Unlock gives the lease back.
func (l *lock) Unlock() error {
	l.slot.incoming.Release()
	l.slot.incoming = nil
	return nil
}
