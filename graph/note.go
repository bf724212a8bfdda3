package graph

import (
	"context"
	"encoding/json"

	"github.com/bonfiredb/bonfire/graph/generated"
	"github.com/bonfiredb/bonfire/graph/model"
)

type noteFields struct{ *resolver }

// Note resolves the fields of Note that cross to other entities.
func (r *resolver) Note() generated.NoteResolver { return noteFields{r} }

// Note resolves Query.note.
func (q query) Note(context.Context, string) (*model.Note, error) { return nil, notYet() }

// Notes resolves Query.notes.
func (q query) Notes(
	context.Context, string, *int, *string, *int, *string, *model.NoteFilter,
) (*model.NoteConnection, error) {
	return nil, notYet()
}

// CreateNote resolves Mutation.createNote.
func (m mutation) CreateNote(context.Context, model.CreateNoteInput) (*model.CreateNotePayload, error) {
	return nil, notYet()
}

// UpdateNoteDraft resolves Mutation.updateNoteDraft.
func (m mutation) UpdateNoteDraft(context.Context, model.UpdateNoteDraftInput) (*model.UpdateNoteDraftPayload, error) {
	return nil, notYet()
}

// SignNote resolves Mutation.signNote.
func (m mutation) SignNote(context.Context, model.SignNoteInput) (*model.SignNotePayload, error) {
	return nil, notYet()
}

// AmendNote resolves Mutation.amendNote.
func (m mutation) AmendNote(context.Context, model.AmendNoteInput) (*model.CreateNotePayload, error) {
	return nil, notYet()
}

// RetractNote resolves Mutation.retractNote.
func (m mutation) RetractNote(context.Context, model.RetractNoteInput) (*model.RetractNotePayload, error) {
	return nil, notYet()
}

// Author resolves Note.author.
func (noteFields) Author(context.Context, *model.Note) (*model.Actor, error) { return nil, notYet() }

// Signer resolves Note.signer.
func (noteFields) Signer(context.Context, *model.Note) (*model.Actor, error) { return nil, notYet() }

// Patient resolves Note.patient.
func (noteFields) Patient(context.Context, *model.Note) (*model.Patient, error) {
	return nil, notYet()
}

// DerivedFrom resolves Note.derivedFrom.
func (noteFields) DerivedFrom(context.Context, *model.Note) ([]*model.File, error) {
	return nil, notYet()
}

// Amends resolves Note.amends.
func (noteFields) Amends(context.Context, *model.Note) (*model.Note, error) { return nil, notYet() }

// Provenance resolves Note.provenance.
func (noteFields) Provenance(context.Context, *model.Note) ([]*model.ProvenanceEntry, error) {
	return nil, notYet()
}

// Fhir resolves Note.fhir.
func (noteFields) Fhir(context.Context, *model.Note) (json.RawMessage, error) { return nil, notYet() }
