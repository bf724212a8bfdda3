package records

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/bonfiredb/bonfire/blob"
	"github.com/bonfiredb/bonfire/clinical"
)

// fetchTTL is the life of the URL that a gated link redirects to.
const fetchTTL = 60 * time.Second

// SignedURL issues a link to a file's bytes, or to a note's text as it stands:
// decide, commit {link, audit}, only then presign. No audit row, no URL (P5).
// Bytes never pass through this server (P7). Failures: NotFound, Forbidden,
// Quarantined, Invalid (expiresIn), Gone (the document was retracted).
func (r *Records) SignedURL(ctx context.Context, actor clinical.Actor, in SignedURL) (out SignedLink, err error) {
	if in.TTL < 0 || in.TTL > 0 && in.TTL < time.Second {
		return out, clinical.Bad("expiresIn", "must be at least one second")
	}
	if actor, err = r.asking(ctx, actor, in.Purpose); err != nil {
		return out, err
	}
	var what content
	var token string
	err = r.act(ctx, actor, "signedUrl", func(ctx context.Context, c *call) error {
		if what, err = c.contentOf(ctx, in); err != nil {
			return onField("documentId", err)
		}
		out.Link, token, err = c.issue(ctx, what, in)
		if err != nil {
			return err
		}
		out.Audit, err = c.audit(ctx, what.decision, disclosed(out.Link))
		return err
	})
	if err == nil {
		err = r.putText(ctx, &what)
	}
	if err != nil {
		return SignedLink{}, err
	}
	if in.Delivery == clinical.Gated {
		out.URL = r.PublicURL + "/links/" + token
		return out, nil
	}
	out.URL, out.Link.ExpiresAt, err = r.presign(ctx, what, out.Link, out.Link.IssuedAt, out.Link.ExpiresAt)
	return out, err
}

// issue writes the link's row. The ceiling wins over the wish. A direct link ends
// on a full second, because the bucket's URL does: neither outlives the other.
func (c *call) issue(ctx context.Context, what content, in SignedURL) (clinical.Link, string, error) {
	about := what.decision.Resource()
	ceiling, err := c.ceiling(ctx, about.Patient)
	if err != nil {
		return clinical.Link{}, "", err
	}
	ttl := in.TTL
	if ttl == 0 {
		ttl = c.r.LinkTTL
	}
	l := clinical.Link{
		ID: clinical.NewID[clinical.LinkID](c.now), Tenant: about.Tenant, File: what.file, Note: what.note, Version: what.version,
		Patient: about.Patient, Actor: c.actor.ID, Purpose: c.actor.Session.Purpose, Delivery: in.Delivery,
		Disposition: dispositionFor(in.Disposition, what.contentType), SingleUse: in.SingleUse, Key: c.actor.Session.Key,
		IssuedAt: c.now, ExpiresAt: c.now.Add(min(ttl, ceiling)),
	}
	var token string
	switch {
	case l.Delivery == clinical.Gated:
		token, l.TokenHash = newToken(l.Tenant)
	case l.SingleUse:
		return l, "", clinical.Bad("singleUse", "only a GATED link can be single-use: the bucket does not count fetches")
	default:
		l.Delivery, l.ExpiresAt = clinical.Direct, l.ExpiresAt.Truncate(time.Second)
	}
	return l, token, c.InsertLink(ctx, l)
}

func disclosed(l clinical.Link) func(*clinical.AuditEvent) {
	return func(e *clinical.AuditEvent) {
		e.Entities[0].Version = l.Version
		e.Entities = append(e.Entities, clinical.AuditEntity{Type: "Link", ID: string(l.ID)})
		e.Detail = map[string]string{
			"linkId": string(l.ID), "expiresAt": l.ExpiresAt.Format(time.RFC3339),
			"objectVersion": strconv.Itoa(l.Version), "delivery": string(l.Delivery),
		}
	}
}

// presign makes the bucket's own URL; only here, and only with the decision. at is
// the instant of the call that decided: no other clock has a say in how long the
// URL works.
func (r *Records) presign(ctx context.Context, what content, l clinical.Link, at, expires time.Time) (string, time.Time, error) {
	return r.Bucket.PresignGet(ctx, blob.PresignedGet{
		Decision: what.decision, Document: l.Document(), Key: what.key, LinkID: string(l.ID), At: at, Expires: expires,
		ContentType: what.contentType, ContentDisposition: string(l.Disposition) + `; filename="` + what.name + `"`,
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
	contentType, _, _ = strings.Cut(contentType, ";")
	if want != clinical.Attachment && inlineTypes[contentType] {
		return clinical.Inline
	}
	return clinical.Attachment
}
