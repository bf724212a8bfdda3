package records

import (
	"context"
	"strconv"
	"time"

	"github.com/bonfiredb/bonfire/blob"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
	"github.com/bonfiredb/bonfire/store"
)

// fetchTTL is the life of the URL that a gated link redirects to.
const fetchTTL = 60 * time.Second

// SignedURL issues a link to a file's bytes: decide, commit {link, audit}, only
// then presign. No audit row, no URL (P5). Bytes never pass through this server
// (P7). Failures: NotFound, Forbidden, Quarantined, Invalid (expiresIn), Gone
// (the file was retracted).
func (r *Records) SignedURL(ctx context.Context, actor clinical.Actor, in SignedURL) (out SignedLink, err error) {
	if in.TTL < 0 || in.TTL > 0 && in.TTL < time.Second {
		return out, clinical.Bad("expiresIn", "must be at least one second")
	}
	if actor, err = r.asking(ctx, actor, in.Purpose); err != nil {
		return out, err
	}
	var d policy.Decision
	var f clinical.File
	var token string
	err = r.act(ctx, actor, "signedUrl", func(ctx context.Context, c *call) error {
		if d, f, err = c.bytesOf(ctx, clinical.FileID(in.Document)); err != nil {
			return onField("documentId", err)
		}
		out.Link, token, err = c.issue(ctx, f, in)
		if err != nil {
			return err
		}
		out.Audit, err = c.audit(ctx, d, disclosed(out.Link))
		return err
	})
	if err != nil {
		return SignedLink{}, err
	}
	if in.Delivery == clinical.Gated {
		out.URL = r.PublicURL + "/links/" + token
		return out, nil
	}
	out.URL, out.Link.ExpiresAt, err = r.presign(ctx, d, f, out.Link, out.Link.IssuedAt, out.Link.ExpiresAt)
	return out, err
}

// issue writes the link's row. The ceiling wins over the wish. A direct link ends
// on a full second, because the bucket's URL does: neither outlives the other.
func (c *call) issue(ctx context.Context, f clinical.File, in SignedURL) (clinical.Link, string, error) {
	ceiling, err := c.ceiling(ctx, f.Patient)
	if err != nil {
		return clinical.Link{}, "", err
	}
	ttl := in.TTL
	if ttl == 0 {
		ttl = c.r.LinkTTL
	}
	l := clinical.Link{
		ID: clinical.NewID[clinical.LinkID](c.now), Tenant: f.Tenant, File: f.ID, FileVersion: f.Version,
		Patient: f.Patient, Actor: c.actor.ID, Purpose: c.actor.Session.Purpose, Delivery: in.Delivery,
		Disposition: dispositionFor(in.Disposition, f.ContentType), SingleUse: in.SingleUse, Key: c.actor.Session.Key,
		IssuedAt: c.now, ExpiresAt: c.now.Add(min(ttl, ceiling)),
	}
	var token string
	switch {
	case l.Delivery == clinical.Gated:
		token, l.TokenHash = newToken(f.Tenant)
	case l.SingleUse:
		return l, "", clinical.Bad("singleUse", "only a GATED link can be single-use: the bucket does not count fetches")
	default:
		l.Delivery, l.ExpiresAt = clinical.Direct, l.ExpiresAt.Truncate(time.Second)
	}
	return l, token, c.InsertLink(ctx, l)
}

func disclosed(l clinical.Link) func(*clinical.AuditEvent) {
	return func(e *clinical.AuditEvent) {
		e.Entities[0].Version = l.FileVersion
		e.Entities = append(e.Entities, clinical.AuditEntity{Type: "Link", ID: string(l.ID)})
		e.Detail = map[string]string{
			"linkId": string(l.ID), "expiresAt": l.ExpiresAt.Format(time.RFC3339),
			"objectVersion": strconv.Itoa(l.FileVersion), "delivery": string(l.Delivery),
		}
	}
}

// presign makes the bucket's own URL; only here, and only with the decision. at is
// the instant of the call that decided: no other clock has a say in how long the
// URL works.
func (r *Records) presign(ctx context.Context, d policy.Decision, f clinical.File, l clinical.Link, at, expires time.Time) (string, time.Time, error) {
	return r.Bucket.PresignGet(ctx, blob.PresignedGet{
		Decision: d, FileID: string(f.ID), Key: f.ObjectKey, LinkID: string(l.ID), At: at, Expires: expires,
		ContentType: f.ContentType, ContentDisposition: string(l.Disposition) + `; filename="` + f.DownloadName() + `"`,
	})
}

// inlineTypes are what a browser may show without being able to run it.
var inlineTypes = map[string]bool{
	"application/pdf": true, "image/jpeg": true, "image/png": true, "image/webp": true, "image/heic": true,
	"image/tiff": true, "text/plain": true, "audio/wav": true, "audio/mpeg": true, "audio/mp4": true,
	"audio/aac": true, "audio/webm": true, "audio/ogg": true, "audio/flac": true, "video/webm": true, "video/mp4": true,
}

// dispositionFor shows inline only what a browser cannot execute.
func dispositionFor(want clinical.Disposition, contentType string) clinical.Disposition {
	if want != clinical.Attachment && inlineTypes[contentType] {
		return clinical.Inline
	}
	return clinical.Attachment
}

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
	var d policy.Decision
	var f clinical.File
	var at time.Time
	err = r.act(ctx, holder, "followLink", func(ctx context.Context, c *call) error {
		at = c.now
		d, f, err = c.fetch(ctx, &l, token)
		return err
	})
	if err != nil {
		return "", err
	}
	expires := at.Add(fetchTTL)
	if l.ExpiresAt.Before(expires) {
		expires = l.ExpiresAt
	}
	to, _, err = r.presign(ctx, d, f, l, at, expires)
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
func (c *call) fetch(ctx context.Context, l *clinical.Link, token string) (d policy.Decision, f clinical.File, err error) {
	if *l, err = c.LinkByToken(ctx, hashToken(token)); err != nil {
		return d, f, err
	}
	// Less than a second is no life: the bucket counts whole ones.
	if state := l.State(c.now.Truncate(time.Second).Add(time.Second - 1)); state != clinical.LinkLive {
		return d, f, c.gone(*l, "link-"+string(state))
	}
	d, f, err = c.bytesOf(ctx, l.File)
	if refused(err) {
		return d, f, clinical.Fail(clinical.Gone, "this link is no longer valid", err)
	}
	if err != nil {
		return d, f, err
	}
	if f.Patient != l.Patient {
		return d, f, c.gone(*l, "link-refiled")
	}
	if err = c.MarkUsed(ctx, l.ID, c.now); err != nil {
		return d, f, err
	}
	_, err = c.audit(ctx, d, disclosed(*l), func(e *clinical.AuditEvent) { e.Detail["fetched"] = "true" })
	return d, f, err
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
