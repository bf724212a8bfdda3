package graph

import (
	"context"
	"encoding/hex"
	"encoding/json"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/fhir"
	"github.com/bonfiredb/bonfire/graph/generated"
	"github.com/bonfiredb/bonfire/graph/model"
	"github.com/bonfiredb/bonfire/records"
)

type noteFields struct{ *resolver }

// Note resolves the fields of Note that cross to other entities.
func (r *resolver) Note() generated.NoteResolver { return noteFields{r} }

// Note resolves Query.note.
func (q query) Note(ctx context.Context, id string) (*model.Note, error) {
	n, err := q.records.Note(ctx, auth.Actor(ctx), clinical.NoteID(id))
	return translated(n, err, noteOf)
}

// Notes resolves Query.notes: one patient's notes, the newest first.
func (q query) Notes(
	ctx context.Context, patient string, first *int, after *string, last *int, before *string, filter *model.NoteFilter,
) (*model.NoteConnection, error) {
	return q.notes(ctx, clinical.PatientID(patient), first, after, last, before, noteQuery(filter))
}

func (r *resolver) notes(
	ctx context.Context, patient clinical.PatientID, first *int, after *string, last *int, before *string, wanted records.NoteQuery,
) (_ *model.NoteConnection, err error) {
	if wanted.Page, err = pageOf(first, after, last, before); err != nil {
		return nil, err
	}
	list, err := r.records.Notes(ctx, auth.Actor(ctx), patient, wanted)
	return translated(list, err, noteConnection)
}

// Author resolves Note.author.
func (noteFields) Author(ctx context.Context, n *model.Note) (*model.Actor, error) {
	return principal(ctx, n.Noun.Author)
}

// Signer resolves Note.signer.
func (noteFields) Signer(ctx context.Context, n *model.Note) (*model.Actor, error) {
	if n.Noun.Signer == "" {
		return nil, nil
	}
	return principal(ctx, n.Noun.Signer)
}

// Patient resolves Note.patient.
func (noteFields) Patient(ctx context.Context, n *model.Note) (*model.Patient, error) {
	return loadPatient(ctx, n.Noun.Patient)
}

// DerivedFrom resolves Note.derivedFrom: the files that the caller may see.
func (noteFields) DerivedFrom(ctx context.Context, n *model.Note) ([]*model.File, error) {
	out := []*model.File{}
	for _, id := range n.Noun.Files() {
		f, err := loadFile(ctx, id)
		if clinical.Is(err, clinical.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

// Amends resolves Note.amends.
func (noteFields) Amends(ctx context.Context, n *model.Note) (*model.Note, error) {
	return loadNote(ctx, n.Noun.Amends)
}

// AmendedBy resolves Note.amendedBy.
func (noteFields) AmendedBy(ctx context.Context, n *model.Note) (*model.Note, error) {
	return loadNote(ctx, n.Noun.AmendedBy)
}

// Fhir resolves Note.fhir: the note as it is exported.
func (r noteFields) Fhir(_ context.Context, n *model.Note) (json.RawMessage, error) {
	return fhir.Marshal(r.fhir.Note(n.Noun, n.Noun.SourceRefs()))
}

// Versions resolves Note.versions.
func (r noteFields) Versions(ctx context.Context, n *model.Note) ([]*model.NoteVersion, error) {
	all, err := r.records.NoteVersions(ctx, auth.Actor(ctx), n.Noun.ID)
	out := make([]*model.NoteVersion, 0, len(all))
	for _, v := range all {
		out = append(out, &model.NoteVersion{
			Version: v.Version, Status: v.Status, Title: optional(v.Title), Text: v.Text, TextSha256: v.TextSHA256, At: v.At, Noun: v,
		})
	}
	return out, err
}

type noteVersionFields struct{}

// NoteVersion resolves the fields of NoteVersion that cross to other entities.
func (r *resolver) NoteVersion() generated.NoteVersionResolver { return noteVersionFields{} }

// Author resolves NoteVersion.author: who made this version.
func (noteVersionFields) Author(ctx context.Context, v *model.NoteVersion) (*model.Actor, error) {
	return principal(ctx, v.Noun.By)
}

type noteSourceFields struct{}

// NoteSource resolves the fields of NoteSource that cross to other entities.
func (r *resolver) NoteSource() generated.NoteSourceResolver { return noteSourceFields{} }

// File resolves NoteSource.file; null for what the caller may not see.
func (noteSourceFields) File(ctx context.Context, s *model.NoteSource) (*model.File, error) {
	return unlessHidden(loadFile(ctx, s.Noun.File))
}

// Note resolves NoteSource.note; null for what the caller may not see.
func (noteSourceFields) Note(ctx context.Context, s *model.NoteSource) (*model.Note, error) {
	return unlessHidden(loadNote(ctx, s.Noun.Note))
}

// unlessHidden is null for what is hidden or gone, where a null says so.
func unlessHidden[T any](v *T, err error) (*T, error) {
	if clinical.Is(err, clinical.NotFound) {
		return nil, nil
	}
	return v, err
}

// loadNote gives the note that another noun points at; null when it points at none.
func loadNote(ctx context.Context, id clinical.NoteID) (*model.Note, error) {
	if id == "" {
		return nil, nil
	}
	n, err := loadersOf(ctx).notes.load(ctx, id)
	return translated(n, err, noteOf)
}

func noteOf(n clinical.Note) *model.Note {
	out := &model.Note{
		ID:              string(n.ID),
		Status:          n.Status,
		Version:         n.Version,
		TextSha256:      n.TextSHA256,
		Title:           optional(n.Title),
		Text:            n.Text,
		CreatedAt:       n.CreatedAt,
		UpdatedAt:       n.UpdatedAt,
		SignedAt:        n.SignedAt,
		EncounterID:     optional(string(n.Encounter)),
		Confidentiality: n.Confidentiality.Code(),
		Sources:         make([]*model.NoteSource, 0, len(n.Sources)),
		Noun:            n,
	}
	for _, s := range n.Sources {
		out.Sources = append(out.Sources, noteSourceOf(s))
	}
	return out
}

func noteSourceOf(s clinical.NoteSource) *model.NoteSource {
	ref := fhir.Renderer{}.Reference(string(s.Type), s.ID(), s.Version)
	out := &model.NoteSource{Reference: &ref, Noun: s}
	out.Sha256, _ = hex.DecodeString(s.SHA256)
	if s.Span != nil {
		out.Fragment = optional(s.Span.Fragment())
		start := s.Span.Start.Seconds()
		out.Start, out.End = &start, optional(s.Span.End.Seconds())
	}
	return out
}

func noteConnection(s clinical.Slice[clinical.Note]) *model.NoteConnection {
	c := &model.NoteConnection{PageInfo: pageInfo(s)}
	for i, n := range s.Items {
		node := noteOf(n)
		c.Nodes = append(c.Nodes, node)
		c.Edges = append(c.Edges, &model.NoteEdge{Cursor: s.Cursors[i], Node: node})
	}
	return c
}

func noteQuery(in *model.NoteFilter) (q records.NoteQuery) {
	if in == nil {
		return q
	}
	return records.NoteQuery{
		Statuses: in.Statuses, Encounter: clinical.EncounterID(deref(in.EncounterID)),
		FromFile: clinical.FileID(deref(in.DerivedFromFileID)), FromNote: clinical.NoteID(deref(in.DerivedFromNoteID)),
	}
}
