package store

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"time"

	"github.com/uptrace/bun"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

type auditRow struct {
	bun.BaseModel `bun:"table:audit_event,alias:a"`

	Tenant     clinical.TenantID      `bun:"tenant_id,pk"`
	ID         clinical.AuditEventID  `bun:"id,pk"`
	RecordedAt time.Time              `bun:"recorded_at,pk"`
	Verb       string                 `bun:"verb"`
	Action     clinical.AuditAction   `bun:"action"`
	Subtype    string                 `bun:"subtype"`
	Outcome    clinical.AuditOutcome  `bun:"outcome"`
	Rule       string                 `bun:"rule"`
	Actor      clinical.ActorID       `bun:"actor_id"`
	ActorKind  clinical.ActorKind     `bun:"actor_kind"`
	OnBehalfOf clinical.ActorID       `bun:"on_behalf_of,nullzero"`
	Roles      []clinical.Role        `bun:"roles,array"`
	Purpose    clinical.PurposeOfUse  `bun:"purpose"`
	Patient    clinical.PatientID     `bun:"patient_id,nullzero"`
	Entities   []clinical.AuditEntity `bun:"entities,type:jsonb"`
	Query      string                 `bun:"query"`
	Detail     map[string]string      `bun:"detail,type:jsonb"`
	RequestID  string                 `bun:"request_id"`
	Repeats    int                    `bun:"repeats,scanonly"`
}

func (r auditRow) event() clinical.AuditEvent {
	return clinical.AuditEvent{
		ID: r.ID, Tenant: r.Tenant, RecordedAt: r.RecordedAt.UTC(), Verb: r.Verb, Action: r.Action, Subtype: r.Subtype,
		Outcome: r.Outcome, Rule: r.Rule, Actor: r.Actor, ActorKind: r.ActorKind, OnBehalfOf: r.OnBehalfOf, Roles: r.Roles,
		Purpose: r.Purpose, Patient: r.Patient, Entities: r.Entities, Query: r.Query, Detail: r.Detail,
		RequestID: r.RequestID, Repeats: r.Repeats,
	}
}

// AppendAudit writes one event in the transaction of what it tells of (P5), and
// lists it to be sealed. Nothing changes or removes it afterwards: the server's
// role may not.
func (tx *Tx) AppendAudit(ctx context.Context, e clinical.AuditEvent) error {
	detail := e.Detail
	if detail == nil {
		detail = map[string]string{}
	}
	r := auditRow{
		Tenant: e.Tenant, ID: e.ID, RecordedAt: e.RecordedAt, Verb: e.Verb, Action: e.Action, Subtype: e.Subtype,
		Outcome: e.Outcome, Rule: e.Rule, Actor: e.Actor, ActorKind: e.ActorKind, OnBehalfOf: e.OnBehalfOf, Roles: present(e.Roles),
		Purpose: e.Purpose, Patient: e.Patient, Entities: present(e.Entities), Query: e.Query, Detail: detail, RequestID: e.RequestID,
	}
	_, err := tx.bun.NewRaw(`WITH e AS (?)
		INSERT INTO audit_unsealed (tenant_id, seq, recorded_at, id) SELECT tenant_id, seq, recorded_at, id FROM e`,
		tx.bun.NewInsert().Model(&r).Returning("tenant_id, seq, recorded_at, id")).Exec(ctx)
	return fail(err)
}

// AppendDenial writes the event of a refusal, unless the same refusal was
// written in this minute: then it is counted with that one, whose id is
// returned. A client that retries cannot flood the trail, and nothing is lost.
func (tx *Tx) AppendDenial(ctx context.Context, e clinical.AuditEvent) (clinical.AuditEventID, error) {
	key, err := denialKey(e)
	if err != nil {
		return "", internal(err)
	}
	var written clinical.AuditEventID
	err = tx.queryRow(ctx, `INSERT INTO audit_denial (tenant_id, key, minute, event_id) VALUES ($1, $2, $3, $4)
		ON CONFLICT (tenant_id, key, minute) DO UPDATE SET repeats = audit_denial.repeats + 1
		RETURNING event_id`, string(tx.tenant), key, e.RecordedAt.UTC().Truncate(time.Minute), string(e.ID)).Scan(&written)
	if err != nil || written != e.ID {
		return written, err
	}
	return written, tx.AppendAudit(ctx, e)
}

// denialKey is what makes two refusals the same: everything but id, time, request
// and detail.
func denialKey(e clinical.AuditEvent) ([]byte, error) {
	e.ID, e.RecordedAt, e.RequestID, e.Detail, e.Repeats = "", time.Time{}, "", nil, 0
	text, err := json.Marshal(e)
	sum := sha256.Sum256(text)
	return sum[:], err
}

// AuditQuery is what a caller looks for in the trail; every condition that is
// set must hold.
type AuditQuery struct {
	Patient  clinical.PatientID
	Entity   string // the id of something an event touched
	Actor    clinical.ActorID
	Actions  []clinical.AuditAction
	Outcomes []clinical.AuditOutcome
	Verbs    []string
	From     *time.Time // inclusive
	Before   *time.Time // exclusive
}

// AuditEvents lists the events that the filter lets through and the query asks
// for, the newest first, each with the repeats counted so far.
func (tx *Tx) AuditEvents(ctx context.Context, f policy.Filter, aq AuditQuery, p clinical.Page) (clinical.Slice[clinical.AuditEvent], error) {
	q := tx.events().Model((*auditRow)(nil))
	if err := allow(tx, q, f, policy.AuditLog); err != nil {
		return clinical.Slice[clinical.AuditEvent]{}, err
	}
	mayRefer(q, "a.patient_id", aq.Patient)
	mayRefer(q, "a.actor_id", aq.Actor)
	if aq.Entity != "" {
		q.Where("a.entities @> jsonb_build_array(jsonb_build_object('id', ?::text))", aq.Entity)
	}
	isOneOf(q, "a.action", aq.Actions)
	isOneOf(q, "a.outcome", aq.Outcomes)
	isOneOf(q, "a.verb", aq.Verbs)
	within(q, "a.recorded_at", aq.From, aq.Before)
	return tx.newestEvents(ctx, q, shapeOf("audit", tx.tenant, f.Actor().ID, aq), p)
}

// AuditPartitions makes the trail's partitions of this month and as many months
// after it; what is there stays.
func (db *DB) AuditPartitions(ctx context.Context, months int) error {
	return db.across(ctx, func() error {
		_, err := db.pool.Exec(ctx, `SELECT audit_partitions($1)`, months)
		return err
	})
}
