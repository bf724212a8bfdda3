package records

import (
	"context"
	"encoding/hex"
	"strings"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

// AmendNote is a new draft in place of a signed note.
type AmendNote struct {
	Note   clinical.NoteID // the signed one
	Draft  string          // PHI
	Reason string          // PHI
	Title  *string         // PHI; nil takes the signed note's
	// DerivedFrom and Sources are as in CreateNote; both nil take the signed
	// note's, as far as they still are in this chart.
	DerivedFrom    []string
	Sources        []NoteSource
	IdempotencyKey string
}

// AmendNote drafts an amendment: a note of its own that points back. The signed
// note stays current until the amendment is signed. Conflict when the note is no
// signed one, or was amended already.
func (r *Records) AmendNote(ctx context.Context, actor clinical.Actor, in AmendNote) (n clinical.Note, err error) {
	if err := checkReason(in.Reason); err != nil {
		return n, err
	}
	err = r.act(ctx, actor, "amendNote", func(ctx context.Context, c *call) error {
		d, signed, err := c.holdNote(ctx, policy.AmendNote, in.Note)
		if err != nil {
			return err
		}
		if n, err = c.amendment(ctx, signed, in); err != nil {
			return err
		}
		if again, err := remember(ctx, c, in.IdempotencyKey, in, n.ID); err != nil || again != n.ID {
			if err == nil {
				n, err = c.readNote(ctx, again)
			}
			return err
		}
		if signed.Status != clinical.NoteSigned {
			return c.lost(d, ruleState, "only a signed note that is current can be amended", &NotSignable{signed.Status})
		}
		may, err := c.mayDraft(ctx, &n, origins{in.DerivedFrom, in.Sources}, d.Resource().CareGroups)
		if err != nil {
			return err
		}
		if err := c.keepSources(ctx, &n, signed, in); err != nil {
			return err
		}
		return c.draft(ctx, may, n, clinical.Provenance{
			Activity: clinical.ActivityAmend, Reason: in.Reason, Agents: []clinical.ProvenanceAgent{c.wrote()},
			Sources: append([]clinical.Ref{refOfNote(signed)}, n.SourceRefs()...),
		})
	})
	return n, err
}

// amendment is the draft in place of a signed note, at least as confidential.
func (c *call) amendment(_ context.Context, signed clinical.Note, in AmendNote) (clinical.Note, error) {
	title := signed.Title
	if in.Title != nil {
		title = strings.TrimSpace(*in.Title)
	}
	n := c.newNote(signed.Patient, signed.Encounter, title, in.Draft)
	n.Amends, n.Confidentiality = signed.ID, signed.Confidentiality
	return n, checkNote(in.Draft, title)
}

// keepSources lets an amendment that names no sources stand on the signed
// note's, without those that left the chart.
func (c *call) keepSources(ctx context.Context, n *clinical.Note, signed clinical.Note, in AmendNote) error {
	if (origins{in.DerivedFrom, in.Sources}).given() {
		return nil
	}
	for _, s := range signed.Sources {
		files, notes := []clinical.FileID{s.File}, []clinical.NoteID{s.Note}
		if s.File == "" {
			files = nil
		} else {
			notes = nil
		}
		stray, err := c.Stray(ctx, n.Patient, files, notes)
		if err != nil {
			return err
		}
		if len(stray) == 0 {
			n.Sources = append(n.Sources, s)
		}
	}
	return nil
}

// RetractNote takes a note out of the chart as entered in error.
type RetractNote struct {
	Note    clinical.NoteID
	Version int    // the one that was read
	Reason  string // PHI
}

// RetractNote marks a note as entered in error; its text stays readable to those
// who could read it, links to it end, and what it had amended is current again.
// Conflict with *VersionConflict as its cause, or when it was retracted already.
func (r *Records) RetractNote(ctx context.Context, actor clinical.Actor, in RetractNote) (n clinical.Note, err error) {
	if err := checkReason(in.Reason); err != nil {
		return n, err
	}
	err = r.act(ctx, actor, "retractNote", func(ctx context.Context, c *call) error {
		d, was, err := c.holdNote(ctx, policy.RetractNote, in.Note)
		switch {
		case err != nil:
			return err
		case was.Version != in.Version:
			return c.lost(d, ruleVersion, "this note has changed, read it again", &VersionConflict{was.Version})
		case was.Status == clinical.NoteEnteredInError:
			return c.lost(d, ruleState, "this note was retracted already", &NotSignable{was.Status})
		}
		n = was
		n.Status, n.UpdatedAt = clinical.NoteEnteredInError, c.now
		if n, err = c.ChangeNote(ctx, d, n, actor); err != nil {
			return err
		}
		if err := c.withdraw(ctx, d); err != nil {
			return err
		}
		back, err := c.reinstate(ctx, was)
		if err != nil {
			return err
		}
		err = c.prove(ctx, clinical.Provenance{
			Activity: clinical.ActivityRetract, Patient: n.Patient, Reason: in.Reason, Agents: []clinical.ProvenanceAgent{c.wrote()},
			Targets: append([]clinical.Ref{refOfNote(n)}, back...), Sources: []clinical.Ref{refOfNote(was)},
		})
		if err != nil {
			return err
		}
		if err := c.announce(ctx, "note.retracted", refOfNote(n), n.Patient); err != nil {
			return err
		}
		_, err = c.audit(ctx, d, touched(append([]clinical.Ref{refOfNote(n)}, back...)...), digestOf(n))
		return err
	})
	return n, err
}

// withdraw ends the links to a note, and gives up the objects they led to.
func (c *call) withdraw(ctx context.Context, d policy.Decision) error {
	if err := c.RevokeNoteLinks(ctx, d, c.now); err != nil {
		return err
	}
	return c.GiveUpNoteObjects(ctx, d, c.now)
}

// reinstate makes the note that a retracted amendment had replaced the current
// one again.
func (c *call) reinstate(ctx context.Context, amendment clinical.Note) ([]clinical.Ref, error) {
	if amendment.Amends == "" || amendment.Status != clinical.NoteSigned {
		return nil, nil
	}
	d, old, err := c.holdNote(ctx, policy.AmendNote, amendment.Amends)
	if err != nil || old.AmendedBy != amendment.ID || old.Status != clinical.NoteAmended {
		return nil, err
	}
	old.Status, old.AmendedBy, old.UpdatedAt = clinical.NoteSigned, "", c.now
	if old, err = c.ChangeNote(ctx, d, old, c.actor); err != nil {
		return nil, err
	}
	return []clinical.Ref{refOfNote(old)}, c.announce(ctx, "note.updated", refOfNote(old), old.Patient)
}

// digestOf adds the digest of a note's text to an event.
func digestOf(n clinical.Note) func(*clinical.AuditEvent) {
	return func(e *clinical.AuditEvent) {
		e.Detail = map[string]string{"textSha256": hex.EncodeToString(n.TextSHA256)}
	}
}

// checkReason asks for a few words of explanation.
func checkReason(reason string) error {
	switch n := len([]rune(strings.TrimSpace(reason))); {
	case n < 3:
		return clinical.Bad("reason", "say why, in at least three characters")
	case n > 500:
		return clinical.Bad("reason", "longer than 500 characters")
	}
	return nil
}
