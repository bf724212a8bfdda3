package graph

import (
	"context"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/fhir"
	"github.com/bonfiredb/bonfire/graph/model"
)

// Provenance resolves File.provenance: how each version came to be, oldest first.
func (r fileFields) Provenance(ctx context.Context, f *model.File) ([]*model.ProvenanceEntry, error) {
	entries, err := r.records.FileProvenance(ctx, auth.Actor(ctx), f.Noun.ID)
	if err != nil {
		return nil, err
	}
	return r.provenance(entries)
}

// Provenance resolves Note.provenance: how each version came to be, oldest first.
func (r noteFields) Provenance(ctx context.Context, n *model.Note) ([]*model.ProvenanceEntry, error) {
	entries, err := r.records.NoteProvenance(ctx, auth.Actor(ctx), n.Noun.ID)
	if err != nil {
		return nil, err
	}
	return r.provenance(entries)
}

func (r *resolver) provenance(entries []clinical.Provenance) ([]*model.ProvenanceEntry, error) {
	out := make([]*model.ProvenanceEntry, 0, len(entries))
	for _, p := range entries {
		resource := r.fhir.Provenance(p)
		exported, err := fhir.Marshal(resource)
		if err != nil {
			return nil, err
		}
		out = append(out, provenanceEntry(p, resource))
		out[len(out)-1].Fhir = exported
	}
	return out, nil
}

// provenanceEntry reads the entry off its FHIR form, so that the two agree.
func provenanceEntry(p clinical.Provenance, resource *fhir.Provenance) *model.ProvenanceEntry {
	e := &model.ProvenanceEntry{
		ID: string(p.ID), RecordedAt: p.RecordedAt, Reason: optional(p.Reason), Activity: firstCoding(resource.Activity),
	}
	for _, a := range resource.Agent {
		e.Agents = append(e.Agents, &model.ProvenanceAgent{Type: firstCoding(a.Type), Who: &a.Who, OnBehalfOf: a.OnBehalfOf})
	}
	for _, target := range resource.Target {
		e.Targets = append(e.Targets, &target)
	}
	for _, entity := range resource.Entity {
		e.Sources = append(e.Sources, &entity.What)
	}
	return e
}

// firstCoding is the standard's own code, which goes first.
func firstCoding(c *fhir.CodeableConcept) *fhir.Coding {
	if c == nil || len(c.Coding) == 0 {
		return nil
	}
	return &c.Coding[0]
}
