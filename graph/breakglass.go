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

type (
	breakGlassGrantFields  struct{ *resolver }
	breakGlassReviewFields struct{ *resolver }
)

// BreakGlassGrant resolves the fields of BreakGlassGrant that cross to other entities.
func (r *resolver) BreakGlassGrant() generated.BreakGlassGrantResolver {
	return breakGlassGrantFields{r}
}

// BreakGlassReview resolves the fields of BreakGlassReview that cross to other entities.
func (r *resolver) BreakGlassReview() generated.BreakGlassReviewResolver {
	return breakGlassReviewFields{r}
}

// BreakGlass resolves Mutation.breakGlass.
func (m mutation) BreakGlass(ctx context.Context, in model.BreakGlassInput) (*model.BreakGlassPayload, error) {
	out, err := m.records.BreakGlass(ctx, auth.Actor(ctx), records.BreakGlass{
		Patient: clinical.PatientID(in.PatientID), Reason: in.Reason, TTL: time.Duration(in.ExpiresIn) * time.Second,
	})
	return translated(out, err, func(b records.BrokenGlass) *model.BreakGlassPayload {
		return &model.BreakGlassPayload{
			GrantID: string(b.Grant.ID), Patient: patientOf(b.Patient),
			ExpiresAt: b.Grant.ExpiresAt, AuditEventID: string(b.Grant.Audit),
		}
	})
}

// BreakGlassReviews resolves Query.breakGlassReviews.
func (q query) BreakGlassReviews(
	ctx context.Context, first *int, after *string, waiting bool,
) (*model.BreakGlassGrantConnection, error) {
	page, err := pageOf(first, after, nil, nil)
	if err != nil {
		return nil, err
	}
	list, err := q.records.BreakGlassReviews(ctx, auth.Actor(ctx), records.BreakGlassQuery{Waiting: waiting, Page: page})
	return translated(list, err, breakGlassConnection)
}

// ReviewBreakGlass resolves Mutation.reviewBreakGlass.
func (m mutation) ReviewBreakGlass(ctx context.Context, in model.ReviewBreakGlassInput) (*model.ReviewBreakGlassPayload, error) {
	b, err := m.records.ReviewBreakGlass(ctx, auth.Actor(ctx), records.ReviewBreakGlass{
		Grant: clinical.GrantID(in.GrantID), Verdict: in.Verdict, Remark: deref(in.Remark),
	})
	return translated(b, err, func(b clinical.BreakGlass) *model.ReviewBreakGlassPayload {
		return &model.ReviewBreakGlassPayload{Grant: breakGlassOf(b)}
	})
}

// GrantedTo resolves BreakGlassGrant.grantedTo.
func (breakGlassGrantFields) GrantedTo(ctx context.Context, b *model.BreakGlassGrant) (*model.Actor, error) {
	return principal(ctx, b.Noun.Member)
}

// Patient resolves BreakGlassGrant.patient.
func (breakGlassGrantFields) Patient(ctx context.Context, b *model.BreakGlassGrant) (*model.Patient, error) {
	return loadPatient(ctx, b.Noun.Patient)
}

// ReviewedBy resolves BreakGlassReview.reviewedBy.
func (breakGlassReviewFields) ReviewedBy(ctx context.Context, r *model.BreakGlassReview) (*model.Actor, error) {
	return principal(ctx, r.Noun.By)
}

func breakGlassOf(b clinical.BreakGlass) *model.BreakGlassGrant {
	out := &model.BreakGlassGrant{
		ID: string(b.ID), PatientID: string(b.Patient), Reason: b.Reason, GrantedAt: b.GrantedAt, ExpiresAt: b.ExpiresAt,
		AuditEventID: string(b.Audit), Noun: b,
	}
	if r := b.Review; r != nil {
		out.Review = &model.BreakGlassReview{Verdict: r.Verdict, ReviewedAt: r.At, Remark: optional(r.Remark), Noun: *r}
	}
	return out
}

func breakGlassConnection(s clinical.Slice[clinical.BreakGlass]) *model.BreakGlassGrantConnection {
	c := &model.BreakGlassGrantConnection{PageInfo: pageInfo(s)}
	for i, b := range s.Items {
		node := breakGlassOf(b)
		c.Nodes = append(c.Nodes, node)
		c.Edges = append(c.Edges, &model.BreakGlassGrantEdge{Cursor: s.Cursors[i], Node: node})
	}
	return c
}
