package records

import (
	"context"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
	"github.com/bonfiredb/bonfire/store"
)

// Document reads the file or note of that id, with what it takes to show it.
// NotFound when hidden or missing.
func (r *Records) Document(ctx context.Context, actor clinical.Actor, id string) (out clinical.Chart, err error) {
	kinds, err := r.registry(ctx, actor)
	if err != nil {
		return out, err
	}
	err = r.act(ctx, actor, "document", func(ctx context.Context, c *call) error {
		doc, d, err := c.document(ctx, id)
		if err != nil {
			return err
		}
		out = clinical.Chart{At: c.now, Tenant: actor.Tenant, Documents: []clinical.Document{doc}}
		if err := c.show(ctx, kinds, &out); err != nil {
			return err
		}
		_, err = c.audit(ctx, d, touched(doc.Ref()))
		return err
	})
	return out, err
}

// document decides on whichever it is, and reads it.
func (c *call) document(ctx context.Context, id string) (doc clinical.Document, d policy.Decision, err error) {
	d, err = c.file(ctx, policy.ReadFile, clinical.FileID(id))
	if clinical.Is(err, clinical.NotFound) { // a hidden one costs the same look-ups as a missing one
		return c.noteDocument(ctx, clinical.NoteID(id), err)
	}
	if err != nil {
		return doc, d, err
	}
	f, err := c.Tx.File(ctx, d)
	return clinical.Document{File: &f}, d, err
}

// noteDocument is document for a note; missing is the answer where there is none.
func (c *call) noteDocument(ctx context.Context, id clinical.NoteID, missing error) (doc clinical.Document, d policy.Decision, err error) {
	res, err := c.NoteSubject(ctx, id)
	if clinical.Is(err, clinical.NotFound) {
		return doc, d, missing
	}
	if err != nil {
		return doc, d, err
	}
	if d, err = c.permit(ctx, policy.ReadNote, res); err != nil {
		return doc, d, err
	}
	n, err := c.Tx.Note(ctx, d)
	return clinical.Document{Note: &n}, d, err
}

// ProvenanceEntry reads one piece of evidence: for those who may read where one
// of its targets comes from. NotFound when hidden or missing.
func (r *Records) ProvenanceEntry(ctx context.Context, actor clinical.Actor, id clinical.ProvenanceID) (p clinical.Provenance, err error) {
	err = r.act(ctx, actor, "provenance", func(ctx context.Context, c *call) error {
		const evidence policy.Type = "Provenance"
		if wellFormed(id) == "" {
			return c.missing(evidence, "", clinical.Missing())
		}
		f, err := c.documentFilters(ctx, policy.ReadProvenance, policy.ReadProvenance)
		if err != nil {
			return err
		}
		found, err := c.Tx.Provenances(ctx, f, store.ProvenanceQuery{IDs: []clinical.ProvenanceID{id}}, clinical.Page{First: 1})
		if err != nil {
			return err
		}
		if len(found.Items) == 0 {
			return c.missing(evidence, string(id), clinical.Missing())
		}
		p = found.Items[0]
		return c.AppendAudit(ctx, c.event(policy.Resource{Type: evidence, ID: string(id), Patient: p.Patient}, firstPolicy(f.Files)))
	})
	return p, err
}

// Principal reads what may be shown of another principal of the actor's clinic,
// a member still or not: who wrote what is in a chart is part of it. NotFound
// when there is none of that id.
func (r *Records) Principal(ctx context.Context, actor clinical.Actor, id clinical.ActorID) (a clinical.Actor, err error) {
	err = r.act(ctx, actor, "principal", func(ctx context.Context, c *call) error {
		found, err := c.ActorDisplays(ctx, []clinical.ActorID{id})
		if err != nil {
			return err
		}
		a = found[id]
		kind := policy.Type("Practitioner")
		if a.Kind == clinical.Agent || a.Kind == clinical.Device {
			kind = "Device"
		}
		if a.ID == "" {
			return c.missing(kind, wellFormed(string(id)), clinical.Missing())
		}
		return c.AppendAudit(ctx, c.event(policy.Resource{Type: kind, ID: string(id)}, ruleOwnClinic))
	})
	return a, err
}

// ruleOwnClinic stands in the trail where no policy is asked: what a clinic and
// its principals are called is shown to all of its principals.
const ruleOwnClinic = "own-clinic"

// Organization reads what the actor's clinic is called. NotFound for any other.
func (r *Records) Organization(ctx context.Context, actor clinical.Actor, id clinical.TenantID) (display string, err error) {
	err = r.act(ctx, actor, "organization", func(ctx context.Context, c *call) error {
		if id != actor.Tenant {
			return c.missing("Organization", "", clinical.Missing())
		}
		clinic, err := c.Tx.Clinic(ctx)
		if err != nil {
			return err
		}
		display = clinic.Display
		return c.AppendAudit(ctx, c.event(policy.Resource{Type: "Organization", ID: string(id)}, ruleOwnClinic))
	})
	return display, err
}

// ShownKinds lists the registry of the actor's clinic as files are shown by it:
// the retired kinds, too.
func (r *Records) ShownKinds(ctx context.Context, actor clinical.Actor) ([]clinical.FileKind, error) {
	g, err := r.registry(ctx, actor)
	out := append([]clinical.FileKind{}, g.kinds...)
	for _, k := range g.retired {
		out = append(out, k)
	}
	return out, err
}
