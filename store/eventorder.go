package store

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/bonfiredb/bonfire/clinical"
)

// PlacedEvent is an event with its place among its patient's: places count from
// 1, and of two events the one that was to be seen later has the higher one.
type PlacedEvent struct {
	Event
	Place int64
}

// PlaceEvents gives the patient's committed events their places, where they have
// none yet. Readers wait for each other here, and never for a writer: an event
// whose transaction is still open gets its place once it has committed, behind
// everything that anybody may have read by then.
func (tx *Tx) PlaceEvents(ctx context.Context, patient clinical.PatientID) error {
	if !wellFormed(patient) {
		return nil
	}
	var some bool
	err := tx.queryRow(ctx, `SELECT EXISTS (SELECT 1 FROM outbox WHERE tenant_id = $1 AND patient_id = $2 AND place IS NULL)`,
		string(tx.tenant), string(patient)).Scan(&some)
	if err != nil || !some {
		return err
	}
	// The lock is held until the places are committed, and each statement after it
	// sees what the holder before it committed (READ COMMITTED).
	if _, err := tx.exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('outbox ' || $1 || ' ' || $2, 0))`,
		string(tx.tenant), string(patient)); err != nil {
		return err
	}
	_, err = tx.exec(ctx, `UPDATE outbox o SET place = n.place FROM (
			SELECT id, row_number() OVER (ORDER BY id) + (SELECT coalesce(max(place), 0) FROM outbox
				WHERE tenant_id = $1 AND patient_id = $2) AS place
			FROM outbox WHERE tenant_id = $1 AND patient_id = $2 AND place IS NULL) n
		WHERE o.tenant_id = $1 AND o.id = n.id AND o.place IS NULL`, string(tx.tenant), string(patient))
	return err
}

// PatientEvents lists the placed events about a patient whose type begins with
// prefix and whose place is above after, in the order of their places.
func (tx *Tx) PatientEvents(ctx context.Context, patient clinical.PatientID, prefix string, after int64, limit int) ([]PlacedEvent, error) {
	return tx.placed(ctx, patient, prefix, func(q *bun.SelectQuery) {
		q.Where("o.place > ?", after).Order("o.place").Limit(int64(limit))
	})
}

// NewestEvents lists the placed events about a patient whose type begins with
// prefix, the one with the highest place first.
func (tx *Tx) NewestEvents(ctx context.Context, patient clinical.PatientID, prefix string, limit int) ([]PlacedEvent, error) {
	return tx.placed(ctx, patient, prefix, func(q *bun.SelectQuery) {
		q.Where("o.place IS NOT NULL").OrderExpr("o.place DESC").Limit(int64(limit))
	})
}

func (tx *Tx) placed(ctx context.Context, patient clinical.PatientID, prefix string, narrow func(*bun.SelectQuery)) ([]PlacedEvent, error) {
	if !wellFormed(patient) {
		return nil, nil
	}
	var rows []eventRow
	q := tx.bun.NewSelect().Model(&rows).
		Where("o.tenant_id = ? AND o.patient_id = ? AND starts_with(o.type, ?)", tx.tenant, patient, prefix)
	narrow(q)
	err := q.Scan(ctx)
	return mapAll(rows, func(r eventRow) PlacedEvent { return PlacedEvent{Event: r.event(), Place: r.Place} }), fail(err)
}

// UploadPulse changes whenever an upload's offset, length or state does, and
// tells nothing else. NotFound when there is none.
func (tx *Tx) UploadPulse(ctx context.Context, id clinical.UploadID) (pulse string, err error) {
	if !wellFormed(id) {
		return "", clinical.Missing()
	}
	err = tx.queryRow(ctx, `SELECT concat_ws('/', state, at_offset, length, failure_code) FROM upload WHERE tenant_id = $1 AND id = $2`,
		string(tx.tenant), string(id)).Scan(&pulse)
	return pulse, err
}
