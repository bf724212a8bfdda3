package fhir

import (
	"strings"
	"time"
)

// CapabilityStatement is what the facade can do (http://hl7.org/fhir/R4/capabilitystatement.html).
type CapabilityStatement struct {
	ResourceType   string                   `json:"resourceType"`
	URL            string                   `json:"url,omitempty"`
	Version        string                   `json:"version,omitempty"`
	Name           string                   `json:"name,omitempty"`
	Title          string                   `json:"title,omitempty"`
	Status         string                   `json:"status"`
	Date           *time.Time               `json:"date,omitempty"`
	Kind           string                   `json:"kind"`
	Software       CapabilitySoftware       `json:"software"`
	Implementation CapabilityImplementation `json:"implementation"`
	FHIRVersion    string                   `json:"fhirVersion"`
	Format         []string                 `json:"format"`
	Rest           []CapabilityRest         `json:"rest"`
}

// CapabilitySoftware is the program.
type CapabilitySoftware struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
}

// CapabilityImplementation is this installation of it.
type CapabilityImplementation struct {
	Description string `json:"description"`
	URL         string `json:"url,omitempty"`
}

// CapabilityRest is the RESTful interface.
type CapabilityRest struct {
	Mode          string               `json:"mode"`
	Documentation string               `json:"documentation,omitempty"`
	Security      CapabilitySecurity   `json:"security"`
	Resource      []CapabilityResource `json:"resource"`
}

// CapabilitySecurity is how a caller proves who it is.
type CapabilitySecurity struct {
	CORS        bool              `json:"cors"`
	Service     []CodeableConcept `json:"service"`
	Description string            `json:"description"`
}

// CapabilityResource is what can be done with one resource type.
type CapabilityResource struct {
	Type             string                  `json:"type"`
	SupportedProfile []string                `json:"supportedProfile,omitempty"`
	Documentation    string                  `json:"documentation,omitempty"`
	Interaction      []CapabilityInteraction `json:"interaction"`
	Versioning       string                  `json:"versioning"`
	SearchParam      []SearchParameter       `json:"searchParam,omitempty"`
	Operation        []CapabilityOperation   `json:"operation,omitempty"`
}

// CapabilityInteraction is a RESTful interaction.
type CapabilityInteraction struct {
	Code string `json:"code"`
}

// SearchParameter is a parameter a search takes.
type SearchParameter struct {
	Name       string `json:"name"`
	Definition string `json:"definition,omitempty"`
	Type       string `json:"type"`
}

// CapabilityOperation is an operation beyond the RESTful interactions.
type CapabilityOperation struct {
	Name       string `json:"name"`
	Definition string `json:"definition"`
}

// Key is "CapabilityStatement", without an id: it lives at [base]/metadata.
func (c *CapabilityStatement) Key() (resourceType, id string) { return c.ResourceType, "" }

// Header is nil: the statement is made up, not kept.
func (*CapabilityStatement) Header() *Meta { return nil }

// searches are the parameters of each searchable type, beside _id,
// _lastUpdated and _count, which all of them take.
var searches = map[string][]SearchParameter{
	"DocumentReference": {
		searchParameter("patient", "reference", "clinical-patient"),
		searchParameter("category", "token", "DocumentReference-category"),
		searchParameter("type", "token", "clinical-type"),
		searchParameter("date", "date", "DocumentReference-date"),
		searchParameter("encounter", "reference", "clinical-encounter"),
	},
	"Media": {
		searchParameter("patient", "reference", "Media-patient"),
		searchParameter("type", "token", "Media-type"),
		searchParameter("created", "date", "Media-created"),
		searchParameter("encounter", "reference", "Media-encounter"),
	},
	"Provenance": {
		searchParameter("patient", "reference", "Provenance-patient"),
		searchParameter("target", "reference", "Provenance-target"),
		searchParameter("recorded", "date", "Provenance-recorded"),
	},
	"AuditEvent": {
		searchParameter("patient", "reference", "AuditEvent-patient"),
		searchParameter("date", "date", "AuditEvent-date"),
	},
}

func searchParameter(name, kind, definition string) SearchParameter {
	return SearchParameter{Name: name, Type: kind, Definition: "http://hl7.org/fhir/SearchParameter/" + definition}
}

// SearchParameters lists the parameters which a search of the resource type
// takes; nil when it cannot be searched. What CapabilityStatement promises and
// what the facade accepts is one list.
func SearchParameters(resourceType string) []SearchParameter {
	own, ok := searches[resourceType]
	if !ok {
		return nil
	}
	return append([]SearchParameter{
		searchParameter("_id", "token", "Resource-id"),
		searchParameter("_lastUpdated", "date", "Resource-lastUpdated"),
	}, own...)
}

// ResourceTypes lists the types which the facade reads, in the order of its
// CapabilityStatement. Every reference that is rendered points at one of them.
func ResourceTypes() []string {
	return []string{
		"DocumentReference", "Media", "Binary", "Provenance", "AuditEvent",
		"Patient", "Encounter", "Practitioner", "Device", "Organization",
	}
}

// CapabilityStatement renders what the read facade can do, as of a version of
// the program and the day that was released.
func (r Renderer) CapabilityStatement(version string, released time.Time) *CapabilityStatement {
	c := &CapabilityStatement{
		ResourceType:   "CapabilityStatement",
		URL:            strings.TrimRight(r.Base, "/") + "/metadata",
		Version:        text(version),
		Name:           "BonfireFiles",
		Title:          "Bonfire files: read facade",
		Status:         "active",
		Date:           instant(released),
		Kind:           "instance",
		Software:       CapabilitySoftware{Name: "Bonfire files", Version: text(version)},
		Implementation: CapabilityImplementation{Description: "Files and attachments of clinical records", URL: strings.TrimRight(r.Base, "/")},
		FHIRVersion:    "4.0.1",
		Format:         []string{"application/fhir+json", "json"},
	}
	rest := CapabilityRest{
		Mode:          "server",
		Documentation: "Read only. What the caller may not know of is answered like what does not exist. _summary is true, text, data or false; count of searches.",
		Security: CapabilitySecurity{
			CORS: true,
			Service: []CodeableConcept{{Coding: []Coding{{
				System: "http://terminology.hl7.org/CodeSystem/restful-security-service", Code: "OAuth", Display: "OAuth",
			}}}},
			Description: "A bearer token; roles, tenant and care panel come from the server's own records.",
		},
	}
	for _, t := range ResourceTypes() {
		rest.Resource = append(rest.Resource, capability(t))
	}
	c.Rest = []CapabilityRest{rest}
	return c
}

func capability(resourceType string) CapabilityResource {
	c := CapabilityResource{
		Type:        resourceType,
		Interaction: []CapabilityInteraction{{Code: "read"}},
		Versioning:  "no-version",
		SearchParam: SearchParameters(resourceType),
	}
	if c.SearchParam != nil {
		c.Interaction = append(c.Interaction, CapabilityInteraction{Code: "search-type"})
	}
	switch resourceType {
	case "DocumentReference":
		c.SupportedProfile, c.Versioning = []string{usCoreDocument}, "versioned"
	case "Media":
		c.Versioning = "versioned"
	case "Binary":
		c.Versioning = "versioned"
		c.Documentation = "Answers the resource where a FHIR type is accepted, and a redirect to a short-lived signed URL of the bytes otherwise."
	case "AuditEvent":
		c.SupportedProfile = balpProfiles()
	case "Patient":
		c.Documentation = "$everything takes start, end, _since, _type and _count."
		c.Operation = []CapabilityOperation{{
			Name: "everything", Definition: "http://hl7.org/fhir/OperationDefinition/Patient-everything",
		}}
	}
	return c
}
