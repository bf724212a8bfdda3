package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/uptrace/bun"

	"github.com/bonfiredb/bonfire/clinical"
)

// eventChannel carries every Event to every server as it commits.
const eventChannel = "bonfire_events"

// Event tells the rest of the world that something changed: ids and codes, no
// content. Whoever hears of it asks the gate before reading more.
type Event struct {
	ID          string             `bun:"id,pk" json:"id"`
	Tenant      clinical.TenantID  `bun:"tenant_id,pk" json:"tenant"`
	Type        string             `bun:"type" json:"type"`
	SubjectType string             `bun:"subject_type" json:"subjectType"`
	Subject     string             `bun:"subject_id" json:"subject"`
	Patient     clinical.PatientID `bun:"patient_id,nullzero" json:"patient,omitempty"`
	Version     int                `bun:"version" json:"version"`
	At          time.Time          `bun:"created_at" json:"at"`
}

type eventRow struct {
	bun.BaseModel `bun:"table:outbox,alias:o"`
	Event

	NextAt   time.Time  `bun:"next_at"`
	Attempts int        `bun:"attempts"`
	Place    int64      `bun:"place,nullzero"`
	DeadAt   *time.Time `bun:"dead_at"`
}

// AppendOutbox writes an event to be delivered, and tells every listening server
// when, and only if, the transaction commits.
func (tx *Tx) AppendOutbox(ctx context.Context, e Event) error {
	payload, err := json.Marshal(e)
	if err != nil {
		return internal(err)
	}
	r := eventRow{Event: e, NextAt: e.At}
	if _, err := tx.bun.NewInsert().Model(&r).Exec(ctx); err != nil {
		return taken(err)
	}
	_, err = tx.exec(ctx, `SELECT pg_notify($1, $2)`, eventChannel, string(payload))
	return err
}

// ListenEvents calls heard for each event that commits, on a connection of its
// own, until ctx ends or the connection breaks; then EventsAfter tells what was
// missed. ready, if any, is called once nothing is missed any more.
func (db *DB) ListenEvents(ctx context.Context, ready func(), heard func(Event)) error {
	return db.subscribe(ctx, eventChannel, ready, func(payload string) {
		var e Event
		if err := json.Unmarshal([]byte(payload), &e); err != nil {
			db.log.WarnContext(ctx, "a notification that is none of ours", "channel", eventChannel)
			return
		}
		heard(e)
	})
}

func (r eventRow) event() Event {
	r.At = r.At.UTC()
	return r.Event
}

// DueEvent is an event that waits for delivery.
type DueEvent struct {
	Tenant clinical.TenantID
	ID     string
}

// OutboxWork lists events that are due, of all tenants, the longest waiting first.
func (db *DB) OutboxWork(ctx context.Context, limit int) (due []DueEvent, err error) {
	err = db.across(ctx, func() error {
		rows, err := db.pool.Query(ctx, `SELECT tenant_id, id::text FROM outbox_work($1)`, limit)
		if err != nil {
			return err
		}
		due, err = pgx.CollectRows(rows, pgx.RowToStructByPos[DueEvent])
		return err
	})
	return due, err
}

// ClaimEvent takes an event that is due for delivery and postpones it until
// retry: should the one who took it die, it is due again then. attempt counts
// from 1. NotFound when it is not due, or another server has it.
func (tx *Tx) ClaimEvent(ctx context.Context, id string, retry time.Time) (e Event, attempt int, err error) {
	if !wellFormed(id) {
		return e, 0, clinical.Missing()
	}
	var r eventRow
	err = fail(tx.bun.NewSelect().Model(&r).
		Where("o.tenant_id = ? AND o.id = ? AND o.delivered_at IS NULL AND o.dead_at IS NULL AND o.next_at <= now()", tx.tenant, id).
		For("UPDATE SKIP LOCKED").Scan(ctx))
	if err != nil {
		return e, 0, err
	}
	err = one(tx.exec(ctx, `UPDATE outbox SET next_at = $3, attempts = attempts + 1 WHERE tenant_id = $1 AND id = $2`,
		string(tx.tenant), id, retry))
	return r.event(), r.Attempts + 1, err
}

// MarkDelivered ends the delivery of an event. NotFound when there is none.
func (tx *Tx) MarkDelivered(ctx context.Context, id string, at time.Time) error {
	if !wellFormed(id) {
		return clinical.Missing()
	}
	return one(tx.exec(ctx, `UPDATE outbox SET delivered_at = $3 WHERE tenant_id = $1 AND id = $2`, string(tx.tenant), id, at))
}

// MarkFailed puts the next attempt to deliver an event off until then. NotFound
// when there is no such event.
func (tx *Tx) MarkFailed(ctx context.Context, id string, next time.Time) error {
	if !wellFormed(id) {
		return clinical.Missing()
	}
	return one(tx.exec(ctx, `UPDATE outbox SET next_at = $3 WHERE tenant_id = $1 AND id = $2 AND delivered_at IS NULL`,
		string(tx.tenant), id, next))
}

// MarkDead gives the delivery of an event up; the event itself stays. NotFound
// when there is no such event, or it was delivered.
func (tx *Tx) MarkDead(ctx context.Context, id string, at time.Time) error {
	if !wellFormed(id) {
		return clinical.Missing()
	}
	return one(tx.exec(ctx, `UPDATE outbox SET dead_at = $3 WHERE tenant_id = $1 AND id = $2 AND delivered_at IS NULL`,
		string(tx.tenant), id, at))
}
