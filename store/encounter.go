package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

type encounterRow struct {
	bun.BaseModel `bun:"table:encounter,alias:e"`

	Tenant    clinical.TenantID    `bun:"tenant_id,pk"`
	ID        clinical.EncounterID `bun:"id,pk"`
	Patient   clinical.PatientID   `bun:"patient_id"`
	Status    string               `bun:"status"`
	StartedAt *time.Time           `bun:"started_at"`
	EndedAt   *time.Time           `bun:"ended_at"`
	CreatedAt time.Time            `bun:"created_at"`
	CreatedBy clinical.ActorID     `bun:"created_by"`
}

func (e encounterRow) encounter() clinical.Encounter {
	return clinical.Encounter{
		ID: e.ID, Tenant: e.Tenant, Patient: e.Patient, Status: e.Status,
		StartedAt: utc(e.StartedAt), EndedAt: utc(e.EndedAt), CreatedAt: e.CreatedAt.UTC(), CreatedBy: e.CreatedBy,
	}
}

func (tx *Tx) encounterRow(ctx context.Context, id clinical.EncounterID) (e encounterRow, err error) {
	if !wellFormed(id) {
		return e, clinical.Missing()
	}
	return e, fail(tx.bun.NewSelect().Model(&e).Where("e.tenant_id = ? AND e.id = ?", tx.tenant, id).Scan(ctx))
}

// EncounterSubject is what the gate looks at of a visit; NotFound when there is none.
func (tx *Tx) EncounterSubject(ctx context.Context, id clinical.EncounterID) (policy.Resource, error) {
	e, err := tx.encounterRow(ctx, id)
	if err != nil {
		return policy.Resource{}, err
	}
	groups, err := tx.CareGroups(ctx, e.Patient)
	return policy.OfEncounter(e.encounter(), groups), err
}

// Encounter reads the visit that the decision is about.
func (tx *Tx) Encounter(ctx context.Context, d policy.Decision) (clinical.Encounter, error) {
	id := d.Resource().ID
	if err := covered(d, policy.Encounter, id); err != nil {
		return clinical.Encounter{}, err
	}
	e, err := tx.encounterRow(ctx, clinical.EncounterID(id))
	return e.encounter(), err
}

// EncounterOf checks that a visit is one of this patient's: NotFound when it is
// not, as when there is none. It tells nothing else, and needs no decision of
// its own beside that about the patient.
func (tx *Tx) EncounterOf(ctx context.Context, patient clinical.PatientID, id clinical.EncounterID) error {
	e, err := tx.encounterRow(ctx, id)
	if err == nil && e.Patient != patient {
		return clinical.Missing()
	}
	return err
}

// InsertEncounter writes a new visit. NotFound when there is no such patient,
// Conflict when the id is taken.
func (tx *Tx) InsertEncounter(ctx context.Context, e clinical.Encounter) error {
	row := encounterRow{
		Tenant: e.Tenant, ID: e.ID, Patient: e.Patient, Status: e.Status,
		StartedAt: e.StartedAt, EndedAt: e.EndedAt, CreatedAt: e.CreatedAt, CreatedBy: e.CreatedBy,
	}
	_, err := tx.bun.NewInsert().Model(&row).Exec(ctx)
	return taken(err)
}
