package graph

import (
	"context"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/graph/generated"
	"github.com/bonfiredb/bonfire/graph/model"
	"github.com/bonfiredb/bonfire/records"
)

type patientFields struct{ *resolver }

// Patient resolves the fields of Patient that cross to other entities.
func (r *resolver) Patient() generated.PatientResolver { return patientFields{r} }

// Patient resolves Query.patient.
func (q query) Patient(ctx context.Context, id string) (*model.Patient, error) {
	p, err := q.records.Patient(ctx, auth.Actor(ctx), clinical.PatientID(id))
	return translated(p, err, patientOf)
}

// Patients resolves Query.patients: those whom the caller may see.
func (q query) Patients(ctx context.Context, first *int, after, text *string) (*model.PatientConnection, error) {
	page, err := pageOf(first, after, nil, nil)
	if err != nil {
		return nil, err
	}
	list, err := q.records.Patients(ctx, auth.Actor(ctx), deref(text), page)
	return translated(list, err, patientConnection)
}

// RegisterPatient resolves Mutation.registerPatient: a new chart.
func (m mutation) RegisterPatient(ctx context.Context, in model.RegisterPatientInput) (*model.RegisterPatientPayload, error) {
	chart := records.RegisterPatient{DisplayName: deref(in.DisplayName), IdempotencyKey: deref(in.IdempotencyKey)}
	for _, id := range in.Identifiers {
		chart.Identifiers = append(chart.Identifiers, clinical.Identifier{System: id.System, Value: id.Value})
	}
	p, err := m.records.RegisterPatient(ctx, auth.Actor(ctx), chart)
	return translated(p, err, func(p clinical.Patient) *model.RegisterPatientPayload {
		return &model.RegisterPatientPayload{Patient: patientOf(p)}
	})
}

// Files resolves Patient.files.
func (p patientFields) Files(
	ctx context.Context, of *model.Patient, first *int, after *string, last *int, before *string,
	filter *model.FileFilter, order *model.FileOrder,
) (*model.FileConnection, error) {
	return p.files(ctx, of.Noun.ID, first, after, last, before, filter, order)
}

// Notes resolves Patient.notes.
func (p patientFields) Notes(
	ctx context.Context, of *model.Patient, first *int, after *string, last *int, before *string, filter *model.NoteFilter,
) (*model.NoteConnection, error) {
	return p.notes(ctx, of.Noun.ID, first, after, last, before, noteQuery(filter))
}

// loadPatient gives the patient that a noun belongs to.
func loadPatient(ctx context.Context, id clinical.PatientID) (*model.Patient, error) {
	p, err := loadersOf(ctx).patients.load(ctx, id)
	return translated(p, err, patientOf)
}

func patientOf(p clinical.Patient) *model.Patient {
	return &model.Patient{ID: string(p.ID), DisplayName: optional(p.DisplayName), Noun: p}
}

func patientConnection(s clinical.Slice[clinical.Patient]) *model.PatientConnection {
	c := &model.PatientConnection{PageInfo: pageInfo(s)}
	for i, p := range s.Items {
		node := patientOf(p)
		c.Nodes = append(c.Nodes, node)
		c.Edges = append(c.Edges, &model.PatientEdge{Cursor: s.Cursors[i], Node: node})
	}
	return c
}
