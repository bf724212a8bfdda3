package records

import (
	"context"
	"encoding/hex"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/store"
)

// prove writes a piece of evidence in the transaction of what it proves.
func (c *call) prove(ctx context.Context, p clinical.Provenance) error {
	p.ID, p.Tenant, p.RecordedAt = clinical.NewID[clinical.ProvenanceID](c.now), c.actor.Tenant, c.now
	return c.AppendProvenance(ctx, p)
}

// took is the actor's part in what happened, on whose behalf it acts included.
func (c *call) took(part string) clinical.ProvenanceAgent {
	a := clinical.ProvenanceAgent{Type: part, Actor: c.actor.ID, ActorKind: c.actor.Kind}
	if c.actor.OnBehalfOf != nil {
		a.OnBehalfOf = c.actor.OnBehalfOf.ID
	}
	return a
}

// wrote is the part of one who writes: people are authors, programs assemble.
func (c *call) wrote() clinical.ProvenanceAgent {
	if c.actor.Kind == clinical.User {
		return c.took("author")
	}
	return c.took("assembler")
}

// announce tells the rest of the world, once the transaction commits.
func (c *call) announce(ctx context.Context, event string, about clinical.Ref, patient clinical.PatientID) error {
	return c.AppendOutbox(ctx, store.Event{
		ID: clinical.NewID[string](c.now), Tenant: c.actor.Tenant, Type: event, SubjectType: about.Type,
		Subject: about.ID, Patient: patient, Version: about.Version, At: c.now,
	})
}

// refOfFile points at a file as it stands, with the digest of its bytes.
func refOfFile(f clinical.File) clinical.Ref {
	return clinical.Ref{Type: string(f.ResourceType), ID: string(f.ID), Version: f.Version, SHA256: hex.EncodeToString(f.Digests.SHA256)}
}

// refOfNote points at a note as it stands, with the digest of its text.
func refOfNote(n clinical.Note) clinical.Ref {
	return clinical.Ref{
		Type: string(clinical.DocumentReference), ID: string(n.ID), Version: n.Version, SHA256: hex.EncodeToString(n.TextSHA256),
	}
}

// entity is a reference as the audit trail keeps it.
func entity(r clinical.Ref) clinical.AuditEntity {
	return clinical.AuditEntity{Type: r.Type, ID: r.ID, Version: r.Version}
}

// touched says which versions of what an event is about.
func touched(refs ...clinical.Ref) func(*clinical.AuditEvent) {
	return func(e *clinical.AuditEvent) {
		e.Entities = nil
		for _, r := range refs {
			e.Entities = append(e.Entities, entity(r))
		}
	}
}
