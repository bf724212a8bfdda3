package records

import (
	"context"
	"crypto/sha256"
	"strings"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

// UpdateNoteDraft changes a draft; what it was stays as a version. A nil Title
// leaves the title; nil DerivedFrom and Sources leave the sources, otherwise
// both together take their place.
type UpdateNoteDraft struct {
	Note        clinical.NoteID
	Version     int // the one that was read
	Draft       string
	Title       *string
	DerivedFrom []string
	Sources     []NoteSource
}

// UpdateNoteDraft writes the next version of a draft; the same text again is no
// new version. Conflict with *VersionConflict or *NotSignable as its cause.
func (r *Records) UpdateNoteDraft(ctx context.Context, actor clinical.Actor, in UpdateNoteDraft) (n clinical.Note, err error) {
	err = r.act(ctx, actor, "updateNoteDraft", func(ctx context.Context, c *call) error {
		d, was, err := c.holdNote(ctx, policy.EditNote, in.Note)
		if err != nil {
			return err
		}
		if err := c.stillDraft(d, was, in.Version); err != nil {
			return err
		}
		if n, err = c.edited(ctx, was, in); err != nil {
			return err
		}
		return c.rewrite(ctx, d, was, &n)
	})
	return n, err
}

// stillDraft refuses what is no draft any more, or not the one that was read.
func (c *call) stillDraft(d policy.Decision, n clinical.Note, version int) error {
	switch {
	case n.Status != clinical.NoteDraft:
		return c.lost(d, ruleState, "this note is no longer a draft", &NotSignable{n.Status})
	case n.Version != version:
		return c.lost(d, ruleVersion, "this note has changed, read it again", &VersionConflict{n.Version})
	}
	return nil
}

// edited is the draft with the changes. Its confidentiality never sinks: the
// text may still tell what a removed source told.
func (c *call) edited(ctx context.Context, n clinical.Note, in UpdateNoteDraft) (clinical.Note, error) {
	if in.Title != nil {
		n.Title = strings.TrimSpace(*in.Title)
	}
	if err := checkNote(in.Draft, n.Title); err != nil {
		return n, err
	}
	sum := sha256.Sum256([]byte(in.Draft))
	n.Text, n.TextSHA256, n.UpdatedAt = in.Draft, sum[:], c.now
	if from := (origins{in.DerivedFrom, in.Sources}); from.given() {
		p, err := c.pin(ctx, n.Patient, from)
		if err != nil {
			return n, err
		}
		n.Sources, n.Confidentiality = p.sources, max(n.Confidentiality, p.highest)
	}
	return n, nil
}

// rewrite writes the next version of a draft with its evidence.
func (c *call) rewrite(ctx context.Context, d policy.Decision, was clinical.Note, n *clinical.Note) (err error) {
	if n.Title == was.Title && n.Text == was.Text && sameSources(n.Sources, was.Sources) {
		*n = was
		_, err := c.audit(ctx, d, touched(refOfNote(was)))
		return err
	}
	if *n, err = c.ChangeNote(ctx, d, *n, c.actor); err != nil {
		return err
	}
	if err := c.proveEdit(ctx, was, *n); err != nil {
		return err
	}
	_, err = c.audit(ctx, d, touched(refOfNote(*n)))
	return err
}

// proveEdit is the evidence of a new version, the one before and what came in as a
// source, and tells of both.
func (c *call) proveEdit(ctx context.Context, was, n clinical.Note) error {
	p := clinical.Provenance{
		Activity: clinical.ActivityEdit, Patient: n.Patient, Targets: []clinical.Ref{refOfNote(n)},
		Sources: []clinical.Ref{refOfNote(was)}, Agents: []clinical.ProvenanceAgent{c.wrote()},
	}
	for _, s := range n.Sources {
		if !containsSource(was.Sources, s) {
			p.Sources = append(p.Sources, s.Ref())
		}
	}
	if err := c.prove(ctx, p); err != nil {
		return err
	}
	if err := c.announce(ctx, "note.updated", refOfNote(n), n.Patient); err != nil {
		return err
	}
	return c.linked(ctx, was, n)
}
