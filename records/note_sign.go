package records

import (
	"bytes"
	"context"
	"strings"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
	"github.com/bonfiredb/bonfire/signing"
)

// SignNote is a clinician's word for a text.
type SignNote struct {
	Note    clinical.NoteID
	Version int // the one that was read
	// AttestedSHA256 is the digest of the text that the signer saw; nil to skip.
	AttestedSHA256 []byte
}

// SignNote turns a draft into a signed note, which never changes again. Only
// people sign (P6). The signature is over the note's canonical content, by the
// server's key, in the signer's name; signing an amendment replaces the note it
// amends. Of two who sign at once one does, and both stand in the trail.
//
// Conflict with *NotSignable, *VersionConflict or *TextChanged as its cause.
func (r *Records) SignNote(ctx context.Context, actor clinical.Actor, in SignNote) (n clinical.Note, err error) {
	err = r.act(ctx, actor, "signNote", func(ctx context.Context, c *call) error {
		d, was, err := c.holdNote(ctx, policy.SignNote, in.Note)
		if err != nil {
			return err
		}
		if err := c.signable(ctx, d, was, in); err != nil {
			return err
		}
		n = was
		n.Status, n.Signer, n.SignedAt, n.UpdatedAt = clinical.NoteSigned, actor.ID, &c.now, c.now
		if n, err = c.ChangeNote(ctx, d, n, actor); err != nil {
			return err
		}
		replaced, err := c.replaceAmended(ctx, d, n)
		if err != nil {
			return err
		}
		if err := c.proveSigned(ctx, was, n); err != nil {
			return err
		}
		_, err = c.audit(ctx, d, touched(append([]clinical.Ref{refOfNote(n)}, replaced...)...))
		return err
	})
	return n, err
}

// signable refuses what cannot be signed, or is not what the signer read.
func (c *call) signable(ctx context.Context, d policy.Decision, n clinical.Note, in SignNote) error {
	if err := c.stillDraft(d, n, in.Version); err != nil {
		return err
	}
	switch {
	case in.AttestedSHA256 != nil && !bytes.Equal(in.AttestedSHA256, n.TextSHA256):
		return c.lost(d, ruleText, "this is not the text you have read, read it again", &TextChanged{n.TextSHA256})
	case strings.TrimSpace(n.Text) == "":
		return c.lost(d, ruleState, "an empty note cannot be signed", &NotSignable{n.Status})
	}
	var notes []clinical.NoteID
	for _, s := range n.Sources {
		if s.Note != "" {
			notes = append(notes, s.Note)
		}
	}
	stray, err := c.Stray(ctx, n.Patient, n.Files(), notes)
	if err == nil && len(stray) > 0 {
		err = c.lost(d, ruleState, "a source was entered in error or moved to another chart: take it out of the draft first", &NotSignable{n.Status})
	}
	return err
}

// proveSigned writes the evidence of a signature: the draft that was signed, its
// sources, and the server's seal on all of it.
func (c *call) proveSigned(ctx context.Context, draft, n clinical.Note) error {
	p := clinical.Provenance{
		Activity: clinical.ActivitySign, Patient: n.Patient, Targets: []clinical.Ref{refOfNote(n)},
		Sources: append([]clinical.Ref{refOfNote(draft)}, n.SourceRefs()...), Agents: []clinical.ProvenanceAgent{c.took("legal")},
	}
	if c.r.Keys == nil { // a signature that nobody can check would stay so for ever
		return clinical.Fail(clinical.Unavailable, "this server has no key to seal signatures with: notes can be drafted, not signed", nil)
	}
	var err error
	if p.Signature, err = c.r.Keys.Sign(signing.ContentOf(n).Canonical()); err != nil {
		return clinical.Fail(clinical.Internal, "internal error", err)
	}
	if err := c.prove(ctx, p); err != nil {
		return err
	}
	return c.announce(ctx, "note.signed", refOfNote(n), n.Patient)
}

// replaceAmended makes the note that a signed amendment amends an amended one.
// Until now it was the current one; whoever amended it first has done so.
func (c *call) replaceAmended(ctx context.Context, signed policy.Decision, n clinical.Note) ([]clinical.Ref, error) {
	if n.Amends == "" {
		return nil, nil
	}
	d, was, err := c.holdNote(ctx, policy.AmendNote, n.Amends)
	if err != nil {
		return nil, err
	}
	if was.Status != clinical.NoteSigned {
		return nil, c.lost(signed, ruleState, "the note it amends was amended or retracted meanwhile", &NotSignable{clinical.NoteDraft})
	}
	old := was
	old.Status, old.AmendedBy, old.UpdatedAt = clinical.NoteAmended, n.ID, c.now
	if old, err = c.ChangeNote(ctx, d, old, c.actor); err != nil {
		return nil, err
	}
	err = c.prove(ctx, clinical.Provenance{
		Activity: clinical.ActivitySupersede, Patient: n.Patient, Targets: []clinical.Ref{refOfNote(n), refOfNote(old)},
		Sources: []clinical.Ref{refOfNote(was)}, Agents: []clinical.ProvenanceAgent{c.took("author")},
	})
	if err != nil {
		return nil, err
	}
	return []clinical.Ref{refOfNote(old)}, c.announce(ctx, "note.amended", refOfNote(old), old.Patient)
}
