package records

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
	"github.com/bonfiredb/bonfire/store"
)

// BeginUpload decides, reserves an upload and its record's id, and hands out the
// capability to send its bytes. No byte is stored and S3 is not asked.
//
// Failures name the field at fault: patientId (NotFound), kind, category,
// encounterId, title, sha256, size (Invalid), contentType (Unsupported), size
// (TooLarge), noteId (NotFound, Forbidden, Invalid).
func (r *Records) BeginUpload(ctx context.Context, actor clinical.Actor, in BeginUpload) (out BegunUpload, err error) {
	kinds, err := r.registry(ctx, actor)
	if err != nil {
		return out, err
	}
	kind, err := in.check(kinds)
	if err != nil {
		return out, err
	}
	err = r.act(ctx, actor, "createUpload", func(ctx context.Context, c *call) error {
		d, err := c.mayUpload(ctx, in, kind)
		if err != nil {
			return err
		}
		u := c.newUpload(in, kind, clinical.FileID(d.Resource().ID))
		if again, err := remember(ctx, c, in.IdempotencyKey, in, u.ID); err != nil || again != u.ID {
			return c.begunBefore(ctx, &out, again, err)
		}
		token, hash := newToken(actor.Tenant)
		if err := c.InsertUpload(ctx, u, hash); err != nil {
			return err
		}
		out = BegunUpload{Upload: u, Token: token}
		_, err = c.audit(ctx, d, func(e *clinical.AuditEvent) {
			e.Entities = []clinical.AuditEntity{{Type: "Upload", ID: string(u.ID)}}
		})
		return err
	})
	return out, err
}

// check judges what needs no row of a chart to be judged.
func (in *BeginUpload) check(kinds registry) (clinical.FileKind, error) {
	kind, ok := kinds.find(in.Kind)
	if !ok {
		return kind, clinical.Bad("kind", "not in the kind registry")
	}
	if in.Category == "" {
		in.Category = kind.Category
	}
	declared := clinical.MediaType(in.ContentType)
	switch {
	case !kinds.knowsCategory(in.Category):
		return kind, clinical.Bad("category", "unknown category").WithAllowed(kinds.categories()...)
	case declared == "":
		return kind, clinical.Bad("contentType", "must be a media type such as application/pdf")
	case !kind.Takes(declared):
		return kind, clinical.Fail(clinical.Unsupported, "this kind of file does not take that content type", nil).
			WithField("contentType").WithAllowed(kind.ContentTypes...)
	case in.SHA256 != nil && len(in.SHA256) != sha256.Size:
		return kind, clinical.Bad("sha256", "must be 64 hexadecimal digits")
	case kind.RequiresEncounter && in.Encounter == "":
		return kind, clinical.Bad("encounterId", "this kind of file belongs to an encounter")
	}
	if err := checkTitle(in.Title); err != nil {
		return kind, err
	}
	in.ContentType = declared
	return kind, checkLength(in.Length, kind)
}

func checkLength(length *int64, kind clinical.FileKind) error {
	switch {
	case length == nil:
		return nil
	case *length < 0:
		return clinical.Bad("size", "cannot be negative")
	case *length == 0 && !kind.AllowEmpty:
		return clinical.Bad("size", "an empty file says nothing")
	case *length > kind.MaxSize:
		return clinical.Fail(clinical.TooLarge, "larger than this kind of file may be", nil).WithField("size")
	}
	return nil
}

// mayUpload decides on the file as it will be.
func (c *call) mayUpload(ctx context.Context, in BeginUpload, kind clinical.FileKind) (policy.Decision, error) {
	patient, err := subject(ctx, c, policy.Patient, in.Patient, c.PatientSubject)
	if err != nil {
		return policy.Decision{}, onField("patientId", err)
	}
	will := clinical.File{
		ID: clinical.NewID[clinical.FileID](c.now), Tenant: c.actor.Tenant, Patient: in.Patient, Kind: in.Kind,
		ResourceType: kind.ResourceFor(in.Category), UploadedBy: c.actor.ID, CreatedAt: c.now,
	}
	d, err := c.permit(ctx, policy.UploadFile, policy.OfFile(will, kind.Scan, patient.CareGroups))
	if err != nil {
		return d, onField("patientId", err)
	}
	if err := c.checkEncounter(ctx, in.Patient, in.Encounter); err != nil {
		return d, err
	}
	return d, c.mayAttach(ctx, in.Patient, in.Note)
}

func (c *call) newUpload(in BeginUpload, kind clinical.FileKind, file clinical.FileID) clinical.Upload {
	ttl := kind.UploadTTL
	if ttl == 0 {
		ttl = c.r.UploadTTL
	}
	return clinical.Upload{
		ID: clinical.NewID[clinical.UploadID](c.now), Tenant: c.actor.Tenant, Patient: in.Patient,
		Encounter: in.Encounter, Owner: c.actor.ID, Kind: in.Kind, Category: in.Category, Resource: kind.ResourceFor(in.Category),
		Title: strings.TrimSpace(in.Title), ContentType: in.ContentType, BodySite: in.BodySite,
		CapturedAt: in.CapturedAt, NoteID: in.Note, Length: in.Length, MaxSize: kind.MaxSize,
		State: clinical.UploadOpen, File: file, NextPart: 1, Key: c.actor.Session.Key,
		ObjectKey:       clinical.ObjectKey(c.actor.Tenant, file, c.now),
		AnnouncedSHA256: in.SHA256, IdempotencyKey: in.IdempotencyKey, TTL: ttl,
		CreatedAt: c.now, UpdatedAt: c.now, ExpiresAt: c.now.Add(ttl),
		Scan: kind.Scan, Mismatch: kind.Mismatch, AllowEmpty: kind.AllowEmpty,
		RequestID: c.actor.Session.RequestID,
	}
}

// begunBefore answers a repeated BeginUpload: the same upload, with a new token
// in place of the old one, whose clear text nobody has any more.
func (c *call) begunBefore(ctx context.Context, out *BegunUpload, id clinical.UploadID, err error) error {
	if err != nil {
		return err
	}
	d, err := c.upload(ctx, policy.ContinueUpload, id)
	if err != nil {
		return err
	}
	token, hash := newToken(c.actor.Tenant)
	if err := c.SetUploadToken(ctx, id, hash); err != nil {
		return err
	}
	out.Token = token
	if out.Upload, err = c.Tx.Upload(ctx, d); err != nil {
		return err
	}
	_, err = c.audit(ctx, d)
	return err
}

// upload decides on an upload by id.
func (c *call) upload(ctx context.Context, action policy.Action, id clinical.UploadID) (policy.Decision, error) {
	res, err := subject(ctx, c, policy.Upload, id, c.UploadSubject)
	if err != nil {
		return policy.Decision{}, err
	}
	return c.permit(ctx, action, res)
}

// Upload reads how far an upload is; its own progress is no disclosure of a chart.
func (r *Records) Upload(ctx context.Context, actor clinical.Actor, id clinical.UploadID) (u clinical.Upload, err error) {
	err = r.act(ctx, actor, "upload", func(ctx context.Context, c *call) error {
		d, err := c.upload(ctx, policy.ReadUpload, id)
		if err != nil {
			return err
		}
		if u, err = c.Tx.Upload(ctx, d); err != nil {
			return err
		}
		_, err = c.audit(ctx, d)
		return err
	})
	return u, err
}

// Uploads lists the actor's own uploads, from any device: unfinished ones can be
// gone on with.
func (r *Records) Uploads(ctx context.Context, actor clinical.Actor, q UploadQuery) (out clinical.Slice[clinical.Upload], err error) {
	err = r.act(ctx, actor, "uploads", func(ctx context.Context, c *call) error {
		f, err := r.Gate.Filter(ctx, actor, policy.ListUploads, policy.Upload, c.now)
		if err != nil {
			return err
		}
		if out, err = c.Tx.Uploads(ctx, f, store.UploadQuery{States: q.States, Patient: q.Patient}, q.Page); err != nil {
			return err
		}
		patient, err := c.existing(ctx, q.Patient)
		if err != nil {
			return err
		}
		return c.auditList(ctx, f, patient, "Upload")
	})
	return out, err
}

// newToken makes an upload token or gated-link token: it names its tenant, so
// that row-level security is set before a row is read, and is kept hashed.
func newToken(tenant clinical.TenantID) (token string, hash []byte) {
	var b [32]byte
	_, _ = rand.Read(b[:])
	token = string(tenant) + "." + base64.RawURLEncoding.EncodeToString(b[:])
	return token, hashToken(token)
}

func hashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// tokenTenant is the tenant a token names.
func tokenTenant(token string) (clinical.TenantID, bool) {
	name, secret, ok := strings.Cut(token, ".")
	t := clinical.TenantID(name)
	return t, ok && t.Valid() && len(secret) == 43
}
