package records

import (
	"context"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/store"
)

// forgetBatch is how many patients are listed at a time.
const forgetBatch = 500

// ForgetEvents removes, of all tenants, events that are older than that and wait
// for no delivery. A patient's newest one stays. Who comes back with an older
// cursor is told (WatchFiles).
func (r *Records) ForgetEvents(ctx context.Context, age time.Duration) error {
	tenants, err := r.Store.Tenants(ctx)
	if err != nil {
		return err
	}
	before := r.Now().Add(-age).UTC()
	for _, t := range tenants {
		if err := r.forgetEvents(ctx, t, before); err != nil {
			return err
		}
	}
	return nil
}

func (r *Records) forgetEvents(ctx context.Context, t clinical.TenantID, before time.Time) error {
	for patients := []clinical.PatientID{""}; len(patients) > 0; {
		err := r.Store.InTx(ctx, t, func(ctx context.Context, tx *store.Tx) (err error) {
			if _, err = tx.ForgetOtherEvents(ctx, before); err != nil {
				return err
			}
			patients, err = tx.PatientsOfEvents(ctx, before, patients[len(patients)-1], forgetBatch)
			return err
		})
		if err != nil {
			return err
		}
		for _, p := range patients {
			if err := r.Store.InTx(ctx, t, func(ctx context.Context, tx *store.Tx) error {
				if err := tx.PlaceEvents(ctx, p); err != nil {
					return err
				}
				_, err := tx.ForgetEvents(ctx, p, before)
				return err
			}); err != nil {
				return err
			}
		}
	}
	return nil
}
