package records

import (
	"context"
	"net/url"
	"strconv"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
	"github.com/bonfiredb/bonfire/store"
)

// NoteQuery narrows a list of notes; every condition is ANDed inside the policy.
type NoteQuery struct {
	Statuses  []clinical.NoteStatus
	Encounter clinical.EncounterID
	// FromFile and FromNote leave the notes that have this source, if the actor
	// may see the source itself; else none.
	FromFile clinical.FileID
	FromNote clinical.NoteID
	Page     clinical.Page
}

// Note reads one note. NotFound when hidden or missing.
func (r *Records) Note(ctx context.Context, actor clinical.Actor, id clinical.NoteID) (n clinical.Note, err error) {
	err = r.act(ctx, actor, "note", func(ctx context.Context, c *call) error {
		n, err = c.readNote(ctx, id)
		return err
	})
	return n, err
}

// readNote decides, reads and audits.
func (c *call) readNote(ctx context.Context, id clinical.NoteID) (clinical.Note, error) {
	d, err := c.note(ctx, policy.ReadNote, id)
	if err != nil {
		return clinical.Note{}, err
	}
	n, err := c.Tx.Note(ctx, d)
	if err != nil {
		return n, err
	}
	_, err = c.audit(ctx, d, touched(refOfNote(n)))
	return n, err
}

// note decides on a note by id.
func (c *call) note(ctx context.Context, action policy.Action, id clinical.NoteID) (policy.Decision, error) {
	res, err := subject(ctx, c, policy.Note, id, c.NoteSubject)
	if err != nil {
		return policy.Decision{}, err
	}
	return c.permit(ctx, action, res)
}

// holdNote locks a note, decides on it as it then stands, and reads it: nobody
// else changes it until the transaction ends.
func (c *call) holdNote(ctx context.Context, action policy.Action, id clinical.NoteID) (d policy.Decision, n clinical.Note, err error) {
	res, err := subject(ctx, c, policy.Note, id, c.LockNote)
	if err != nil {
		return d, n, onField("noteId", err)
	}
	if d, err = c.permit(ctx, action, res); err != nil {
		return d, n, onField("noteId", err)
	}
	n, err = c.Tx.Note(ctx, d)
	return d, n, err
}

// Notes lists a patient's notes, as far as the policy lets the actor see them,
// the newest first. NotFound when the patient is hidden or missing.
func (r *Records) Notes(ctx context.Context, actor clinical.Actor, patient clinical.PatientID, q NoteQuery) (out clinical.Slice[clinical.Note], err error) {
	err = r.act(ctx, actor, "notes", func(ctx context.Context, c *call) error {
		res, err := subject(ctx, c, policy.Patient, patient, c.PatientSubject)
		if err != nil {
			return onField("patientId", err)
		}
		f, err := r.Gate.Filter(ctx, actor, policy.ListNotes, policy.Note, c.now)
		if err != nil {
			return err
		}
		if visible, err := c.seesSources(ctx, q); err != nil {
			return err
		} else if visible {
			if out, err = c.Tx.Notes(ctx, f, q.narrow(patient), q.Page); err != nil {
				return err
			}
		}
		if len(out.Items) == 0 { // only a chart that shows nothing at all does not exist for the caller
			if _, err := c.permit(ctx, policy.ReadPatient, res); err != nil {
				return onField("patientId", err)
			}
		}
		return c.auditList(ctx, f, patient, q.String())
	})
	return out, err
}

// seesSources reports whether the actor may know of the sources that a query
// names: which notes come from a hidden file is not told.
func (c *call) seesSources(ctx context.Context, q NoteQuery) (bool, error) {
	if q.FromFile != "" {
		if ok, err := looks(ctx, c, policy.ReadFile, q.FromFile, c.FileSubject); err != nil || !ok {
			return false, err
		}
	}
	if q.FromNote != "" {
		return looks(ctx, c, policy.ReadNote, q.FromNote, c.NoteSubject)
	}
	return true, nil
}

// looks reports whether the thing is there and the actor may look at it.
func looks[ID ~string](ctx context.Context, c *call, action policy.Action, id ID,
	load func(context.Context, ID) (policy.Resource, error),
) (bool, error) {
	res, err := load(ctx, id)
	if clinical.Is(err, clinical.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	d, err := c.judge(ctx, action, res)
	return d.Allowed(), err
}

// narrow is the query as the store knows it.
func (q NoteQuery) narrow(patient clinical.PatientID) store.NoteQuery {
	return store.NoteQuery{
		Patient: patient, Statuses: q.Statuses, Encounter: q.Encounter, FromFile: q.FromFile, FromNote: q.FromNote,
	}
}

// String is the query as the audit trail keeps it: ids and codes.
func (q NoteQuery) String() string {
	v := url.Values{}
	for _, s := range q.Statuses {
		v.Add("status", string(s))
	}
	for key, value := range map[string]string{
		"encounter": string(q.Encounter), "fromFile": string(q.FromFile), "fromNote": string(q.FromNote),
	} {
		if value != "" {
			v.Set(key, value)
		}
	}
	v.Set("first", strconv.Itoa(q.Page.First))
	return "Note?" + v.Encode()
}

// NoteVersions lists every version of a note as it stood, the oldest first.
func (r *Records) NoteVersions(ctx context.Context, actor clinical.Actor, id clinical.NoteID) (out []clinical.NoteVersion, err error) {
	err = r.act(ctx, actor, "noteVersions", func(ctx context.Context, c *call) error {
		d, err := c.note(ctx, policy.ReadNote, id)
		if err != nil {
			return err
		}
		if out, err = c.Tx.NoteVersions(ctx, d); err != nil {
			return err
		}
		_, err = c.audit(ctx, d)
		return err
	})
	return out, err
}

// NoteProvenance lists the evidence of how a note came to be, oldest first.
func (r *Records) NoteProvenance(ctx context.Context, actor clinical.Actor, id clinical.NoteID) (out []clinical.Provenance, err error) {
	err = r.act(ctx, actor, "provenance", func(ctx context.Context, c *call) error {
		d, err := c.note(ctx, policy.ReadProvenance, id)
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
