package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

type fileRow struct {
	bun.BaseModel `bun:"table:file,alias:f"`

	Tenant          clinical.TenantID        `bun:"tenant_id,pk"`
	ID              clinical.FileID          `bun:"id,pk"`
	Patient         clinical.PatientID       `bun:"patient_id"`
	Encounter       clinical.EncounterID     `bun:"encounter_id,nullzero"`
	Upload          clinical.UploadID        `bun:"upload_id"`
	ResourceType    clinical.ResourceType    `bun:"resource_type"`
	Kind            string                   `bun:"kind"`
	Category        string                   `bun:"category"`
	Status          clinical.FileStatus      `bun:"status"`
	ScanStatus      clinical.ScanStatus      `bun:"scan_status"`
	ScanRequired    bool                     `bun:"scan_required"`
	LegalHold       bool                     `bun:"legal_hold"`
	Confidentiality clinical.Confidentiality `bun:"confidentiality"`
	Labels          []string                 `bun:"labels,array"`
	Department      string                   `bun:"department,nullzero"`
	Title           string                   `bun:"title"`
	ContentType     string                   `bun:"content_type"`
	Size            int64                    `bun:"size"`
	SHA256          []byte                   `bun:"sha256"`
	SHA1            []byte                   `bun:"sha1"`
	ObjectKey       string                   `bun:"object_key"`
	Version         int                      `bun:"version"`
	CreatedAt       time.Time                `bun:"created_at"`
	UpdatedAt       time.Time                `bun:"updated_at"`
	CapturedAt      *time.Time               `bun:"captured_at"`
	Duration        float64                  `bun:"duration"`
	Width           int                      `bun:"width"`
	Height          int                      `bun:"height"`
	BodySite        *clinical.Coding         `bun:"body_site,type:jsonb"`
	UploadedBy      clinical.ActorID         `bun:"uploaded_by"`
	Supersedes      clinical.FileID          `bun:"supersedes,nullzero"`
	SupersededBy    clinical.FileID          `bun:"superseded_by,nullzero"`
	PurgedAt        *time.Time               `bun:"purged_at"`
}

func (r fileRow) file() clinical.File {
	return clinical.File{
		ID: r.ID, Tenant: r.Tenant, Patient: r.Patient, Encounter: r.Encounter, Upload: r.Upload,
		ResourceType: r.ResourceType, Kind: r.Kind, Category: r.Category, Status: r.Status, ScanStatus: r.ScanStatus,
		LegalHold: r.LegalHold, Confidentiality: r.Confidentiality, Labels: r.Labels, Department: r.Department,
		Title: r.Title, ContentType: r.ContentType, Size: r.Size,
		Digests:   clinical.Digests{SHA256: r.SHA256, SHA1: r.SHA1},
		ObjectKey: r.ObjectKey, Version: r.Version, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
		CapturedAt: utc(r.CapturedAt), Duration: r.Duration, Width: r.Width, Height: r.Height, BodySite: r.BodySite,
		UploadedBy: r.UploadedBy, Supersedes: r.Supersedes, SupersededBy: r.SupersededBy, PurgedAt: utc(r.PurgedAt),
	}
}

func rowOfFile(f clinical.File) fileRow {
	return fileRow{
		Tenant: f.Tenant, ID: f.ID, Patient: f.Patient, Encounter: f.Encounter, Upload: f.Upload,
		ResourceType: f.ResourceType, Kind: f.Kind, Category: f.Category, Status: f.Status, ScanStatus: f.ScanStatus,
		LegalHold: f.LegalHold, Confidentiality: f.Confidentiality, Labels: present(f.Labels), Department: f.Department,
		Title: f.Title, ContentType: f.ContentType, Size: f.Size,
		SHA256: f.Digests.SHA256, SHA1: f.Digests.SHA1,
		ObjectKey: f.ObjectKey, Version: f.Version, CreatedAt: f.CreatedAt, UpdatedAt: f.UpdatedAt,
		CapturedAt: f.CapturedAt, Duration: f.Duration, Width: f.Width, Height: f.Height, BodySite: f.BodySite,
		UploadedBy: f.UploadedBy, Supersedes: f.Supersedes, SupersededBy: f.SupersededBy, PurgedAt: f.PurgedAt,
	}
}

// subject describes the file to the gate.
func (r fileRow) subject(careGroups []string) policy.Resource {
	scan := clinical.ScanNone
	if r.ScanRequired {
		scan = clinical.ScanRequired
	}
	return policy.OfFile(r.file(), scan, careGroups)
}

// lock is how firmly a row is held until the transaction ends.
type lock string

const (
	unlocked lock = ""
	shared   lock = "SHARE"  // nobody changes it
	alone    lock = "UPDATE" // and nobody else holds it, either
)

func (tx *Tx) fileRow(ctx context.Context, id clinical.FileID, hold lock) (r fileRow, err error) {
	if !wellFormed(id) {
		return r, clinical.Missing()
	}
	q := tx.bun.NewSelect().Model(&r).Where("f.tenant_id = ? AND f.id = ?", tx.tenant, id)
	if hold != unlocked {
		q.For(string(hold))
	}
	return r, fail(q.Scan(ctx))
}

// FileSubject is what the gate looks at of a file; NotFound when there is none.
func (tx *Tx) FileSubject(ctx context.Context, id clinical.FileID) (policy.Resource, error) {
	return tx.fileSubject(ctx, id, unlocked)
}

// LockFile is FileSubject, and nobody else changes the file until this
// transaction ends: what is decided about it stays true.
func (tx *Tx) LockFile(ctx context.Context, id clinical.FileID) (policy.Resource, error) {
	return tx.fileSubject(ctx, id, alone)
}

// ShareFile is LockFile for those who only need that nobody changes it: several
// may hold it so at once.
func (tx *Tx) ShareFile(ctx context.Context, id clinical.FileID) (policy.Resource, error) {
	return tx.fileSubject(ctx, id, shared)
}

func (tx *Tx) fileSubject(ctx context.Context, id clinical.FileID, hold lock) (policy.Resource, error) {
	r, err := tx.fileRow(ctx, id, hold)
	groups, err := tx.groupsAround(ctx, r.Patient, err)
	if err != nil {
		return policy.Resource{}, err
	}
	return r.subject(groups), nil
}

// File reads the file that the decision is about. Conflict when it has moved to
// another chart since it was decided on.
func (tx *Tx) File(ctx context.Context, d policy.Decision) (clinical.File, error) {
	subject := d.Resource()
	if err := covered(d, policy.File, subject.ID); err != nil {
		return clinical.File{}, err
	}
	r, err := tx.fileRow(ctx, clinical.FileID(subject.ID), unlocked)
	switch {
	case err != nil:
		return clinical.File{}, err
	case r.Patient != subject.Patient:
		return clinical.File{}, stale(nil)
	}
	return r.file(), nil
}

func stale(cause error) error {
	return clinical.Fail(clinical.Conflict, "it has changed meanwhile, read it again", cause)
}

// InsertFile writes a new record. scan is the rule of its kind. Conflict when
// the upload has become a record already.
func (tx *Tx) InsertFile(ctx context.Context, f clinical.File, scan clinical.ScanRule) error {
	r := rowOfFile(f)
	r.ScanRequired = scan == clinical.ScanRequired
	_, err := tx.bun.NewInsert().Model(&r).Exec(ctx)
	return taken(err)
}

// RequireScan makes the file that the decision is about one that is served only
// when clean: a file without a verdict waits for one from now on.
func (tx *Tx) RequireScan(ctx context.Context, d policy.Decision) error {
	id := d.Resource().ID
	if err := covered(d, policy.File, id); err != nil {
		return err
	}
	return one(tx.exec(ctx, `UPDATE file SET scan_required = true,
			scan_status = CASE scan_status WHEN 'skipped' THEN 'pending' ELSE scan_status END
		WHERE tenant_id = $1 AND id = $2`, string(tx.tenant), id))
}

// UpdateFile writes what may change of a file, as of f.UpdatedAt, and returns it
// with its next version. f.Version is the one it was read at: Conflict when the
// row has another by now. What the bytes are and where they came from never
// changes.
func (tx *Tx) UpdateFile(ctx context.Context, d policy.Decision, f clinical.File) (clinical.File, error) {
	if err := covered(d, policy.File, string(f.ID)); err != nil {
		return f, err
	}
	r := rowOfFile(f)
	r.Version++
	res, err := tx.bun.NewUpdate().Model(&r).
		Column("patient_id", "encounter_id", "resource_type", "kind", "category", "status", "scan_status", "legal_hold",
			"confidentiality", "labels", "department", "title", "captured_at", "duration", "width", "height", "body_site",
			"supersedes", "superseded_by", "version", "updated_at").
		Where("f.tenant_id = ? AND f.id = ? AND f.version = ?", tx.tenant, f.ID, f.Version).Exec(ctx)
	if err != nil {
		return f, taken(err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return f, stale(err)
	}
	f.Version = r.Version
	return f, nil
}

// DetachFile takes the file that the decision is about out of the chain of files
// that took each other's place: the one it replaced is current again, the one
// that replaced it replaces nothing. It answers these two as they are now; the
// file itself is the caller's to write.
func (tx *Tx) DetachFile(ctx context.Context, d policy.Decision, at time.Time) ([]clinical.File, error) {
	id := d.Resource().ID
	if err := covered(d, policy.File, id); err != nil {
		return nil, err
	}
	var older, newer []fileRow
	_, err := tx.bun.NewUpdate().Model(&older).Set("superseded_by = NULL, version = f.version + 1, updated_at = ?", at).
		Set("status = CASE f.status WHEN 'superseded' THEN 'current' ELSE f.status END").
		Where("f.tenant_id = ? AND f.superseded_by = ?", tx.tenant, id).Returning("*").Exec(ctx)
	if err != nil {
		return nil, fail(err)
	}
	_, err = tx.bun.NewUpdate().Model(&newer).Set("supersedes = NULL, version = f.version + 1, updated_at = ?", at).
		Where("f.tenant_id = ? AND f.supersedes = ?", tx.tenant, id).Returning("*").Exec(ctx)
	return mapAll(append(older, newer...), fileRow.file), fail(err)
}
