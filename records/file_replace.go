package records

import (
	"context"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

// SupersedeFile lets a newer file take the place of an older one.
type SupersedeFile struct {
	File    clinical.FileID // the older one
	By      clinical.FileID
	Version int // of the older one, as it was read
}

// SupersedeFile marks a file as replaced by a newer one of the same patient and
// FHIR resource. Both stay readable and point at each other. Conflict, with
// *VersionConflict as its cause, or when either took part in a replacement
// that leaves no room for this one.
func (r *Records) SupersedeFile(ctx context.Context, actor clinical.Actor, in SupersedeFile) (f clinical.File, err error) {
	err = r.act(ctx, actor, "supersedeFile", func(ctx context.Context, c *call) error {
		d, was, err := c.holdVersion(ctx, policy.SupersedeFile, in.File, in.Version)
		if err != nil {
			return err
		}
		dBy, by, err := c.holdFile(ctx, policy.SupersedeFile, in.By)
		if err != nil {
			return onField("byFileId", err)
		}
		if err := c.replaceable(d, was, by); err != nil {
			return err
		}
		newer := by
		newer.Supersedes, newer.UpdatedAt = was.ID, c.now
		if newer, err = c.Tx.UpdateFile(ctx, dBy, newer); err != nil {
			return err
		}
		if err := c.announce(ctx, "file.updated", refOfFile(newer), newer.Patient); err != nil {
			return err
		}
		f = was
		f.Status, f.SupersededBy = clinical.FileSuperseded, newer.ID
		f, err = c.changeFile(ctx, d, was, f, clinical.Provenance{
			Activity: clinical.ActivitySupersede, Targets: []clinical.Ref{refOfFile(newer)}, Agents: []clinical.ProvenanceAgent{c.wrote()},
		}, "file.updated")
		if err != nil {
			return err
		}
		_, err = c.audit(ctx, d, touched(refOfFile(f), refOfFile(newer)))
		return err
	})
	return f, err
}

// replaceable refuses what cannot take that place.
func (c *call) replaceable(d policy.Decision, old, by clinical.File) error {
	switch {
	case by.ID == old.ID:
		return clinical.Bad("byFileId", "a file cannot replace itself")
	case by.Patient != old.Patient:
		return clinical.Bad("byFileId", "belongs to another patient")
	case by.ResourceType != old.ResourceType:
		return clinical.Bad("byFileId", "is another FHIR resource")
	case old.Status != clinical.FileCurrent:
		return c.lost(d, ruleState, "this file was replaced already", nil)
	case by.Status != clinical.FileCurrent:
		return c.lost(d, ruleState, "the newer file is not current itself", nil)
	case by.Supersedes != "":
		return c.lost(d, ruleState, "the newer file replaces another one already", nil)
	}
	return nil
}

// RetractFile takes a file out of the chart as entered in error.
type RetractFile struct {
	File    clinical.FileID
	Version int    // the one that was read
	Reason  string // PHI
}

// RetractFile marks a file as entered in error: its bytes are given to nobody any
// more, every link to it ends, and what it had replaced is current again. What is
// known of it stays readable. Forbidden under a legal hold; Conflict with
// *VersionConflict as its cause, or when it was retracted already.
func (r *Records) RetractFile(ctx context.Context, actor clinical.Actor, in RetractFile) (f clinical.File, err error) {
	if err := checkReason(in.Reason); err != nil {
		return f, err
	}
	err = r.act(ctx, actor, "retractFile", func(ctx context.Context, c *call) error {
		d, was, err := c.holdVersion(ctx, policy.RetractFile, in.File, in.Version)
		if err != nil {
			return err
		}
		if _, err := c.RevokeFileLinks(ctx, d, c.now); err != nil {
			return err
		}
		neighbours, err := c.DetachFile(ctx, d, c.now)
		if err != nil {
			return err
		}
		f = was
		f.Status, f.Supersedes, f.SupersededBy = clinical.FileEnteredInError, "", ""
		f, err = c.changeFile(ctx, d, was, f, clinical.Provenance{
			Activity: clinical.ActivityRetract, Reason: in.Reason, Targets: refsOf(neighbours), Agents: []clinical.ProvenanceAgent{c.wrote()},
		}, "file.retracted")
		if err != nil {
			return err
		}
		_, err = c.audit(ctx, d, touched(append([]clinical.Ref{refOfFile(f)}, refsOf(neighbours)...)...))
		return err
	})
	return f, err
}

func refsOf(files []clinical.File) (refs []clinical.Ref) {
	for _, f := range files {
		refs = append(refs, refOfFile(f))
	}
	return refs
}
