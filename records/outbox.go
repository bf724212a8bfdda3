package records

import (
	"context"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/events"
	"github.com/bonfiredb/bonfire/store"
)

// Outbox is where the clinics' events wait for the webhook.
func (r *Records) Outbox() events.Outbox { return outbox{r} }

// Announced receives when an event has committed on any replica, as far as this
// one listens, until stop is called.
func (r *Records) Announced() (soon <-chan struct{}, stop func(), err error) {
	w, err := r.hub.Watch("outbox", topicOfOutbox, 0, nil)
	if err != nil {
		return nil, nil, err
	}
	return w.C, w.Close, nil
}

// outbox is the store's, one transaction for each step.
type outbox struct{ r *Records }

func (o outbox) Due(ctx context.Context, limit int) (out []events.Ref, err error) {
	due, err := o.r.Store.OutboxWork(ctx, limit)
	for _, d := range due {
		out = append(out, events.Ref{Tenant: string(d.Tenant), ID: d.ID})
	}
	return out, err
}

func (o outbox) Claim(ctx context.Context, ref events.Ref, retry time.Time) (out events.Event, attempt int, err error) {
	err = o.in(ctx, ref, func(ctx context.Context, tx *store.Tx) error {
		e, n, err := tx.ClaimEvent(ctx, ref.ID, retry)
		out, attempt = events.Event{
			ID: e.ID, Tenant: string(e.Tenant), Type: e.Type, SubjectType: e.SubjectType, Subject: e.Subject,
			Patient: string(e.Patient), Version: e.Version, At: e.At,
		}, n
		return err
	})
	if clinical.Is(err, clinical.NotFound) {
		return events.Event{}, 0, nil // somebody was quicker
	}
	return out, attempt, err
}

func (o outbox) Delivered(ctx context.Context, ref events.Ref) error {
	return o.in(ctx, ref, func(ctx context.Context, tx *store.Tx) error { return tx.MarkDelivered(ctx, ref.ID, o.r.Now()) })
}

func (o outbox) Failed(ctx context.Context, ref events.Ref, next time.Time) error {
	return o.in(ctx, ref, func(ctx context.Context, tx *store.Tx) error { return tx.MarkFailed(ctx, ref.ID, next) })
}

func (o outbox) GiveUp(ctx context.Context, ref events.Ref) error {
	return o.in(ctx, ref, func(ctx context.Context, tx *store.Tx) error { return tx.MarkDead(ctx, ref.ID, o.r.Now()) })
}

func (o outbox) in(ctx context.Context, ref events.Ref, step func(context.Context, *store.Tx) error) error {
	return o.r.Store.InTx(ctx, clinical.TenantID(ref.Tenant), step)
}
