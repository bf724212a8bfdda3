package graph

import (
	"context"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/graph/generated"
	"github.com/bonfiredb/bonfire/graph/model"
	"github.com/bonfiredb/bonfire/records"
)

type encounterFields struct{ *resolver }

// Encounter resolves the fields of Encounter that cross to other entities.
func (r *resolver) Encounter() generated.EncounterResolver { return encounterFields{r} }

// Patient resolves Encounter.patient.
func (encounterFields) Patient(ctx context.Context, e *model.Encounter) (*model.Patient, error) {
	return loadPatient(ctx, e.Noun.Patient)
}

// OpenEncounter resolves Mutation.openEncounter: a new visit.
func (m mutation) OpenEncounter(ctx context.Context, in model.OpenEncounterInput) (*model.OpenEncounterPayload, error) {
	e, err := m.records.OpenEncounter(ctx, auth.Actor(ctx), records.OpenEncounter{
		Patient:        clinical.PatientID(in.PatientID),
		StartedAt:      in.StartedAt,
		IdempotencyKey: deref(in.IdempotencyKey),
	})
	return translated(e, err, func(e clinical.Encounter) *model.OpenEncounterPayload {
		return &model.OpenEncounterPayload{Encounter: encounterOf(e)}
	})
}

func encounterOf(e clinical.Encounter) *model.Encounter {
	return &model.Encounter{ID: string(e.ID), Status: e.Status, StartedAt: e.StartedAt, EndedAt: e.EndedAt, Noun: e}
}
