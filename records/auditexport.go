package records

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
	"github.com/bonfiredb/bonfire/seal"
	"github.com/bonfiredb/bonfire/store"
)

// exportPage is how many seals are read at a time.
const exportPage = 4

// ExportAudit hands out the trail of the actor's tenant: the seals that hold the
// rows recorded from from on and before before (nil for no bound), without gaps
// and in the order of the chain, and after each its rows. What waits is sealed
// first, so that nothing that was committed before the call is left out. The
// export is an event itself. Memory is that of a few seals, whatever the length;
// what emit returns ends it. Forbidden to those who do not read the whole trail.
func (r *Records) ExportAudit(ctx context.Context, actor clinical.Actor, from, before *time.Time, emit func(seal.Item) error) error {
	var d policy.Decision
	err := r.act(ctx, actor, "exportAudit", func(ctx context.Context, c *call) (err error) {
		if d, err = c.permit(ctx, policy.ReadAudit, policy.OfAuditLog(actor.Tenant, "")); err != nil {
			return err
		}
		_, err = c.audit(ctx, d, func(e *clinical.AuditEvent) {
			e.Detail = map[string]string{"range": AuditQuery{From: from, Before: before}.String()}
		})
		return err
	})
	if err != nil {
		return err
	}
	if err := r.sealTenant(ctx, actor.Tenant, true); err != nil {
		return err
	}
	if err := r.anchorNow(ctx, actor.Tenant); err != nil { // the server's own sealer will
		r.Log.WarnContext(ctx, "audit trail", "work", "anchor", "error", err)
	}
	x := auditExport{d: d}
	if err := r.Store.InTx(ctx, actor.Tenant, func(ctx context.Context, tx *store.Tx) (err error) {
		x.after, x.last, err = tx.SealsWithin(ctx, d, from, before)
		return err
	}); err != nil {
		return err
	}
	for x.after < x.last {
		var items []seal.Item
		after := x.after
		if err := r.Store.InTx(ctx, actor.Tenant, func(ctx context.Context, tx *store.Tx) (err error) {
			x.after = after
			items, err = x.next(ctx, tx)
			return err
		}); err != nil {
			return err
		}
		for _, i := range items {
			if err := emit(i); err != nil {
				return err
			}
		}
	}
	return nil
}

// auditExport is an export under way: the seals after the one, up to the last.
type auditExport struct {
	d           policy.Decision
	after, last int64
}

// next reads the next seals and their rows.
func (x *auditExport) next(ctx context.Context, tx *store.Tx) (items []seal.Item, err error) {
	seals, err := tx.Seals(ctx, x.after, int(min(exportPage, x.last-x.after)))
	if err != nil || len(seals) == 0 {
		x.after = x.last // some were removed: the check says so
		return nil, err
	}
	for _, s := range seals {
		rows, err := tx.SealedRows(ctx, x.d, s.Seal)
		if err != nil {
			return nil, err
		}
		repeats, err := tx.Repeated(ctx, x.d, s.Seal)
		if err != nil {
			return nil, err
		}
		items = append(items, seal.Item{Seal: &s.Seal})
		for _, r := range rows {
			items = append(items, seal.Item{Row: r, Repeats: repeats[r.ID]})
		}
		x.after = s.Number
	}
	return items, nil
}

// AuditEventOf is the event that a row of an export tells of, by the row alone.
func AuditEventOf(i seal.Item) (clinical.AuditEvent, error) {
	var c struct {
		ID         clinical.AuditEventID  `json:"id"`
		Tenant     clinical.TenantID      `json:"tenant_id"`
		RecordedAt time.Time              `json:"recorded_at"`
		Verb       string                 `json:"verb"`
		Action     clinical.AuditAction   `json:"action"`
		Subtype    string                 `json:"subtype"`
		Outcome    clinical.AuditOutcome  `json:"outcome"`
		Rule       string                 `json:"rule"`
		Actor      clinical.ActorID       `json:"actor_id"`
		ActorKind  clinical.ActorKind     `json:"actor_kind"`
		OnBehalfOf clinical.ActorID       `json:"on_behalf_of"`
		Roles      []clinical.Role        `json:"roles"`
		Purpose    clinical.PurposeOfUse  `json:"purpose"`
		Patient    clinical.PatientID     `json:"patient_id"`
		Entities   []clinical.AuditEntity `json:"entities"`
		Query      string                 `json:"query"`
		Detail     map[string]string      `json:"detail"`
		RequestID  string                 `json:"request_id"`
	}
	if err := json.Unmarshal(i.Row.Canonical(), &c); err != nil {
		return clinical.AuditEvent{}, clinical.Fail(clinical.Internal, "internal error", fmt.Errorf("row %d of the trail: %w", i.Row.Seq, err))
	}
	return clinical.AuditEvent{
		ID: c.ID, Tenant: c.Tenant, RecordedAt: c.RecordedAt, Verb: c.Verb, Action: c.Action, Subtype: c.Subtype, Outcome: c.Outcome,
		Rule: c.Rule, Actor: c.Actor, ActorKind: c.ActorKind, OnBehalfOf: c.OnBehalfOf, Roles: c.Roles, Purpose: c.Purpose,
		Patient: c.Patient, Entities: c.Entities, Query: c.Query, Detail: c.Detail, RequestID: c.RequestID, Repeats: i.Repeats,
	}, nil
}
