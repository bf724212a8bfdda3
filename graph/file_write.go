package graph

import (
	"context"
	"time"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/graph/model"
	"github.com/bonfiredb/bonfire/records"
)

// UpdateFile resolves Mutation.updateFile.
func (m mutation) UpdateFile(ctx context.Context, in model.UpdateFileInput) (*model.UpdateFilePayload, error) {
	wanted := records.UpdateFile{
		File: clinical.FileID(in.FileID), Version: in.ExpectedVersion, Title: in.Title, Kind: in.Kind, Category: in.Category,
	}
	if in.EncounterID != nil {
		visit := clinical.EncounterID(*in.EncounterID)
		wanted.Encounter = &visit
	}
	return updatedFile(m.records.UpdateFile(ctx, auth.Actor(ctx), wanted))
}

// RetractFile resolves Mutation.retractFile.
func (m mutation) RetractFile(ctx context.Context, in model.RetractFileInput) (*model.RetractFilePayload, error) {
	p, err := updatedFile(m.records.RetractFile(ctx, auth.Actor(ctx), records.RetractFile{
		File: clinical.FileID(in.FileID), Version: in.ExpectedVersion, Reason: in.Reason,
	}))
	if err != nil {
		return nil, err
	}
	return &model.RetractFilePayload{File: p.File, Problems: p.Problems}, nil
}

// SupersedeFile resolves Mutation.supersedeFile: a newer file takes an older one's place.
func (m mutation) SupersedeFile(ctx context.Context, in model.SupersedeFileInput) (*model.UpdateFilePayload, error) {
	return updatedFile(m.records.SupersedeFile(ctx, auth.Actor(ctx), records.SupersedeFile{
		File: clinical.FileID(in.FileID), By: clinical.FileID(in.ByFileID), Version: in.ExpectedVersion,
	}))
}

// RefileFile resolves Mutation.refileFile: out of the wrong chart into the right one.
func (m mutation) RefileFile(ctx context.Context, in model.RefileFileInput) (*model.RefileFilePayload, error) {
	out, err := m.records.RefileFile(ctx, auth.Actor(ctx), records.RefileFile{
		File: clinical.FileID(in.FileID), Version: in.ExpectedVersion, ToPatient: clinical.PatientID(in.ToPatientID),
		ToEncounter: clinical.EncounterID(deref(in.ToEncounterID)), Reason: in.Reason,
	})
	if problem := versionConflict(err); problem != nil {
		return &model.RefileFilePayload{Problems: []model.UpdateFileProblem{problem}}, nil
	}
	return translated(out, err, func(r records.Refiled) *model.RefileFilePayload {
		p := &model.RefileFilePayload{File: fileOf(r.File)}
		now := time.Now()
		for _, l := range r.Exposures {
			p.Exposures = append(p.Exposures, linkOf(l, now))
		}
		return p
	})
}

// SetLegalHold resolves Mutation.setLegalHold.
func (m mutation) SetLegalHold(ctx context.Context, in model.SetLegalHoldInput) (*model.UpdateFilePayload, error) {
	return updatedFile(m.records.SetLegalHold(ctx, auth.Actor(ctx), records.SetLegalHold{
		File: clinical.FileID(in.FileID), Hold: in.Hold, Reason: in.Reason,
	}))
}

// ReportScan resolves Mutation.reportScan: the pipeline's verdict.
func (m mutation) ReportScan(ctx context.Context, in model.ReportScanInput) (*model.UpdateFilePayload, error) {
	return updatedFile(m.records.ReportScan(ctx, auth.Actor(ctx), records.ReportScan{
		File: clinical.FileID(in.FileID), Status: in.Status, Engine: in.Engine, Detail: deref(in.Detail),
	}))
}

// updatedFile is a changed file, or the problem that kept it from being changed.
func updatedFile(f clinical.File, err error) (*model.UpdateFilePayload, error) {
	if problem := versionConflict(err); problem != nil {
		return &model.UpdateFilePayload{Problems: []model.UpdateFileProblem{problem}}, nil
	}
	return translated(f, err, func(f clinical.File) *model.UpdateFilePayload {
		return &model.UpdateFilePayload{File: fileOf(f)}
	})
}

// Deletion resolves File.deletion: the certificate of bytes that were given up.
func (r fileFields) Deletion(ctx context.Context, f *model.File) (*model.Deletion, error) {
	if f.Noun.PurgedAt == nil {
		return nil, nil
	}
	d, err := r.records.FileDeletion(ctx, auth.Actor(ctx), f.Noun.ID)
	return translated(d, err, func(d clinical.Deletion) *model.Deletion {
		return &model.Deletion{Sha256: d.SHA256, Size: d.Size, Rule: d.Rule, DecidedAt: d.DecidedAt, DeletedAt: d.DeletedAt}
	})
}
