package demo

import (
	"fmt"

	"github.com/bonfiredb/bonfire/clinical"
)

// The two clinics.
const (
	Harbor   clinical.TenantID = "harbor-clinic"
	Lakeside clinical.TenantID = "lakeside-clinic"
)

// The patients: the first two are in the clinician's care, the third in the
// colleague's, the fourth is the other clinic's.
const (
	Patient          clinical.PatientID = "00000000-0000-7000-8000-000000000101"
	SecondPatient    clinical.PatientID = "00000000-0000-7000-8000-000000000102"
	ColleaguePatient clinical.PatientID = "00000000-0000-7000-8000-000000000103"
	LakesidePatient  clinical.PatientID = "00000000-0000-7000-8000-000000000201"
)

// Encounter is a visit of Patient.
const Encounter clinical.EncounterID = "00000000-0000-7000-8000-000000000301"

// Principal is one who may sign in, with a development token of that name.
type Principal struct {
	Name   string
	Does   string // for people who read the list
	Actor  clinical.Actor
	Roster []clinical.PatientID // whom they care for, or were granted
}

// Principals lists all of them, in the order in which they are shown.
func Principals() []Principal {
	return []Principal{
		{"clinician", "cares for patients 101 and 102", user(11, Harbor, "Dr. Ada Marsh", 1, clinical.Clinician), []clinical.PatientID{Patient, SecondPatient}},
		{"colleague", "same clinic, cares for patient 103", user(12, Harbor, "Dr. Ben Okoro", 1, clinical.Clinician), []clinical.PatientID{ColleaguePatient}},
		{"clerk", "files administrative documents", user(13, Harbor, "Cleo Lind", 0, clinical.Clerk), nil},
		{"auditor", "reads the audit trail", user(14, Harbor, "Ivo Brandt", 0, clinical.Auditor), nil},
		{"admin", "runs the clinic's account", user(15, Harbor, "Sam Reyes", 0, clinical.Admin), nil},
		{"scribe", "an AI agent, granted patient 101", machine(16, clinical.Agent, "Scribe"), []clinical.PatientID{Patient}},
		{"recorder", "a device, granted patient 101", machine(17, clinical.Device, "Room 2 recorder"), []clinical.PatientID{Patient}},
		{"pipeline", "reads every file, reports scans", user(18, Harbor, "Scan pipeline", 2, clinical.Pipeline), nil},
		{"outsider", "a clinician of the other clinic", user(19, Lakeside, "Dr. Nia Falk", 1, clinical.Clinician), []clinical.PatientID{LakesidePatient}},
	}
}

func user(n int, tenant clinical.TenantID, display string, clearance int, role clinical.Role) clinical.Actor {
	return clinical.Actor{
		ID: actorID(n), Kind: clinical.User, Tenant: tenant, Display: display, Clearance: clearance, Roles: []clinical.Role{role},
	}
}

func machine(n int, kind clinical.ActorKind, display string) clinical.Actor {
	return clinical.Actor{ID: actorID(n), Kind: kind, Tenant: Harbor, Display: display}
}

func actorID(n int) clinical.ActorID {
	return clinical.ActorID(fmt.Sprintf("00000000-0000-7000-8000-%012d", n))
}

// Names lists the principals' names.
func Names() []string {
	var out []string
	for _, p := range Principals() {
		out = append(out, p.Name)
	}
	return out
}

// clinic is what is seeded of one tenant.
type clinic struct {
	tenant   clinical.TenantID
	display  string
	patients []patient
}

type patient struct {
	id        clinical.PatientID
	display   string
	number    string // medical record number
	createdBy string // a principal's name
	encounter clinical.EncounterID
}

var clinics = []clinic{
	{Harbor, "Harbor Clinic", []patient{
		{Patient, "Robin Vale", "H-0101", "clinician", Encounter},
		{SecondPatient, "Mika Sommer", "H-0102", "clinician", ""},
		{ColleaguePatient, "Jo Castellan", "H-0103", "colleague", ""},
	}},
	{Lakeside, "Lakeside Clinic", []patient{
		{LakesidePatient, "Toni Alder", "L-0201", "outsider", ""},
	}},
}
