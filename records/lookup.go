package records

import (
	"context"
	"net/url"
	"strings"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

// FilesByID reads those of the files that the actor may see: what other records
// point at, in one look-up. Hidden and missing ones are left out alike.
func (r *Records) FilesByID(ctx context.Context, actor clinical.Actor, ids []clinical.FileID) (out map[clinical.FileID]clinical.File, err error) {
	err = r.act(ctx, actor, "files", func(ctx context.Context, c *call) error {
		f, err := r.Gate.Filter(ctx, actor, policy.ListFiles, policy.File, c.now)
		if err != nil {
			return err
		}
		found, err := c.Tx.FilesByIDs(ctx, f, ids)
		if err != nil {
			return err
		}
		out = make(map[clinical.FileID]clinical.File, len(found))
		seen := map[clinical.PatientID][]clinical.Ref{}
		for _, file := range found {
			out[file.ID] = file
			seen[file.Patient] = append(seen[file.Patient], refOfFile(file))
		}
		return c.auditLookup(ctx, f, "File", texts(ids), seen)
	})
	return out, err
}

// NotesByID reads those of the notes that the actor may see, like FilesByID.
func (r *Records) NotesByID(ctx context.Context, actor clinical.Actor, ids []clinical.NoteID) (out map[clinical.NoteID]clinical.Note, err error) {
	err = r.act(ctx, actor, "notes", func(ctx context.Context, c *call) error {
		f, err := r.Gate.Filter(ctx, actor, policy.ListNotes, policy.Note, c.now)
		if err != nil {
			return err
		}
		found, err := c.Tx.NotesByIDs(ctx, f, ids)
		if err != nil {
			return err
		}
		out = make(map[clinical.NoteID]clinical.Note, len(found))
		seen := map[clinical.PatientID][]clinical.Ref{}
		for _, note := range found {
			out[note.ID] = note
			seen[note.Patient] = append(seen[note.Patient], refOfNote(note))
		}
		return c.auditLookup(ctx, f, "Note", texts(ids), seen)
	})
	return out, err
}

// auditLookup writes one event for each patient of what was found, with the
// things themselves; a look-up that finds nothing leaves one without a patient.
func (c *call) auditLookup(ctx context.Context, f policy.Filter, noun string, ids []string, seen map[clinical.PatientID][]clinical.Ref) error {
	query := noun + "?" + url.Values{"_id": {strings.Join(ids, ",")}}.Encode()
	for patient, refs := range seen {
		e := c.event(policy.Resource{Patient: patient}, firstPolicy(f))
		e.Query = query
		touched(refs...)(&e)
		if err := c.AppendAudit(ctx, e); err != nil {
			return err
		}
	}
	if len(seen) > 0 {
		return nil
	}
	return c.auditList(ctx, f, "", query)
}

func texts[ID ~string](ids []ID) []string {
	out := make([]string, 0, len(ids))
	for _, id := range ids {
		if _, ok := clinical.ParseID[ID](string(id)); ok {
			out = append(out, string(id))
		}
	}
	return out
}
