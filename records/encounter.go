package records

import (
	"context"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

// OpenEncounter begins a visit of a patient.
func (r *Records) OpenEncounter(ctx context.Context, actor clinical.Actor, in OpenEncounter) (e clinical.Encounter, err error) {
	err = r.act(ctx, actor, "openEncounter", func(ctx context.Context, c *call) error {
		patient, err := subject(ctx, c, policy.Patient, in.Patient, c.PatientSubject)
		if err != nil {
			return onField("patientId", err)
		}
		e = clinical.Encounter{
			ID: clinical.NewID[clinical.EncounterID](c.now), Tenant: actor.Tenant, Patient: in.Patient,
			Status: "in-progress", StartedAt: in.StartedAt, CreatedAt: c.now, CreatedBy: actor.ID,
		}
		if e.StartedAt == nil {
			e.StartedAt = &c.now
		}
		d, err := c.permit(ctx, policy.OpenEncounter, policy.OfEncounter(e, patient.CareGroups))
		if err != nil {
			return onField("patientId", err)
		}
		if again, err := remember(ctx, c, in.IdempotencyKey, in, e.ID); err != nil || again != e.ID {
			if err == nil {
				e, err = c.encounter(ctx, again)
			}
			return err
		}
		if err := c.InsertEncounter(ctx, e); err != nil {
			return err
		}
		_, err = c.audit(ctx, d)
		return err
	})
	return e, err
}

// Encounter reads one visit.
func (r *Records) Encounter(ctx context.Context, actor clinical.Actor, id clinical.EncounterID) (e clinical.Encounter, err error) {
	err = r.act(ctx, actor, "encounter", func(ctx context.Context, c *call) error {
		e, err = c.encounter(ctx, id)
		return err
	})
	return e, err
}

func (c *call) encounter(ctx context.Context, id clinical.EncounterID) (clinical.Encounter, error) {
	res, err := subject(ctx, c, policy.Encounter, id, c.EncounterSubject)
	if err != nil {
		return clinical.Encounter{}, err
	}
	d, err := c.permit(ctx, policy.ReadEncounter, res)
	if err != nil {
		return clinical.Encounter{}, err
	}
	if _, err := c.audit(ctx, d); err != nil {
		return clinical.Encounter{}, err
	}
	return c.Tx.Encounter(ctx, d)
}
