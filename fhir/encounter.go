package fhir

import (
	"slices"

	"github.com/bonfiredb/bonfire/clinical"
)

// Encounter is one visit of a patient (http://hl7.org/fhir/R4/encounter.html).
type Encounter struct {
	ResourceType    string     `json:"resourceType"`
	ID              string     `json:"id"`
	Meta            *Meta      `json:"meta,omitempty"`
	Status          string     `json:"status"`
	Class           Coding     `json:"class"`
	Subject         *Reference `json:"subject,omitempty"`
	Period          *Period    `json:"period,omitempty"`
	ServiceProvider *Reference `json:"serviceProvider,omitempty"`
}

// Key is "Encounter" and the id.
func (e *Encounter) Key() (resourceType, id string) { return e.ResourceType, e.ID }

// Header is the metadata.
func (e *Encounter) Header() *Meta { return e.Meta }

// http://hl7.org/fhir/R4/valueset-encounter-status.html
var encounterStatuses = []string{
	"planned", "arrived", "triaged", "in-progress", "onleave", "finished", "cancelled", "entered-in-error",
}

// Encounter renders a visit. R4 requires a class, which the record does not
// know: it is given as unknown and not guessed.
func (r Renderer) Encounter(e clinical.Encounter) *Encounter {
	out := &Encounter{
		ResourceType:    "Encounter",
		ID:              string(e.ID),
		Meta:            meta(1, e.CreatedAt),
		Status:          "unknown",
		Class:           unknown,
		Subject:         r.optional("Patient", string(e.Patient)),
		ServiceProvider: r.optional("Organization", string(e.Tenant)),
	}
	if slices.Contains(encounterStatuses, e.Status) {
		out.Status = e.Status
	}
	if p := (Period{Start: instantOf(e.StartedAt), End: instantOf(e.EndedAt)}); p != (Period{}) {
		out.Period = &p
	}
	return out
}
