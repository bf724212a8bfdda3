package graph

import (
	"context"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/graph/generated"
	"github.com/bonfiredb/bonfire/graph/model"
	"github.com/bonfiredb/bonfire/records"
)

// UploadTokenHeader carries the upload token on every PATCH and HEAD of the upload.
const UploadTokenHeader = "Bonfire-Upload-Token"

type uploadFields struct{ *resolver }

// Upload resolves the fields of Upload that cross to other entities.
func (r *resolver) Upload() generated.UploadResolver { return uploadFields{r} }

// Upload resolves Query.upload.
func (q query) Upload(ctx context.Context, id string) (*model.Upload, error) {
	u, err := q.records.Upload(ctx, auth.Actor(ctx), clinical.UploadID(id))
	return translated(u, err, uploadOf)
}

// Uploads resolves Query.uploads: the caller's own.
func (q query) Uploads(
	ctx context.Context, first *int, after *string, states []clinical.UploadState, patient *string,
) (*model.UploadConnection, error) {
	page, err := pageOf(first, after, nil, nil)
	if err != nil {
		return nil, err
	}
	wanted := records.UploadQuery{States: states, Patient: clinical.PatientID(deref(patient)), Page: page}
	list, err := q.records.Uploads(ctx, auth.Actor(ctx), wanted)
	return translated(list, err, uploadConnection)
}

// CreateUpload resolves Mutation.createUpload.
func (m mutation) CreateUpload(ctx context.Context, in model.CreateUploadInput) (*model.CreateUploadPayload, error) {
	begun, err := m.records.BeginUpload(ctx, auth.Actor(ctx), beginUpload(in))
	if rejected := contentRejected(err); rejected != nil {
		return &model.CreateUploadPayload{Problems: []model.CreateUploadProblem{rejected}}, nil
	}
	return translated(begun, err, func(b records.BegunUpload) *model.CreateUploadPayload {
		return &model.CreateUploadPayload{Upload: uploadOf(b.Upload), Tus: m.tusTarget(b)}
	})
}

// FinishUpload resolves Mutation.finishUpload.
func (m mutation) FinishUpload(ctx context.Context, in model.FinishUploadInput) (*model.FinishUploadPayload, error) {
	f, err := m.records.FinishUpload(ctx, auth.Actor(ctx), clinical.UploadID(in.UploadID),
		records.FinishUpload{SHA256: in.Sha256, DeclareLength: in.DeclareLength})
	if problem := finishProblem(err); problem != nil {
		return &model.FinishUploadPayload{Problems: []model.FinishUploadProblem{problem}}, nil
	}
	return translated(f, err, func(f clinical.File) *model.FinishUploadPayload {
		return &model.FinishUploadPayload{File: fileOf(f)}
	})
}

// CancelUpload resolves Mutation.cancelUpload.
func (m mutation) CancelUpload(ctx context.Context, in model.CancelUploadInput) (*model.CancelUploadPayload, error) {
	u, err := m.records.CancelUpload(ctx, auth.Actor(ctx), clinical.UploadID(in.UploadID))
	return translated(u, err, func(u clinical.Upload) *model.CancelUploadPayload {
		return &model.CancelUploadPayload{Upload: uploadOf(u)}
	})
}

// File resolves Upload.file: null until the record is there.
func (uploadFields) File(ctx context.Context, u *model.Upload) (*model.File, error) {
	if u.Noun.State != clinical.UploadCompleted {
		return nil, nil
	}
	return loadFile(ctx, u.Noun.File)
}

func (r *resolver) tusTarget(b records.BegunUpload) *model.TusTarget {
	return &model.TusTarget{
		URL:       r.publicURL + "/uploads/" + string(b.Upload.ID),
		Headers:   []*model.HTTPHeader{{Name: UploadTokenHeader, Value: b.Token}},
		ChunkSize: r.chunkSize,
		ExpiresAt: b.Upload.ExpiresAt,
	}
}

func beginUpload(in model.CreateUploadInput) records.BeginUpload {
	out := records.BeginUpload{
		Patient:        clinical.PatientID(in.PatientID),
		Kind:           in.Kind,
		Category:       deref(in.Category),
		ContentType:    in.ContentType,
		Length:         in.Size,
		SHA256:         in.Sha256,
		Title:          deref(in.Title),
		Encounter:      clinical.EncounterID(deref(in.EncounterID)),
		Note:           clinical.NoteID(deref(in.NoteID)),
		CapturedAt:     in.CapturedAt,
		IdempotencyKey: deref(in.IdempotencyKey),
	}
	out.BodySite = codingOf(in.BodySite)
	return out
}

func uploadOf(u clinical.Upload) *model.Upload {
	out := &model.Upload{
		ID:            string(u.ID),
		State:         u.State,
		PatientID:     string(u.Patient),
		Kind:          u.Kind,
		Title:         optional(u.Title),
		ReceivedBytes: u.Offset,
		TotalBytes:    u.Length,
		CreatedAt:     u.CreatedAt,
		ExpiresAt:     u.ExpiresAt,
		Noun:          u,
	}
	if f := u.Failure; f != nil {
		out.Failure = &model.UploadFailure{Code: f.Code, Message: f.Words, Retryable: f.Retryable}
	}
	return out
}

func uploadConnection(s clinical.Slice[clinical.Upload]) *model.UploadConnection {
	c := &model.UploadConnection{PageInfo: pageInfo(s)}
	for i, u := range s.Items {
		node := uploadOf(u)
		c.Nodes = append(c.Nodes, node)
		c.Edges = append(c.Edges, &model.UploadEdge{Cursor: s.Cursors[i], Node: node})
	}
	return c
}
