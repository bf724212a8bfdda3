package records

import (
	"context"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
	"github.com/bonfiredb/bonfire/store"
)

// FollowLink is the gate of a gated link: it checks that the link is alive and
// its holder still permitted, audits the fetch, and answers a URL of at most a
// minute. NotFound for an unknown token; Gone for a used, revoked or expired one.
func (r *Records) FollowLink(ctx context.Context, token, requestID string) (to string, err error) {
	tenant, ok := tokenTenant(token)
	if !ok {
		return "", clinical.Missing()
	}
	var l clinical.Link
	var holder clinical.Actor
	err = r.Store.InTx(ctx, tenant, func(ctx context.Context, tx *store.Tx) error {
		if l, err = tx.LinkByToken(ctx, hashToken(token)); err != nil {
			return err
		}
		holder, err = tx.ActorVia(ctx, l.Actor, l.Key)
		return err
	})
	if clinical.Is(err, clinical.Unauthenticated) {
		return "", clinical.Fail(clinical.Gone, "this link is no longer valid", err)
	}
	if err != nil {
		return "", err
	}
	holder.Session = sessionOf(l, holder, requestID)
	var what content
	var at time.Time
	err = r.act(ctx, holder, "followLink", func(ctx context.Context, c *call) error {
		at = c.now
		what, err = c.fetch(ctx, &l, token)
		return err
	})
	if err == nil {
		err = r.putText(ctx, &what)
	}
	if err != nil {
		return "", err
	}
	expires := at.Add(fetchTTL)
	if l.ExpiresAt.Before(expires) {
		expires = l.ExpiresAt
	}
	to, _, err = r.presign(ctx, what, l, at, expires)
	return to, err
}

// sessionOf is the session in which a gated link is followed: its holder's, for
// the purpose that it was issued for. Glass is broken with a second factor, so
// who was issued a link under such a grant had shown one.
func sessionOf(l clinical.Link, holder clinical.Actor, requestID string) clinical.Session {
	s := unattended(holder, requestID)
	s.Purpose = l.Purpose
	if l.Purpose == clinical.BreakTheGlass {
		s.MFA, s.BreakGlass = true, holder.Session.BreakGlass
	}
	return s
}

// fetch spends a gated link, under its row's lock. A link opens the chart that
// it was issued for: what was moved to another since is gone from this one.
func (c *call) fetch(ctx context.Context, l *clinical.Link, token string) (what content, err error) {
	if *l, err = c.LinkByToken(ctx, hashToken(token)); err != nil {
		return what, err
	}
	// Less than a second is no life: the bucket counts whole ones.
	if state := l.State(c.now.Truncate(time.Second).Add(time.Second - 1)); state != clinical.LinkLive {
		return what, c.gone(*l, "link-"+string(state))
	}
	if what, err = c.behind(ctx, *l); refused(err) {
		return what, clinical.Fail(clinical.Gone, "this link is no longer valid", err)
	}
	if err != nil {
		return what, err
	}
	if what.decision.Resource().Patient != l.Patient {
		return what, c.gone(*l, "link-refiled")
	}
	if err = c.MarkUsed(ctx, l.ID, c.now); err != nil {
		return what, err
	}
	_, err = c.audit(ctx, what.decision, disclosed(*l), func(e *clinical.AuditEvent) { e.Detail["fetched"] = "true" })
	return what, err
}

// behind decides once more on what a link leads to.
func (c *call) behind(ctx context.Context, l clinical.Link) (content, error) {
	if l.Note != "" {
		return c.textOf(ctx, l.Note, l.Version, clinical.Missing())
	}
	return c.bytesOf(ctx, l.File)
}

// refused reports whether the holder of a link may not have the bytes any more:
// no longer their patient, retracted, in quarantine.
func refused(err error) bool {
	switch clinical.KindOf(err) {
	case clinical.NotFound, clinical.Forbidden, clinical.Quarantined, clinical.Gone:
		return true
	}
	return false
}

// gone is the answer for a link that leads nowhere any more, and its event.
func (c *call) gone(l clinical.Link, rule string) error {
	no := &refusal{event: c.event(policy.OfLink(l, nil), rule)}
	no.event.Outcome = clinical.MinorFailure
	return clinical.Fail(clinical.Gone, "this link is no longer valid", no)
}
