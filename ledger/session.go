package ledger

import (
	"context"
	"sync"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/store"
)

// Session is an upload held under a lease. It is used by one goroutine.
type Session struct {
	e     *Engine
	lease store.Lease
	row   store.Ledger
	dig   *digest // running digest at row.Offset; nil until needed
	// length is what DeclareLength was told, until the next commit carries it.
	length  *int64
	numbers numbers // part numbers that are ours to use
	// expected are further digests that the client gave at the end.
	expected [][]byte

	letGo    func()
	asked    sync.Once
	lost     context.CancelFunc
	alive    context.Context //nolint:containedctx // ends when the lease is lost or given back
	done     chan struct{}
	end      sync.Once
	released bool // the last commit gave the lease back
}

func (e *Engine) open(row store.Ledger, lease store.Lease, letGo func(), since time.Time) *Session {
	s := &Session{e: e, lease: lease, row: row, letGo: letGo, done: make(chan struct{})}
	s.numbers = numbers{next: row.NextPart - row.Numbers, left: row.Numbers}
	s.alive, s.lost = context.WithCancel(context.Background())
	e.mu.Lock()
	before := e.held[lease.Upload]
	e.held[lease.Upload] = s
	e.mu.Unlock()
	if before != nil {
		before.lose() // its lease ran out, or we would not have this one
	}
	k := keeper{
		life: e.o.LeaseLife, every: e.o.Heartbeat, wanted: s.askToLetGo, lost: s.lose,
		renew: func(ctx context.Context) (bool, error) { return e.o.Store.RenewLease(ctx, lease, e.o.LeaseLife) },
	}
	go k.run(s.done, since)
	return s
}

// Upload is the row as of the last commit of this session.
func (s *Session) Upload() clinical.Upload {
	u := s.row.Upload
	if s.length != nil {
		u.Length = s.length
	}
	return u
}

// CareGroups are those of the upload's patient, which the gate looks at.
func (s *Session) CareGroups() []string { return s.row.CareGroups }

// Lease names the lease, for transactions which end the upload.
func (s *Session) Lease() store.Lease { return s.lease }

// askToLetGo passes another writer's wish on, once.
func (s *Session) askToLetGo() {
	s.asked.Do(func() {
		if s.letGo != nil {
			s.letGo()
		}
	})
}

func (s *Session) lose() { s.lost() }

// Release gives the lease back. Safe to call twice; never fails, because a
// lease which is not given back ends by itself.
func (s *Session) Release() { s.end.Do(s.release) }

func (s *Session) release() {
	close(s.done)
	s.lost()
	s.e.mu.Lock()
	if s.e.held[s.lease.Upload] == s {
		delete(s.e.held, s.lease.Upload)
	}
	s.e.mu.Unlock()
	if s.released {
		return
	}
	ctx, stop := context.WithTimeout(context.Background(), 3*time.Second)
	defer stop()
	if err := s.e.o.Store.ReleaseLease(ctx, s.lease); err != nil {
		s.e.o.Log.WarnContext(ctx, "lease not given back", "upload", s.lease.Upload, "error", err)
	}
}

// DeclareLength fixes a deferred length. It becomes durable with the next
// commit; Invalid (Upload-Length) when it contradicts what is known.
func (s *Session) DeclareLength(n int64) error {
	u := s.Upload()
	switch {
	case u.Length != nil && *u.Length != n, n < u.Offset:
		return clinical.Bad("Upload-Length", "contradicts what was declared or received before")
	case n > u.MaxSize:
		return clinical.Fail(clinical.TooLarge, "larger than this kind of file may be", nil).WithField("Upload-Length")
	case n == 0 && !u.AllowEmpty:
		return clinical.Bad("Upload-Length", "an empty file says nothing")
	case u.Length == nil:
		s.length = &n
	}
	return nil
}

// bound gives work a deadline of its own, ended early only by loss of the
// lease: a client that goes away must not cut a commit in two.
func (s *Session) bound(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), d)
	unhook := context.AfterFunc(s.alive, stop)
	return ctx, func() { unhook(); stop() }
}

// Ended follows the upload's end in memory, which a transaction of the caller
// has written.
func (s *Session) Ended(state clinical.UploadState, f *clinical.UploadFailure) {
	s.row.State, s.row.Failure = state, f
}
