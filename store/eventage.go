package store

import (
	"cmp"
	"context"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
)

// spent is an event from before $2 that waits for no delivery: one that does is
// due again after that, until it is given up.
const spent = `created_at < $2 AND (delivered_at IS NOT NULL OR dead_at IS NOT NULL OR next_at < $2)`

// PatientsOfEvents lists patients with events from before an instant, in the
// order of their ids, behind one; "" is the beginning.
func (tx *Tx) PatientsOfEvents(ctx context.Context, before time.Time, after clinical.PatientID, limit int) (ids []clinical.PatientID, err error) {
	rows, err := tx.query(ctx, `SELECT DISTINCT patient_id::text FROM outbox
		WHERE tenant_id = $1 AND created_at < $2 AND patient_id > $3::uuid ORDER BY 1 LIMIT $4`,
		string(tx.tenant), before, cmp.Or(string(after), "00000000-0000-0000-0000-000000000000"), limit)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id clinical.PatientID
		if err := rows.Scan(&id); err != nil {
			return nil, fail(err)
		}
		ids = append(ids, id)
	}
	return ids, fail(rows.Err())
}

// ForgetEvents removes a patient's placed events from before an instant, in the
// order of their places up to the first that is younger, or waits for delivery,
// or is the newest, from which the next place is counted. So places have no gap
// but before the first one (FirstPlace).
func (tx *Tx) ForgetEvents(ctx context.Context, patient clinical.PatientID, before time.Time) (int64, error) {
	return tx.exec(ctx, `DELETE FROM outbox WHERE tenant_id = $1 AND patient_id = $3 AND place < (
		SELECT min(place) FROM outbox WHERE tenant_id = $1 AND patient_id = $3 AND (NOT (`+spent+`)
		   OR place = (SELECT max(place) FROM outbox WHERE tenant_id = $1 AND patient_id = $3)))`,
		string(tx.tenant), before, string(patient))
}

// ForgetOtherEvents removes events from before an instant that are about no patient.
func (tx *Tx) ForgetOtherEvents(ctx context.Context, before time.Time) (int64, error) {
	return tx.exec(ctx, `DELETE FROM outbox WHERE tenant_id = $1 AND patient_id IS NULL AND `+spent, string(tx.tenant), before)
}

// FirstPlace is the lowest place among the events about a patient that are kept;
// 0 when there are none.
func (tx *Tx) FirstPlace(ctx context.Context, patient clinical.PatientID) (place int64, err error) {
	if !wellFormed(patient) {
		return 0, nil
	}
	err = tx.queryRow(ctx, `SELECT coalesce(min(place), 0) FROM outbox WHERE tenant_id = $1 AND patient_id = $2`,
		string(tx.tenant), string(patient)).Scan(&place)
	return place, err
}
