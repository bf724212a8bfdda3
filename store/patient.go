package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

type patientRow struct {
	bun.BaseModel `bun:"table:patient,alias:p"`

	Tenant      clinical.TenantID     `bun:"tenant_id,pk"`
	ID          clinical.PatientID    `bun:"id,pk"`
	DisplayName string                `bun:"display_name"`
	Identifiers []clinical.Identifier `bun:"identifiers,type:jsonb"`
	CareGroups  []string              `bun:"care_groups,array"`
	CreatedAt   time.Time             `bun:"created_at"`
	CreatedBy   clinical.ActorID      `bun:"created_by"`
}

func (p patientRow) patient() clinical.Patient {
	return clinical.Patient{
		ID: p.ID, Tenant: p.Tenant, DisplayName: p.DisplayName, Identifiers: p.Identifiers,
		CreatedAt: p.CreatedAt.UTC(), CreatedBy: p.CreatedBy,
	}
}

func (tx *Tx) patientRow(ctx context.Context, id clinical.PatientID) (p patientRow, err error) {
	if !wellFormed(id) {
		return p, clinical.Missing()
	}
	return p, fail(tx.bun.NewSelect().Model(&p).Where("p.tenant_id = ? AND p.id = ?", tx.tenant, id).Scan(ctx))
}

// PatientSubject is what the gate looks at of a patient; NotFound when there is none.
func (tx *Tx) PatientSubject(ctx context.Context, id clinical.PatientID) (policy.Resource, error) {
	p, err := tx.patientRow(ctx, id)
	if err != nil {
		return policy.Resource{}, err
	}
	return policy.OfPatient(p.patient(), p.CareGroups), nil
}

// Patient reads the patient that the decision is about.
func (tx *Tx) Patient(ctx context.Context, d policy.Decision) (clinical.Patient, error) {
	id := d.Resource().ID
	if err := covered(d, policy.Patient, id); err != nil {
		return clinical.Patient{}, err
	}
	p, err := tx.patientRow(ctx, clinical.PatientID(id))
	return p.patient(), err
}

// nobody is a patient that no clinic has.
const nobody clinical.PatientID = "00000000-0000-7000-8000-000000000000"

// groupsAround are the care groups of the patient of a row that was looked up with
// err. A missing row costs the same look-up: no clock tells it from a hidden one.
func (tx *Tx) groupsAround(ctx context.Context, patient clinical.PatientID, err error) ([]string, error) {
	if err == nil {
		return tx.CareGroups(ctx, patient)
	}
	if clinical.Is(err, clinical.NotFound) {
		_, _ = tx.CareGroups(ctx, nobody) // that there is none is known
	}
	return nil, err
}

// CareGroups are the care groups of a patient, which the gate looks at with
// whatever is, or is about to be, in the chart. NotFound when there is no such
// patient.
func (tx *Tx) CareGroups(ctx context.Context, id clinical.PatientID) ([]string, error) {
	p, err := tx.patientRow(ctx, id)
	return p.CareGroups, err
}

// Patients lists the patients that the filter lets through, in the order of
// their ids, which is that of registration. A text finds what it is part of in
// a name, or is an identifier's whole value; "" finds everybody.
func (tx *Tx) Patients(ctx context.Context, f policy.Filter, text string, p clinical.Page) (clinical.Slice[clinical.Patient], error) {
	q := tx.bun.NewSelect().Model((*patientRow)(nil)).Where("p.tenant_id = ?", tx.tenant)
	if err := allow(tx, q, f, policy.Patient); err != nil {
		return clinical.Slice[clinical.Patient]{}, err
	}
	if text != "" {
		q.Where("(p.display_name ILIKE ? OR p.identifiers @> jsonb_build_array(jsonb_build_object('value', ?::text)))",
			containing(text), text)
	}
	rows, err := page(ctx, tx, q, order[patientRow]{id: "p.id"}, shapeOf("patients", tx.tenant, f.Actor().ID, text), p,
		func(r patientRow) string { return string(r.ID) }, scanAll)
	return mapSlice(rows, patientRow.patient), err
}

// PatientsByIDs reads those of the patients that the filter lets through, in no
// particular order.
func (tx *Tx) PatientsByIDs(ctx context.Context, f policy.Filter, ids []clinical.PatientID) ([]clinical.Patient, error) {
	var rows []patientRow
	q := tx.bun.NewSelect().Model(&rows).Where("p.tenant_id = ? AND p.id = ANY(?::uuid[])", tx.tenant, array(onlyWellFormed(ids)))
	if err := allow(tx, q, f, policy.Patient); err != nil {
		return nil, err
	}
	err := q.Scan(ctx)
	return mapAll(rows, patientRow.patient), fail(err)
}

// InsertPatient writes a new patient. Conflict when the id is taken.
func (tx *Tx) InsertPatient(ctx context.Context, p clinical.Patient, careGroups []string) error {
	row := patientRow{
		Tenant: p.Tenant, ID: p.ID, DisplayName: p.DisplayName, Identifiers: present(p.Identifiers),
		CareGroups: present(careGroups), CreatedAt: p.CreatedAt, CreatedBy: p.CreatedBy,
	}
	_, err := tx.bun.NewInsert().Model(&row).Exec(ctx)
	return taken(err)
}
