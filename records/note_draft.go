package records

import (
	"context"
	"crypto/sha256"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

// Limits of what a note holds, in characters.
const (
	maxNoteText = 1_000_000
	maxTitle    = 255
)

// CreateNote is a new draft.
type CreateNote struct {
	Patient   clinical.PatientID
	Encounter clinical.EncounterID // "" when none
	Title     string               // PHI
	Draft     string               // PHI
	// DerivedFrom are whole files and other notes; Sources are files, or spans of recordings.
	DerivedFrom []string
	Sources     []NoteSource
	// DraftedBy is the agent or device whose draft a person enters; "" when the actor wrote it.
	DraftedBy      clinical.ActorID
	IdempotencyKey string
}

// CreateNote writes a draft: an AI's, or a person's. Every source is decided on
// by itself. Failures name the field: patientId, derivedFrom, sources (NotFound,
// Invalid), encounterId, draft, title, draftedByDevice (Invalid).
func (r *Records) CreateNote(ctx context.Context, actor clinical.Actor, in CreateNote) (n clinical.Note, err error) {
	in.Title = strings.TrimSpace(in.Title)
	if err := checkNote(in.Draft, in.Title); err != nil {
		return n, err
	}
	err = r.act(ctx, actor, "createNote", func(ctx context.Context, c *call) error {
		patient, err := subject(ctx, c, policy.Patient, in.Patient, c.PatientSubject)
		if err != nil {
			return onField("patientId", err)
		}
		n = c.newNote(in.Patient, in.Encounter, in.Title, in.Draft)
		agents, err := c.drafter(ctx, &n, in.DraftedBy)
		if err != nil {
			return err
		}
		d, err := c.mayDraft(ctx, &n, origins{in.DerivedFrom, in.Sources}, patient.CareGroups)
		if err != nil {
			return err
		}
		if again, err := remember(ctx, c, in.IdempotencyKey, in, n.ID); err != nil || again != n.ID {
			if err == nil {
				n, err = c.readNote(ctx, again)
			}
			return err
		}
		return c.draft(ctx, d, n, clinical.Provenance{
			Activity: clinical.ActivityDraft, Sources: n.SourceRefs(), Agents: agents,
		})
	})
	return n, err
}

// newNote is a draft of the actor's own.
func (c *call) newNote(patient clinical.PatientID, encounter clinical.EncounterID, title, text string) clinical.Note {
	sum := sha256.Sum256([]byte(text))
	return clinical.Note{
		ID: clinical.NewID[clinical.NoteID](c.now), Tenant: c.actor.Tenant, Patient: patient, Encounter: encounter,
		Status: clinical.NoteDraft, Version: 1, Title: title, Text: text, TextSHA256: sum[:],
		Author: c.actor.ID, AuthorKind: c.actor.Kind, CreatedAt: c.now, UpdatedAt: c.now,
	}
}

// drafter makes the agent or device the author of a draft that a person enters,
// and says who took what part in it.
func (c *call) drafter(ctx context.Context, n *clinical.Note, by clinical.ActorID) ([]clinical.ProvenanceAgent, error) {
	if by == "" || by == c.actor.ID {
		return []clinical.ProvenanceAgent{c.wrote()}, nil
	}
	known, err := c.ActorDisplays(ctx, []clinical.ActorID{by})
	if err != nil {
		return nil, err
	}
	device := known[by]
	if c.actor.Kind != clinical.User || device.Kind != clinical.Agent && device.Kind != clinical.Device {
		return nil, clinical.Bad("draftedByDevice", "not an agent or device of this clinic")
	}
	n.Author, n.AuthorKind = device.ID, device.Kind
	return []clinical.ProvenanceAgent{
		{Type: "assembler", Actor: device.ID, ActorKind: device.Kind, OnBehalfOf: c.actor.ID}, c.took("enterer"),
	}, nil
}

// mayDraft decides on a note as it will be: first whether there may be one at
// all, then on each source, then on a note as confidential as its sources.
func (c *call) mayDraft(ctx context.Context, n *clinical.Note, from origins, careGroups []string) (policy.Decision, error) {
	d, err := c.permit(ctx, policy.DraftNote, policy.OfNote(*n, careGroups))
	if err != nil {
		return d, onField("patientId", err)
	}
	if err := c.checkEncounter(ctx, n.Patient, n.Encounter); err != nil {
		return d, err
	}
	p, err := c.pin(ctx, n.Patient, from)
	if err != nil {
		return d, err
	}
	n.Sources = p.sources
	if p.highest <= n.Confidentiality {
		return d, nil
	}
	n.Confidentiality = p.highest
	d, err = c.permit(ctx, policy.DraftNote, policy.OfNote(*n, careGroups))
	return d, onField("patientId", err)
}

// checkEncounter holds a visit to its patient; "" is none.
func (c *call) checkEncounter(ctx context.Context, patient clinical.PatientID, visit clinical.EncounterID) error {
	if visit == "" {
		return nil
	}
	err := c.EncounterOf(ctx, patient, visit)
	if clinical.Is(err, clinical.NotFound) {
		return clinical.Bad("encounterId", "not an encounter of this patient")
	}
	return err
}

// draft writes a new note with its evidence.
func (c *call) draft(ctx context.Context, d policy.Decision, n clinical.Note, how clinical.Provenance) error {
	if err := c.InsertNote(ctx, n, c.actor); err != nil {
		return err
	}
	how.Patient, how.Targets = n.Patient, []clinical.Ref{refOfNote(n)}
	if err := c.prove(ctx, how); err != nil {
		return err
	}
	if err := c.announce(ctx, "note.created", refOfNote(n), n.Patient); err != nil {
		return err
	}
	if err := c.linked(ctx, clinical.Note{}, n); err != nil {
		return err
	}
	_, err := c.audit(ctx, d, touched(append(how.Targets, how.Sources...)...))
	return err
}

// checkNote judges what needs no row to be judged.
func checkNote(text, title string) error {
	switch {
	case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		return clinical.Bad("draft", "must be Unicode text without U+0000")
	case utf8.RuneCountInString(text) > maxNoteText:
		return clinical.Bad("draft", "longer than 1,000,000 characters")
	}
	return checkTitle(title)
}

// checkTitle holds a title to one line of text.
func checkTitle(title string) error {
	switch {
	case !utf8.ValidString(title) || strings.ContainsFunc(title, unicode.IsControl):
		return clinical.Bad("title", "must be one line of Unicode text")
	case utf8.RuneCountInString(title) > maxTitle:
		return clinical.Bad("title", "longer than 255 characters")
	}
	return nil
}
