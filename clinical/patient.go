package clinical

import "time"

// Identifier is a business identifier of a patient, such as a medical record
// number (http://hl7.org/fhir/R4/datatypes.html#Identifier).
type Identifier struct {
	System string `json:"system"`
	Value  string `json:"value"`
}

// Patient is who a chart is about.
type Patient struct {
	ID          PatientID
	Tenant      TenantID
	DisplayName string
	Identifiers []Identifier
	CreatedAt   time.Time
	CreatedBy   ActorID
}

// Encounter is one visit of a patient.
type Encounter struct {
	ID        EncounterID
	Tenant    TenantID
	Patient   PatientID
	Status    string // http://hl7.org/fhir/R4/valueset-encounter-status.html
	StartedAt *time.Time
	EndedAt   *time.Time
	CreatedAt time.Time
	CreatedBy ActorID
}
