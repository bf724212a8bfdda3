package graph

import (
	"context"
	"time"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/graph/generated"
	"github.com/bonfiredb/bonfire/graph/model"
	"github.com/bonfiredb/bonfire/records"
)

type linkFields struct{ *resolver }

// Link resolves the fields of Link that cross to other entities.
func (r *resolver) Link() generated.LinkResolver { return linkFields{r} }

// IssuedTo resolves Link.issuedTo.
func (linkFields) IssuedTo(ctx context.Context, l *model.Link) (*model.Actor, error) {
	return principal(ctx, l.Noun.Actor)
}

// SignedURL resolves Mutation.signedUrl.
func (m mutation) SignedURL(
	ctx context.Context, document string, expiresIn *int, delivery clinical.Delivery,
	disposition clinical.Disposition, singleUse bool, purpose *clinical.PurposeOfUse,
) (*model.SignedURL, error) {
	link, err := m.records.SignedURL(ctx, auth.Actor(ctx), records.SignedURL{
		Document:    document,
		TTL:         time.Duration(deref(expiresIn)) * time.Second,
		Delivery:    delivery,
		Disposition: disposition,
		SingleUse:   singleUse,
		Purpose:     deref(purpose),
	})
	return translated(link, err, func(s records.SignedLink) *model.SignedURL {
		return &model.SignedURL{URL: s.URL, ExpiresAt: s.Link.ExpiresAt, DocumentID: document,
			LinkID: string(s.Link.ID), AuditEventID: string(s.Audit)}
	})
}

// RevokeLinks resolves Mutation.revokeLinks.
func (m mutation) RevokeLinks(ctx context.Context, in model.RevokeLinksInput) (*model.RevokeLinksPayload, error) {
	which, err := revokeLinks(in)
	if err != nil {
		return nil, err
	}
	links, err := m.records.RevokeLinks(ctx, auth.Actor(ctx), which)
	return translated(links, err, revokedLinks)
}

// revokeLinks refuses input that names no link, file, person or patient (it
// would mean all), or more than one.
func revokeLinks(in model.RevokeLinksInput) (records.RevokeLinks, error) {
	named := 0
	for _, id := range []*string{in.LinkID, in.FileID, in.NoteID, in.ActorID, in.PatientID} {
		if deref(id) != "" {
			named++
		}
	}
	if named != 1 {
		return records.RevokeLinks{}, clinical.Bad("input", "name exactly one of linkId, fileId, noteId, actorId and patientId")
	}
	return records.RevokeLinks{
		Link:    clinical.LinkID(deref(in.LinkID)),
		File:    clinical.FileID(deref(in.FileID)),
		Note:    clinical.NoteID(deref(in.NoteID)),
		Actor:   clinical.ActorID(deref(in.ActorID)),
		Patient: clinical.PatientID(deref(in.PatientID)),
		Reason:  in.Reason,
	}, nil
}

func revokedLinks(links []clinical.Link) *model.RevokeLinksPayload {
	out := &model.RevokeLinksPayload{Revoked: len(links)}
	now := time.Now()
	for _, l := range links {
		out.Links = append(out.Links, linkOf(l, now))
	}
	return out
}

func linkOf(l clinical.Link, now time.Time) *model.Link {
	return &model.Link{
		ID:            string(l.ID),
		Delivery:      l.Delivery,
		State:         l.State(now),
		IssuedAt:      l.IssuedAt,
		ExpiresAt:     l.ExpiresAt,
		UsedAt:        l.UsedAt,
		RevokedAt:     l.RevokedAt,
		RevokedReason: optional(l.RevokedReason),
		PurposeOfUse:  l.Purpose,
		Noun:          l,
	}
}
