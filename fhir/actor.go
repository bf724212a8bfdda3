package fhir

import "github.com/bonfiredb/bonfire/clinical"

// serverID is the logical id of the Device that stands for this program.
const serverID = "bonfire"

// ActorRef is what a rendering needs to know of a principal: enough to point
// at it, and no name. A name may change while the row does not; it is read from
// the resource pointed at. The zero ActorRef is nobody.
type ActorRef struct {
	ID   clinical.ActorID
	Kind clinical.ActorKind
}

// Actor points at a principal: a User is a Practitioner, an Agent or Device a
// Device, and the System is Device/bonfire whoever asks.
func (r Renderer) Actor(a ActorRef) Reference {
	resourceType, id := "Practitioner", string(a.ID)
	switch a.Kind {
	case clinical.Agent, clinical.Device:
		resourceType = "Device"
	case clinical.System:
		resourceType, id = "Device", serverID
	}
	return r.Reference(resourceType, id, 0)
}

// Practitioner is a user of the clinic (http://hl7.org/fhir/R4/practitioner.html).
type Practitioner struct {
	ResourceType string       `json:"resourceType"`
	ID           string       `json:"id"`
	Meta         *Meta        `json:"meta,omitempty"`
	Identifier   []Identifier `json:"identifier,omitempty"`
	Name         []HumanName  `json:"name,omitempty"`
}

// Device is an AI agent, a recorder or this program (http://hl7.org/fhir/R4/device.html).
type Device struct {
	ResourceType string           `json:"resourceType"`
	ID           string           `json:"id"`
	Meta         *Meta            `json:"meta,omitempty"`
	Identifier   []Identifier     `json:"identifier,omitempty"`
	DeviceName   []DeviceName     `json:"deviceName,omitempty"`
	Type         *CodeableConcept `json:"type,omitempty"`
	Owner        *Reference       `json:"owner,omitempty"`
}

// DeviceName is a name of a Device and whose name for it that is.
type DeviceName struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// Organization is a tenant: a clinic (http://hl7.org/fhir/R4/organization.html).
type Organization struct {
	ResourceType string       `json:"resourceType"`
	ID           string       `json:"id"`
	Meta         *Meta        `json:"meta,omitempty"`
	Identifier   []Identifier `json:"identifier,omitempty"`
	Name         string       `json:"name,omitempty"`
}

// Key is "Practitioner" and the id.
func (p *Practitioner) Key() (resourceType, id string) { return p.ResourceType, p.ID }

// Header is the metadata.
func (p *Practitioner) Header() *Meta { return p.Meta }

// Key is "Device" and the id.
func (d *Device) Key() (resourceType, id string) { return d.ResourceType, d.ID }

// Header is the metadata.
func (d *Device) Header() *Meta { return d.Meta }

// Key is "Organization" and the id.
func (o *Organization) Key() (resourceType, id string) { return o.ResourceType, o.ID }

// Header is the metadata.
func (o *Organization) Header() *Meta { return o.Meta }

// Principal renders a principal as what Actor points at: a *Practitioner or a *Device.
func (r Renderer) Principal(a clinical.Actor) Resource {
	switch a.Kind {
	case clinical.System:
		return r.ServerDevice()
	case clinical.Agent, clinical.Device:
		return r.device(a)
	}
	p := &Practitioner{
		ResourceType: "Practitioner",
		ID:           string(a.ID),
		Identifier:   []Identifier{r.identifier(a.Tenant, "actor", string(a.ID))},
	}
	if name := text(a.Display); name != "" {
		p.Name = []HumanName{{Text: name}}
	}
	return p
}

func (r Renderer) device(a clinical.Actor) *Device {
	d := &Device{
		ResourceType: "Device",
		ID:           string(a.ID),
		Identifier:   []Identifier{r.identifier(a.Tenant, "actor", string(a.ID))},
		Owner:        r.optional("Organization", string(a.Tenant)),
	}
	if name := text(a.Display); name != "" {
		d.DeviceName = []DeviceName{{Name: name, Type: "user-friendly-name"}}
	}
	display := "Recording device"
	if a.Kind == clinical.Agent {
		display = "AI agent"
	}
	d.Type = concept(r.own("actor-kind", string(a.Kind), display))
	return d
}

// ServerDevice is this program as the Device which AuditEvents and background
// work point at. It belongs to no tenant.
func (r Renderer) ServerDevice() *Device {
	return &Device{
		ResourceType: "Device",
		ID:           serverID,
		DeviceName:   []DeviceName{{Name: "Bonfire files", Type: "model-name"}},
		Type:         concept(r.own("actor-kind", string(clinical.System), "Server")),
	}
}

// Organization renders a tenant; name may be "".
func (r Renderer) Organization(tenant clinical.TenantID, name string) *Organization {
	return &Organization{
		ResourceType: "Organization",
		ID:           string(tenant),
		Identifier:   []Identifier{{System: r.tenants(), Value: string(tenant)}},
		Name:         text(name),
	}
}
