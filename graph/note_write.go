package graph

import (
	"context"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/graph/model"
	"github.com/bonfiredb/bonfire/records"
)

// CreateNote resolves Mutation.createNote: a new draft.
func (m mutation) CreateNote(ctx context.Context, in model.CreateNoteInput) (*model.CreateNotePayload, error) {
	n, err := m.records.CreateNote(ctx, auth.Actor(ctx), records.CreateNote{
		Patient:        clinical.PatientID(in.PatientID),
		Encounter:      clinical.EncounterID(deref(in.EncounterID)),
		Title:          deref(in.Title),
		Draft:          in.Draft,
		DerivedFrom:    in.DerivedFrom,
		Sources:        noteSources(in.Sources),
		DraftedBy:      clinical.ActorID(deref(in.DraftedByDevice)),
		IdempotencyKey: deref(in.IdempotencyKey),
	})
	return translated(n, err, createNotePayload)
}

func createNotePayload(n clinical.Note) *model.CreateNotePayload {
	return &model.CreateNotePayload{Note: noteOf(n)}
}

// UpdateNoteDraft resolves Mutation.updateNoteDraft: the next version of a draft.
func (m mutation) UpdateNoteDraft(ctx context.Context, in model.UpdateNoteDraftInput) (*model.UpdateNoteDraftPayload, error) {
	n, err := m.records.UpdateNoteDraft(ctx, auth.Actor(ctx), records.UpdateNoteDraft{
		Note: clinical.NoteID(in.NoteID), Version: in.ExpectedVersion, Draft: in.Draft, Title: in.Title,
		DerivedFrom: in.DerivedFrom, Sources: noteSources(in.Sources),
	})
	if problem := noteProblem(err); problem != nil {
		return &model.UpdateNoteDraftPayload{Problems: []model.UpdateNoteProblem{problem}}, nil
	}
	return translated(n, err, func(n clinical.Note) *model.UpdateNoteDraftPayload {
		return &model.UpdateNoteDraftPayload{Note: noteOf(n)}
	})
}

// SignNote resolves Mutation.signNote.
func (m mutation) SignNote(ctx context.Context, in model.SignNoteInput) (*model.SignNotePayload, error) {
	n, err := m.records.SignNote(ctx, auth.Actor(ctx), records.SignNote{
		Note: clinical.NoteID(in.NoteID), Version: in.ExpectedVersion, AttestedSHA256: in.AttestedTextSha256,
	})
	if problem := signProblem(err); problem != nil {
		return &model.SignNotePayload{Problems: []model.SignNoteProblem{problem}}, nil
	}
	return translated(n, err, func(n clinical.Note) *model.SignNotePayload {
		return &model.SignNotePayload{Note: noteOf(n)}
	})
}

// AmendNote resolves Mutation.amendNote: a draft in place of a signed note.
func (m mutation) AmendNote(ctx context.Context, in model.AmendNoteInput) (*model.CreateNotePayload, error) {
	n, err := m.records.AmendNote(ctx, auth.Actor(ctx), records.AmendNote{
		Note: clinical.NoteID(in.NoteID), Draft: in.Draft, Reason: in.Reason, Title: in.Title,
		DerivedFrom: in.DerivedFrom, Sources: noteSources(in.Sources), IdempotencyKey: deref(in.IdempotencyKey),
	})
	return translated(n, err, createNotePayload)
}

// RetractNote resolves Mutation.retractNote.
func (m mutation) RetractNote(ctx context.Context, in model.RetractNoteInput) (*model.RetractNotePayload, error) {
	n, err := m.records.RetractNote(ctx, auth.Actor(ctx), records.RetractNote{
		Note: clinical.NoteID(in.NoteID), Version: in.ExpectedVersion, Reason: in.Reason,
	})
	if problem := noteProblem(err); problem != nil {
		return &model.RetractNotePayload{Problems: []model.UpdateNoteProblem{problem}}, nil
	}
	return translated(n, err, func(n clinical.Note) *model.RetractNotePayload {
		return &model.RetractNotePayload{Note: noteOf(n)}
	})
}

// noteSources are the files and spans named; nil when none were spoken of.
func noteSources(in []*model.NoteSourceInput) []records.NoteSource {
	if in == nil {
		return nil
	}
	out := make([]records.NoteSource, len(in))
	for i, s := range in {
		out[i] = records.NoteSource{File: clinical.FileID(s.FileID), Start: s.Start, End: s.End}
	}
	return out
}
