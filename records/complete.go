package records

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/ledger"
	"github.com/bonfiredb/bonfire/policy"
	"github.com/bonfiredb/bonfire/store"
)

// detached gives the last steps of an upload a deadline of their own: a client
// that goes away must not leave a stored object without its record.
func detached(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
}

// complete writes the record of a stored upload: file, provenance, audit, outbox
// and the upload's own end, in one transaction (P2). The owner is asked for
// again, and the gate with what it knows now.
func (r *Records) complete(ctx context.Context, s *ledger.Session) (f clinical.File, err error) {
	ctx, stop := detached(ctx)
	defer stop()
	u := s.Upload()
	owner, err := r.owner(ctx, u)
	if err != nil {
		return f, err
	}
	err = r.act(ctx, owner, "completeUpload", func(ctx context.Context, c *call) error {
		f = recordOf(u, c.now)
		patient, err := c.PatientSubject(ctx, u.Patient)
		if err != nil {
			return err
		}
		d, err := c.permit(ctx, policy.UploadFile, policy.OfFile(f, scanOf(u), patient.CareGroups))
		if err != nil {
			return err
		}
		if err := c.CompleteUpload(ctx, u.ID); err != nil {
			return err
		}
		if err := c.InsertFile(ctx, f, scanOf(u)); err != nil {
			return err
		}
		return c.witness(ctx, d, f, u)
	})
	if clinical.Is(err, clinical.NotFound) || clinical.Is(err, clinical.Forbidden) {
		refused := &clinical.UploadFailure{Code: clinical.FailedRefused, Words: "no longer permitted"}
		if end := r.endUpload(ctx, owner, "failUpload", s, clinical.UploadFailed, refused); end != nil {
			return f, end
		}
		return f, err
	}
	if clinical.Is(err, clinical.Conflict) { // somebody was quicker: it is their record that counts
		f, err = r.completedFile(ctx, owner, u)
	}
	if err == nil {
		s.Ended(clinical.UploadCompleted, nil)
	}
	return f, err
}

// witness writes the evidence of a new file: provenance, audit and outbox; and
// makes it a source of the draft that it was uploaded for, if any.
func (c *call) witness(ctx context.Context, d policy.Decision, f clinical.File, u clinical.Upload) error {
	note, err := c.attach(ctx, u.NoteID, f)
	if err != nil {
		return err
	}
	agent := clinical.ProvenanceAgent{Type: "author", Actor: c.actor.ID, ActorKind: c.actor.Kind}
	transmitter := clinical.ProvenanceAgent{Type: "transmitter", Actor: c.actor.ID, ActorKind: c.actor.Kind}
	if err := c.AppendProvenance(ctx, clinical.Provenance{
		ID: clinical.NewID[clinical.ProvenanceID](c.now), Tenant: f.Tenant, Patient: f.Patient, RecordedAt: c.now,
		Activity: clinical.ActivityUpload, Agents: []clinical.ProvenanceAgent{agent, transmitter},
		Targets: []clinical.Ref{{Type: string(f.ResourceType), ID: string(f.ID), Version: 1, SHA256: hex.EncodeToString(f.Digests.SHA256)}},
	}); err != nil {
		return err
	}
	if err := c.AppendOutbox(ctx, store.Event{
		ID: clinical.NewID[string](c.now), Tenant: f.Tenant, Type: "file.created", SubjectType: string(f.ResourceType),
		Subject: string(f.ID), Patient: f.Patient, Version: f.Version, At: c.now,
	}); err != nil {
		return err
	}
	_, err = c.audit(ctx, d, func(e *clinical.AuditEvent) {
		e.Entities = []clinical.AuditEntity{
			{Type: string(f.ResourceType), ID: string(f.ID), Version: 1}, {Type: "Upload", ID: string(u.ID)},
		}
		if note != nil {
			e.Entities = append(e.Entities, entity(refOfNote(*note)))
		}
		if u.RequestID != "" && u.RequestID != e.RequestID {
			e.Detail = map[string]string{"begunBy": u.RequestID}
		}
	})
	return err
}

// owner loads who began an upload, as our rows describe them now. An ended
// membership leaves a principal without any role: the gate will refuse.
func (r *Records) owner(ctx context.Context, u clinical.Upload) (clinical.Actor, error) {
	var a clinical.Actor
	err := r.Store.InTx(ctx, u.Tenant, func(ctx context.Context, tx *store.Tx) (err error) {
		a, err = tx.ActorVia(ctx, u.Owner, u.Key)
		return err
	})
	if clinical.Is(err, clinical.Unauthenticated) || clinical.Is(err, clinical.NotFound) {
		return clinical.Actor{ID: u.Owner, Tenant: u.Tenant, Kind: clinical.User}, nil
	}
	a.Session = unattended(a, u.RequestID)
	return a, err
}

// unattended is the session of what goes on without a login: the principal's
// usual purpose, and still no further than the key that it was begun with.
func unattended(a clinical.Actor, requestID string) clinical.Session {
	return clinical.Session{
		Purpose: a.DefaultPurpose(), RequestID: requestID, Key: a.Session.Key, Scopes: a.Session.Scopes,
	}
}

// scanOf is the rule for the record: that of the kind, and a required scan for
// bytes of another type than announced, where the kind quarantines these.
func scanOf(u clinical.Upload) clinical.ScanRule {
	if u.Mismatch == clinical.QuarantineMismatch && ledger.Mismatched(u) {
		return clinical.ScanRequired
	}
	return u.Scan
}

// recordOf is the file that a stored upload becomes.
func recordOf(u clinical.Upload, now time.Time) clinical.File {
	f := clinical.File{
		ID: u.File, Tenant: u.Tenant, Patient: u.Patient, Encounter: u.Encounter, Upload: u.ID,
		ResourceType: u.Resource, Kind: u.Kind, Category: u.Category, Status: clinical.FileCurrent,
		ScanStatus: clinical.ScanSkipped, Title: u.Title, ContentType: u.ContentType, Size: u.Offset,
		ObjectKey: u.ObjectKey, Version: 1, CreatedAt: now, UpdatedAt: now, CapturedAt: u.CapturedAt,
		BodySite: u.BodySite, UploadedBy: u.Owner,
	}
	if u.Digests != nil {
		f.Digests = *u.Digests
	}
	if scanOf(u) != clinical.ScanNone {
		f.ScanStatus = clinical.ScanPending
	}
	return f
}

// completedFile answers an upload that ended before: the owner may know the
// record that their own upload became.
func (r *Records) completedFile(ctx context.Context, actor clinical.Actor, u clinical.Upload) (f clinical.File, err error) {
	err = r.act(ctx, actor, "file", func(ctx context.Context, c *call) error {
		d, err := c.file(ctx, policy.ReadFile, u.File)
		if err != nil {
			return err
		}
		if f, err = c.Tx.File(ctx, d); err != nil {
			return err
		}
		_, err = c.audit(ctx, d, func(e *clinical.AuditEvent) { e.Entities[0].Version = f.Version })
		return err
	})
	return f, err
}

// NotReady is the cause of a Conflict from FinishUpload while bytes are missing.
type NotReady struct {
	Received int64 // bytes
	Total    *int64
}

// Error implements error.
func (n *NotReady) Error() string { return fmt.Sprintf("%d bytes received", n.Received) }

// Mismatch is the cause of a ChecksumMismatch: hexadecimal SHA-256 digests.
type Mismatch struct{ Expected, Actual string }

// Error implements error.
func (m *Mismatch) Error() string { return "the file's SHA-256 is not the announced one" }

func compare(want, got []byte) error {
	if want == nil || bytes.Equal(want, got) {
		return nil
	}
	return mismatch(want, got)
}

func mismatch(want, got []byte) error {
	return clinical.Fail(clinical.ChecksumMismatch, "the bytes are not those that were announced",
		&Mismatch{Expected: hex.EncodeToString(want), Actual: hex.EncodeToString(got)}).WithField("sha256")
}
