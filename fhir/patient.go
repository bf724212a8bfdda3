package fhir

import "github.com/bonfiredb/bonfire/clinical"

// Patient is who a chart is about (http://hl7.org/fhir/R4/patient.html).
type Patient struct {
	ResourceType         string       `json:"resourceType"`
	ID                   string       `json:"id"`
	Meta                 *Meta        `json:"meta,omitempty"`
	Identifier           []Identifier `json:"identifier,omitempty"`
	Name                 []HumanName  `json:"name,omitempty"`
	ManagingOrganization *Reference   `json:"managingOrganization,omitempty"`
}

// Key is "Patient" and the id.
func (p *Patient) Key() (resourceType, id string) { return p.ResourceType, p.ID }

// Header is the metadata.
func (p *Patient) Header() *Meta { return p.Meta }

// Patient renders a patient. The record has one version: it is registered and
// not changed.
func (r Renderer) Patient(p clinical.Patient) *Patient {
	out := &Patient{
		ResourceType:         "Patient",
		ID:                   string(p.ID),
		Meta:                 meta(1, p.CreatedAt),
		ManagingOrganization: r.optional("Organization", string(p.Tenant)),
	}
	for _, i := range p.Identifiers {
		if v := text(i.Value); v != "" {
			out.Identifier = append(out.Identifier, Identifier{System: text(i.System), Value: v})
		}
	}
	if name := text(p.DisplayName); name != "" {
		out.Name = []HumanName{{Text: name}}
	}
	return out
}
