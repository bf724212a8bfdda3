package records

import (
	"context"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

// mayAttach decides, when an upload begins, that its file may become a source of
// a draft; "" is none.
func (c *call) mayAttach(ctx context.Context, patient clinical.PatientID, id clinical.NoteID) error {
	if id == "" {
		return nil
	}
	d, err := c.note(ctx, policy.EditNote, id)
	if err != nil {
		return onField("noteId", err)
	}
	switch res := d.Resource(); {
	case res.Patient != patient:
		return clinical.Bad("noteId", "belongs to another patient")
	case res.Status != string(clinical.NoteDraft):
		return clinical.Bad("noteId", "is no longer a draft")
	}
	return nil
}

// attach makes a new file a source of the draft that its upload was for. A draft
// that was signed or retracted meanwhile, or is no longer its uploader's to edit,
// stays as it is: the file is stored all the same, and nil is answered.
func (c *call) attach(ctx context.Context, id clinical.NoteID, f clinical.File) (*clinical.Note, error) {
	if id == "" {
		return nil, nil
	}
	res, err := c.LockNote(ctx, id)
	if clinical.Is(err, clinical.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	d, err := c.judge(ctx, policy.EditNote, res)
	if err != nil || !d.Allowed() || res.Patient != f.Patient || res.Status != string(clinical.NoteDraft) {
		return nil, err
	}
	was, err := c.Tx.Note(ctx, d)
	if err != nil {
		return nil, err
	}
	n, ref := was, refOfFile(f)
	n.Sources = append(append([]clinical.NoteSource{}, was.Sources...),
		clinical.NoteSource{File: f.ID, Type: f.ResourceType, Version: ref.Version, SHA256: ref.SHA256})
	n.Confidentiality, n.UpdatedAt = max(was.Confidentiality, f.Confidentiality), c.now
	if n, err = c.ChangeNote(ctx, d, n, c.actor); err != nil {
		return nil, err
	}
	return &n, c.proveEdit(ctx, was, n)
}
