package fhir

import (
	"iter"
	"maps"
	"slices"

	"github.com/bonfiredb/bonfire/clinical"
)

// Document renders a file or note of a chart with the kinds and principals that
// the chart brings.
func (r Renderer) Document(c clinical.Chart, d clinical.Document) FileResource {
	if d.Note != nil {
		return r.Note(*d.Note, d.Note.SourceRefs())
	}
	by := c.Principals[d.File.UploadedBy]
	return r.File(*d.File, c.Kinds[d.File.Kind], ActorRef{ID: by.ID, Kind: by.Kind})
}

// Chart renders a part of a chart one resource at a time: the patient and the
// documents, the evidence and the audit events about them, and then whatever
// these refer to, each resource once. What is referred to and is not among them
// is at the facade.
func (r Renderer) Chart(c clinical.Chart) iter.Seq[Resource] {
	return func(yield func(Resource) bool) {
		if c.Patient != nil && !yield(r.Patient(*c.Patient)) {
			return
		}
		inTurn(r.Matches(c), r.Surroundings(c))(yield)
	}
}

// Matches renders only the documents of a chart, the evidence and the events.
func (r Renderer) Matches(c clinical.Chart) iter.Seq[Resource] {
	return inTurn(r.documents(c), r.evidence(c))
}

// inTurn is one sequence after the other.
func inTurn(parts ...iter.Seq[Resource]) iter.Seq[Resource] {
	return func(yield func(Resource) bool) {
		for _, part := range parts {
			for res := range part {
				if !yield(res) {
					return
				}
			}
		}
	}
}

func (r Renderer) documents(c clinical.Chart) iter.Seq[Resource] {
	return func(yield func(Resource) bool) {
		for _, d := range c.Documents {
			if !yield(r.Document(c, d)) {
				return
			}
		}
	}
}

func (r Renderer) evidence(c clinical.Chart) iter.Seq[Resource] {
	return func(yield func(Resource) bool) {
		for _, p := range c.Provenance {
			if !yield(r.Provenance(p)) {
				return
			}
		}
		for _, e := range c.Events {
			if !yield(r.AuditEvent(e)) {
				return
			}
		}
	}
}

// Surroundings renders what the rest of a chart refers to: the visits, the
// principals and the clinic.
func (r Renderer) Surroundings(c clinical.Chart) iter.Seq[Resource] {
	return func(yield func(Resource) bool) {
		for _, e := range c.Encounters {
			if !yield(r.Encounter(e)) {
				return
			}
		}
		for _, id := range slices.Sorted(maps.Keys(c.Principals)) {
			if p := c.Principals[id]; p.Kind != clinical.System && !yield(r.Principal(p)) {
				return
			}
		}
		if ours(c) && !yield(r.ServerDevice()) {
			return
		}
		yield(r.Organization(c.Tenant, c.Clinic))
	}
}

// ours reports whether this program itself is referred to.
func ours(c clinical.Chart) bool {
	return len(c.Events) > 0 || // it recorded them
		slices.ContainsFunc(slices.Collect(maps.Values(c.Principals)), func(a clinical.Actor) bool { return a.Kind == clinical.System }) ||
		slices.ContainsFunc(c.Provenance, func(p clinical.Provenance) bool {
			return slices.ContainsFunc(p.Agents, func(a clinical.ProvenanceAgent) bool { return a.ActorKind == clinical.System })
		})
}
