package graph

import (
	"context"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/graph/generated"
	"github.com/bonfiredb/bonfire/graph/model"
	"github.com/bonfiredb/bonfire/records"
)

type fileFields struct{ *resolver }

// File resolves the fields of File that cross to other entities.
func (r *resolver) File() generated.FileResolver { return fileFields{r} }

// File resolves Query.file.
func (q query) File(ctx context.Context, id string) (*model.File, error) {
	f, err := q.records.File(ctx, auth.Actor(ctx), clinical.FileID(id))
	return translated(f, err, fileOf)
}

// Files resolves Query.files: one patient's files.
func (q query) Files(
	ctx context.Context, patient string, first *int, after *string, last *int, before *string,
	filter *model.FileFilter, order *model.FileOrder,
) (*model.FileConnection, error) {
	return q.files(ctx, clinical.PatientID(patient), first, after, last, before, filter, order)
}

func (r *resolver) files(
	ctx context.Context, patient clinical.PatientID, first *int, after *string, last *int, before *string,
	filter *model.FileFilter, order *model.FileOrder,
) (*model.FileConnection, error) {
	page, err := pageOf(first, after, last, before)
	if err != nil {
		return nil, err
	}
	wanted := fileQuery(filter, order)
	wanted.Page, wanted.WithTotal = page, selected(ctx, "FileConnection", "totalCount")
	list, err := r.records.Files(ctx, auth.Actor(ctx), patient, wanted)
	return translated(list, err, fileConnection)
}

// Patient resolves File.patient.
func (fileFields) Patient(ctx context.Context, f *model.File) (*model.Patient, error) {
	return loadPatient(ctx, f.Noun.Patient)
}

// UploadedBy resolves File.uploadedBy.
func (fileFields) UploadedBy(ctx context.Context, f *model.File) (*model.Actor, error) {
	return principal(ctx, f.Noun.UploadedBy)
}

// SupersededBy resolves File.supersededBy.
func (fileFields) SupersededBy(ctx context.Context, f *model.File) (*model.File, error) {
	return loadFile(ctx, f.Noun.SupersededBy)
}

// Supersedes resolves File.supersedes.
func (fileFields) Supersedes(ctx context.Context, f *model.File) (*model.File, error) {
	return loadFile(ctx, f.Noun.Supersedes)
}

// Notes resolves File.notes: those that come from the file.
func (r fileFields) Notes(ctx context.Context, f *model.File, first *int, after *string) (*model.NoteConnection, error) {
	return r.notes(ctx, f.Noun.Patient, first, after, nil, nil, records.NoteQuery{FromFile: f.Noun.ID})
}

// ViewerCan resolves File.viewerCan.
func (r fileFields) ViewerCan(ctx context.Context, f *model.File) (*model.FileAbilities, error) {
	can := r.records.FileAbilities(ctx, auth.Actor(ctx), f.Noun)
	return &model.FileAbilities{Download: can.Download, Update: can.Update, Retract: can.Retract}, nil
}

// loadFile gives the file that another noun points at; null when it points at none.
func loadFile(ctx context.Context, id clinical.FileID) (*model.File, error) {
	if id == "" {
		return nil, nil
	}
	f, err := loadersOf(ctx).files.load(ctx, id)
	return translated(f, err, fileOf)
}

func fileOf(f clinical.File) *model.File {
	return &model.File{
		ID:              string(f.ID),
		ResourceType:    f.ResourceType,
		Kind:            f.Kind,
		Category:        f.Category,
		Status:          f.Status,
		Title:           optional(f.Title),
		ContentType:     f.ContentType,
		Size:            f.Size,
		Sha256:          f.Digests.SHA256,
		ScanStatus:      f.ScanStatus,
		LegalHold:       f.LegalHold,
		Confidentiality: f.Confidentiality.Code(),
		Version:         f.Version,
		CreatedAt:       f.CreatedAt,
		UpdatedAt:       f.UpdatedAt,
		CapturedAt:      f.CapturedAt,
		PurgedAt:        f.PurgedAt,
		Duration:        optional(f.Duration),
		Width:           optional(f.Width),
		Height:          optional(f.Height),
		EncounterID:     optional(string(f.Encounter)),
		Noun:            f,
	}
}

func fileConnection(s clinical.Slice[clinical.File]) *model.FileConnection {
	c := &model.FileConnection{PageInfo: pageInfo(s), TotalCount: s.Total}
	for i, f := range s.Items {
		node := fileOf(f)
		c.Nodes = append(c.Nodes, node)
		c.Edges = append(c.Edges, &model.FileEdge{Cursor: s.Cursors[i], Node: node})
	}
	return c
}

// fileQuery is what the caller narrows a list by; the newest come first when
// no order is given.
func fileQuery(in *model.FileFilter, order *model.FileOrder) records.FileQuery {
	q := records.FileQuery{OrderBy: records.ByCreatedAt, Descending: true}
	if order != nil {
		q.OrderBy, q.Descending = order.Field, order.Direction == model.SortDirectionDesc
	}
	if in == nil {
		return q
	}
	q.Kinds, q.Categories = in.Kinds, in.Categories
	q.Statuses, q.ResourceTypes = in.Statuses, in.ResourceTypes
	q.Encounter, q.Note = clinical.EncounterID(deref(in.EncounterID)), clinical.NoteID(deref(in.NoteID))
	q.ContentTypePrefix, q.Text = deref(in.ContentTypePrefix), deref(in.Text)
	q.CreatedFrom, q.CreatedBefore = in.CreatedFrom, in.CreatedBefore
	return q
}
