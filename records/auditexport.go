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

// ExportAudit hands out a tenant's trail for the command line: each seal with a
// row recorded from from on and before before (nil for no bound), in the order
// of the chain, and after each its rows. What waits is sealed first, so that
// nothing that was committed before the call is left out. It is the program that
// asks, under a policy of its own, and that is an event. Memory is that of a few
// seals, whatever the length; what emit returns ends it.
func (r *Records) ExportAudit(ctx context.Context, t clinical.TenantID, from, before *time.Time, emit func(seal.Item) error) error {
	var d policy.Decision
	actor := systemActor(t)
	actor.Session.RequestID = clinical.NewID[string](r.Now())
	err := r.act(ctx, actor, "exportAudit", func(ctx context.Context, c *call) (err error) {
		if d, err = c.permit(ctx, policy.ReadAudit, policy.OfAuditLog(t, "")); err != nil {
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
	if err := r.sealTenant(ctx, t, true); err != nil {
		return err
	}
	for after, more := int64(0), true; more; {
		var items []seal.Item
		if err := r.Store.InTx(ctx, t, func(ctx context.Context, tx *store.Tx) (err error) {
			items, after, more, err = exportItems(ctx, tx, d, from, before, after)
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

// exportItems reads the next seals and their rows.
func exportItems(ctx context.Context, tx *store.Tx, d policy.Decision, from, before *time.Time, after int64,
) (items []seal.Item, last int64, more bool, err error) {
	seals, err := tx.SealsWithin(ctx, d, from, before, after, exportPage)
	if err != nil {
		return nil, after, false, err
	}
	for _, s := range seals {
		rows, err := tx.SealedRows(ctx, d, s.Seal)
		if err != nil {
			return nil, after, false, err
		}
		repeats, err := tx.Repeated(ctx, d, s.Seal)
		if err != nil {
			return nil, after, false, err
		}
		items = append(items, seal.Item{Seal: &s.Seal})
		for _, r := range rows {
			items = append(items, seal.Item{Row: r, Repeats: repeats[r.ID]})
		}
		last = s.Number
	}
	return items, last, len(seals) == exportPage, nil
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
