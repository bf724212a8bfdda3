package records

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/events"
	"github.com/bonfiredb/bonfire/policy"
	"github.com/bonfiredb/bonfire/store"
)

const (
	// pulseEvery is how often an upload that somebody watches is looked at. A
	// notification in the commit of each PATCH would line all commits up.
	pulseEvery = 500 * time.Millisecond
	// lookEvery is how often a watcher looks though nothing woke them: whether
	// they still may, and for what a broken connection did not tell.
	lookEvery = 15 * time.Second
	// unfedEvery is the same while the database's notifications are not heard.
	unfedEvery = 2 * time.Second
	// watchLife is how long a stream lasts at most: a login that has ended long
	// ago must be shown again.
	watchLife = time.Hour
)

// WatchUpload follows an upload: how it stands now, then each change, until one
// that nothing follows. Who is slow misses what lies between, never the end.
//
// The first error ends it: NotFound as in Upload; Forbidden once the actor's
// membership or key has ended, or their rights; Busy when too many watch;
// Unavailable when the hour that a stream may last is over. The watch is
// audited when it begins, and a denial that ends it.
func (r *Records) WatchUpload(ctx context.Context, actor clinical.Actor, id clinical.UploadID) iter.Seq2[clinical.Upload, error] {
	return func(yield func(clinical.Upload, error) bool) {
		var last *clinical.Upload
		look := func(ctx context.Context, _ bool) (bool, error) {
			news, err := r.watchedUpload(ctx, actor, id, last)
			if err != nil || news == nil {
				return true, err
			}
			last = news
			return yield(*news, nil) && !news.State.Terminal(), nil
		}
		pulse := func(ctx context.Context) (pulse string, err error) {
			err = r.Store.InTx(ctx, actor.Tenant, func(ctx context.Context, tx *store.Tx) (err error) {
				pulse, err = tx.UploadPulse(ctx, id)
				return err
			})
			return pulse, err
		}
		if err := r.watch(ctx, actor, "upload "+string(actor.Tenant)+" "+string(id), pulse, look); err != nil {
			yield(clinical.Upload{}, err)
		}
	}
}

// sameStanding reports whether a watcher who has seen the one learns nothing from the other.
func sameStanding(a, b clinical.Upload) bool {
	return a.Offset == b.Offset && a.State == b.State && (a.Length == nil) == (b.Length == nil)
}

// watchedUpload reads an upload for a watcher who has seen it as it was last, nil
// at the beginning, which is audited; nil when there is nothing new to them.
//
// Who watches is looked at once more after the upload was read: what it says may
// be younger than the first look, and than the end of a membership.
func (r *Records) watchedUpload(ctx context.Context, actor clinical.Actor, id clinical.UploadID, last *clinical.Upload) (news *clinical.Upload, err error) {
	err = r.act(ctx, actor, "uploadProgress", func(ctx context.Context, c *call) error {
		news = nil
		d, err := c.mayWatchUpload(ctx, id)
		if err != nil {
			return err
		}
		u, err := c.Tx.Upload(ctx, d)
		if err != nil || last != nil && sameStanding(u, *last) {
			return err
		}
		if d, err = c.mayWatchUpload(ctx, id); err != nil {
			return err
		}
		if last == nil {
			_, err = c.audit(ctx, d)
		}
		news = &u
		return err
	})
	return news, err
}

// mayWatchUpload judges who watches as they are now.
func (c *call) mayWatchUpload(ctx context.Context, id clinical.UploadID) (d policy.Decision, err error) {
	if err := c.stillMember(ctx, policy.Resource{Type: policy.Upload, ID: wellFormed(id)}); err != nil {
		return d, err
	}
	return c.upload(ctx, policy.ReadUpload, id)
}

// watch calls look at once, and again whenever the topic wakes, until it says
// that there is no more to come, or fails. It is nil when ctx ends: nobody is
// left to be told.
func (r *Records) watch(ctx context.Context, actor clinical.Actor, topic string, pulse events.Pulse, look func(context.Context, bool) (bool, error)) error {
	if actor.Anonymous() {
		return clinical.Fail(clinical.Unauthenticated, "sign in first", nil)
	}
	w, err := r.hub.Watch(string(actor.Tenant)+" "+string(actor.ID), topic, pulseEvery, pulse)
	if err != nil {
		return err
	}
	defer w.Close()
	life := time.NewTimer(watchLife)
	defer life.Stop()
	for begin := true; ; begin = false {
		more, err := look(ctx, begin)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil || !more:
			return err
		}
		every := lookEvery
		if !r.hub.Fed() {
			every = unfedEvery
		}
		idle := time.NewTimer(every)
		select {
		case <-ctx.Done():
		case <-w.C:
		case <-idle.C:
		case <-life.C:
			err = clinical.Fail(clinical.Unavailable, "this stream has lasted for its time: open it again", nil)
		}
		idle.Stop()
		if err != nil || ctx.Err() != nil {
			return err
		}
	}
}

// stillMember makes the actor who they are now, by the same login or key.
// Forbidden when they are nobody any more; the attempt is recorded. about is
// what they watch.
func (c *call) stillMember(ctx context.Context, about policy.Resource) error {
	now, err := c.ActorVia(ctx, c.actor.ID, c.actor.Session.Key)
	if err == nil {
		s := c.actor.Session
		s.BreakGlass = now.Session.BreakGlass
		if s.Key != "" {
			s.Scopes = now.Session.Scopes
		}
		now.Session = s
		now, err = now.WithPurpose(s.Purpose)
	}
	if clinical.Is(err, clinical.Unauthenticated) || clinical.Is(err, clinical.Forbidden) {
		no := &refusal{event: c.event(about, "membership-ended")}
		no.event.Outcome = clinical.MinorFailure
		return clinical.Fail(clinical.Forbidden, "you may not watch this any longer", errors.Join(err, no))
	}
	if err == nil {
		c.actor = now
	}
	return err
}
