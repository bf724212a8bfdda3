package records

import (
	"context"
	"net/url"
	"strconv"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
	"github.com/bonfiredb/bonfire/store"
)

// File reads what is known of one file. NotFound when hidden or missing.
func (r *Records) File(ctx context.Context, actor clinical.Actor, id clinical.FileID) (f clinical.File, err error) {
	err = r.act(ctx, actor, "file", func(ctx context.Context, c *call) error {
		d, err := c.file(ctx, policy.ReadFile, id)
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

// file decides on a file by id.
func (c *call) file(ctx context.Context, action policy.Action, id clinical.FileID) (policy.Decision, error) {
	res, err := subject(ctx, c, policy.File, id, c.FileSubject)
	if err != nil {
		return policy.Decision{}, err
	}
	return c.permit(ctx, action, res)
}

// Files lists a patient's files, as far as the policy lets the actor see them:
// the policy is part of the query, of every page and of the total. NotFound when
// the patient is hidden or missing.
func (r *Records) Files(ctx context.Context, actor clinical.Actor, patient clinical.PatientID, q FileQuery) (out clinical.Slice[clinical.File], err error) {
	err = r.act(ctx, actor, "files", func(ctx context.Context, c *call) error {
		res, err := subject(ctx, c, policy.Patient, patient, c.PatientSubject)
		if err != nil {
			return onField("patientId", err)
		}
		f, err := r.Gate.Filter(ctx, actor, policy.ListFiles, policy.File, c.now)
		if err != nil {
			return err
		}
		if visible, err := c.seesNote(ctx, q.Note); err != nil {
			return err
		} else if visible {
			if out, err = c.Tx.Files(ctx, f, q.narrow(patient), q.Page); err != nil {
				return err
			}
		}
		// A principal without the patient, such as a pipeline, may still see files:
		// only a chart that shows nothing at all does not exist for the caller.
		if len(out.Items) == 0 {
			if _, err := c.permit(ctx, policy.ReadPatient, res); err != nil {
				return onField("patientId", err)
			}
		}
		return c.auditList(ctx, f, patient, q.String())
	})
	return out, err
}

// seesNote reports whether the actor may know of the note that a query names:
// which files a hidden note comes from is not told. "" is none.
func (c *call) seesNote(ctx context.Context, id clinical.NoteID) (bool, error) {
	if id == "" {
		return true, nil
	}
	return looks(ctx, c, policy.ReadNote, id, c.NoteSubject)
}

// narrow is the query as the store knows it.
func (q FileQuery) narrow(patient clinical.PatientID) store.FileQuery {
	return store.FileQuery{
		Patient: patient, Kinds: q.Kinds, Categories: q.Categories, Statuses: q.Statuses,
		ResourceTypes: q.ResourceTypes, Encounter: q.Encounter, SourceOf: q.Note, ContentTypePrefix: q.ContentTypePrefix,
		CreatedFrom: q.CreatedFrom, CreatedBefore: q.CreatedBefore, Text: q.Text,
		OrderBy: store.FileOrder(q.OrderBy), Descending: q.Descending, WithTotal: q.WithTotal,
	}
}

// String is the query as the audit trail keeps it: ids and codes, and whether
// there was a text, which may be a patient's words.
func (q FileQuery) String() string {
	v := url.Values{}
	add := func(key, value string) {
		if value != "" {
			v.Add(key, value)
		}
	}
	for _, k := range q.Kinds {
		add("kind", k)
	}
	for _, k := range q.Categories {
		add("category", k)
	}
	for _, s := range q.Statuses {
		add("status", string(s))
	}
	add("encounter", string(q.Encounter))
	add("note", string(q.Note))
	add("first", strconv.Itoa(q.Page.First))
	if q.Text != "" {
		add("text", "*")
	}
	return "File?" + v.Encode()
}

// FileAbilities decides, without effect or audit, what a screen should offer.
func (r *Records) FileAbilities(ctx context.Context, actor clinical.Actor, f clinical.File) (a FileAbilities) {
	_ = r.act(ctx, actor, "file", func(ctx context.Context, c *call) error {
		res, err := c.FileSubject(ctx, f.ID)
		if err != nil {
			return err
		}
		for action, can := range map[policy.Action]*bool{
			policy.DownloadFile: &a.Download, policy.UpdateFile: &a.Update, policy.RetractFile: &a.Retract,
		} {
			d, err := c.judge(ctx, action, res)
			if err != nil {
				return err
			}
			*can = d.Allowed()
		}
		return nil
	})
	return a
}

// FileProvenance lists the evidence of how a file came to be, oldest first.
func (r *Records) FileProvenance(ctx context.Context, actor clinical.Actor, id clinical.FileID) (out []clinical.Provenance, err error) {
	err = r.act(ctx, actor, "provenance", func(ctx context.Context, c *call) error {
		d, err := c.file(ctx, policy.ReadProvenance, id)
		if err != nil {
			return err
		}
		if out, err = c.ProvenanceOf(ctx, d); err != nil {
			return err
		}
		_, err = c.audit(ctx, d)
		return err
	})
	return out, err
}

// Principals gives what may be shown of other principals of the actor's tenant.
func (r *Records) Principals(ctx context.Context, actor clinical.Actor, ids []clinical.ActorID) (out map[clinical.ActorID]clinical.Actor, err error) {
	err = r.act(ctx, actor, "principals", func(ctx context.Context, c *call) error {
		out, err = c.ActorDisplays(ctx, ids)
		return err
	})
	return out, err
}
