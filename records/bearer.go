package records

import (
	"context"
	"io"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/ledger"
	"github.com/bonfiredb/bonfire/policy"
)

// bearer is the owner of the upload that a token opened, if the gate lets them go on.
func (r *Records) bearer(ctx context.Context, s *ledger.Session, requestID string) (clinical.Actor, error) {
	u := s.Upload()
	owner, err := r.members.load(ctx, r.MemberTime/2, u.Tenant, u.Owner, u.Key)
	if err != nil {
		return owner, err
	}
	owner.Session = unattended(owner, requestID)
	return owner, r.goesOn(ctx, owner, s)
}

// goesOn asks the gate whether the actor may go on with an upload that is held.
func (r *Records) goesOn(ctx context.Context, actor clinical.Actor, s *ledger.Session) error {
	u := s.Upload()
	d, err := r.Gate.Authorize(ctx, policy.Request{
		Actor: actor, Action: policy.ContinueUpload, Resource: policy.OfUpload(u, s.CareGroups()), Now: r.Now(),
	})
	if err != nil || d.Allowed() {
		return err
	}
	return r.act(ctx, actor, "continueUpload", func(ctx context.Context, c *call) error { // refused: on the record
		_, err := c.upload(ctx, policy.ContinueUpload, u.ID)
		return err
	})
}

// still is whether who sends an upload may send more of it, as our rows describe
// them now, or did a moment ago.
func (in *Incoming) still(ctx context.Context) error {
	as := in.actor.Session
	now, err := in.r.members.load(ctx, in.r.MemberTime/2, in.actor.Tenant, in.actor.ID, as.Key)
	if err != nil {
		return err
	}
	if as.Key != "" {
		as.Scopes = now.Session.Scopes
	}
	now.Session = as
	return in.r.goesOn(ctx, now, in.session)
}

// watched is src for as long as who sends it may. They are looked at when half of
// MemberTime has passed, by rows that are as old at most.
func (in *Incoming) watched(ctx context.Context, src io.Reader) io.Reader {
	w := &watchedSource{Reader: src, every: in.r.MemberTime / 2, looked: time.Now(), still: func() error { return in.still(ctx) }}
	if a, ok := src.(ledger.Announced); ok {
		return announcedSource{w, a}
	}
	return w
}

// watchedSource asks, when some time has passed, whether to read on. While the
// database does not answer it reads on: without it nothing is committed anyway.
type watchedSource struct {
	io.Reader
	every  time.Duration
	looked time.Time
	still  func() error
}

// Read implements io.Reader.
func (w *watchedSource) Read(p []byte) (int, error) {
	if time.Since(w.looked) >= w.every {
		if err := w.still(); err != nil && !clinical.Is(err, clinical.Unavailable) {
			return 0, err
		}
		w.looked = time.Now()
	}
	return w.Reader.Read(p)
}

// announcedSource is a watchedSource that knows how much is to come.
type announcedSource struct {
	*watchedSource
	announced ledger.Announced
}

// Remaining implements ledger.Announced.
func (a announcedSource) Remaining() int64 { return a.announced.Remaining() }
