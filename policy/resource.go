package policy

import (
	"time"

	"github.com/bonfiredb/bonfire/clinical"
)

// Type is the sort of thing that an action is asked of.
type Type string

// The types of resource.
const (
	Patient   Type = "Patient"
	Encounter Type = "Encounter"
	File      Type = "File"
	Note      Type = "Note"
	Upload    Type = "Upload"
	Link      Type = "Link"
	// AuditLog is the audit trail of a tenant, or its part about one patient.
	AuditLog Type = "AuditLog"
	// Bundle is the export of one patient's chart.
	Bundle Type = "Bundle"
	// Tenant is the clinic itself, as that which is administered.
	Tenant Type = "Tenant"
)

// Resource is what the policies may look at of one resource: attributes, never
// content. Which of the fields mean anything depends on the type (see
// Attributes and the functions Of...); the others are ignored.
type Resource struct {
	Type Type
	// ID is the row's own id. Of a Bundle it is the patient, of a Tenant the
	// tenant, of an AuditLog the patient or, without one, the tenant. For what
	// is yet to be made, mint its id first: a Decision about "" covers nothing.
	ID     string
	Tenant clinical.TenantID
	// Patient is whose chart it belongs to; of a Patient, the patient itself.
	Patient clinical.PatientID
	Kind    string
	// Status is the state of a file, note, upload or encounter.
	Status     string
	ScanStatus string
	// ScanRequired says that the kind's rule is clinical.ScanRequired.
	ScanRequired    bool
	LegalHold       bool
	Confidentiality clinical.Confidentiality
	Labels          []string
	Department      string // "" when none
	// Owner uploaded the file, wrote the note, began the upload or was issued the link.
	Owner     clinical.ActorID
	OwnerKind clinical.ActorKind
	// FHIRType is the FHIR resource it is or becomes; SMART scopes go by it.
	FHIRType  string
	CreatedAt time.Time
	// CareGroups are the care groups of the patient.
	CareGroups []string
}

// OfPatient describes a patient.
func OfPatient(p clinical.Patient, careGroups []string) Resource {
	return Resource{
		Type: Patient, ID: string(p.ID), Tenant: p.Tenant, Patient: p.ID,
		FHIRType: "Patient", CreatedAt: p.CreatedAt, CareGroups: careGroups,
	}
}

// OfEncounter describes a visit.
func OfEncounter(e clinical.Encounter, careGroups []string) Resource {
	return Resource{
		Type: Encounter, ID: string(e.ID), Tenant: e.Tenant, Patient: e.Patient, Status: e.Status,
		FHIRType: "Encounter", CreatedAt: e.CreatedAt, CareGroups: careGroups,
	}
}

// OfFile describes a file. scan is the rule of its kind, careGroups are those
// of its patient.
func OfFile(f clinical.File, scan clinical.ScanRule, careGroups []string) Resource {
	return Resource{
		Type: File, ID: string(f.ID), Tenant: f.Tenant, Patient: f.Patient,
		Kind: f.Kind, Status: string(f.Status), ScanStatus: string(f.ScanStatus),
		ScanRequired: scan == clinical.ScanRequired, LegalHold: f.LegalHold,
		Confidentiality: f.Confidentiality, Labels: f.Labels, Department: f.Department,
		Owner: f.UploadedBy, FHIRType: string(f.ResourceType), CreatedAt: f.CreatedAt,
		CareGroups: careGroups,
	}
}

// OfNote describes a note.
func OfNote(n clinical.Note, careGroups []string) Resource {
	return Resource{
		Type: Note, ID: string(n.ID), Tenant: n.Tenant, Patient: n.Patient,
		Status: string(n.Status), Confidentiality: n.Confidentiality,
		Owner: n.Author, OwnerKind: n.AuthorKind,
		FHIRType: string(clinical.DocumentReference), CreatedAt: n.CreatedAt, CareGroups: careGroups,
	}
}

// OfUpload describes an upload under way.
func OfUpload(u clinical.Upload, careGroups []string) Resource {
	return Resource{
		Type: Upload, ID: string(u.ID), Tenant: u.Tenant, Patient: u.Patient,
		Kind: u.Kind, Status: string(u.State), Owner: u.Owner,
		FHIRType: string(u.Resource), CreatedAt: u.CreatedAt, CareGroups: careGroups,
	}
}

// OfLink describes an issued link.
func OfLink(l clinical.Link, careGroups []string) Resource {
	return Resource{
		Type: Link, ID: string(l.ID), Tenant: l.Tenant, Patient: l.Patient,
		Owner: l.Actor, CreatedAt: l.IssuedAt, CareGroups: careGroups,
	}
}

// OfAuditLog describes the audit trail of a tenant; patient narrows it to one
// patient's events, "" does not.
func OfAuditLog(tenant clinical.TenantID, patient clinical.PatientID) Resource {
	r := Resource{Type: AuditLog, ID: string(patient), Tenant: tenant, Patient: patient, FHIRType: "AuditEvent"}
	if patient == "" {
		r.ID = string(tenant)
	}
	return r
}

// OfBundle describes the export of a patient's chart.
func OfBundle(p clinical.Patient, careGroups []string) Resource {
	return Resource{
		Type: Bundle, ID: string(p.ID), Tenant: p.Tenant, Patient: p.ID,
		FHIRType: "Bundle", CareGroups: careGroups,
	}
}

// OfTenant describes the clinic itself.
func OfTenant(t clinical.TenantID) Resource {
	return Resource{Type: Tenant, ID: string(t), Tenant: t}
}
