package fhir_test

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/fhir"
)

var renderer = fhir.Renderer{
	Base:    "https://files.clinic.example/fhir/R4",
	Systems: "https://bonfire.example/fhir",
	Server:  "files.clinic.example",
}

const (
	tenant    = clinical.TenantID("acme")
	patientID = clinical.PatientID("0197f3a2-1111-7000-8000-000000000001")
	visitID   = clinical.EncounterID("0197f3a2-2222-7000-8000-000000000001")
	doctorID  = clinical.ActorID("0197f3a2-3333-7000-8000-000000000001")
	scribeID  = clinical.ActorID("0197f3a2-5555-7000-8000-000000000001")
	recorder  = clinical.ActorID("0197f3a2-5555-7000-8000-000000000003")

	olderID = clinical.FileID("0197f3a2-aaaa-7000-8000-000000000090")
	newerID = clinical.FileID("0197f3a2-aaaa-7000-8000-000000000091")
	audioID = clinical.FileID("0197f3a2-aaaa-7000-8000-000000000007")
	noteID  = clinical.NoteID("0197f3a2-aaaa-7000-8000-000000000009")
)

var (
	captured = time.Date(2026, 11, 22, 22, 31, 0, 0, time.UTC)
	stored   = time.Date(2026, 11, 22, 22, 45, 53, 123456789, time.FixedZone("", 3600)) // 21:45:53.123456Z
	signed   = time.Date(2026, 11, 22, 22, 52, 0, 0, time.UTC)

	doctor = fhir.ActorRef{ID: doctorID, Kind: clinical.User}
)

// kind is an entry of the shipped registry.
func kind(code string) clinical.FileKind {
	for _, k := range clinical.DefaultKinds() {
		if k.Code == code {
			return k
		}
	}
	panic("no such kind: " + code)
}

func digests(content string) clinical.Digests {
	short, long := sha1.Sum([]byte(content)), sha256.Sum256([]byte(content))
	return clinical.Digests{SHA1: short[:], SHA256: long[:]}
}

// file is a file of a shipped kind, as it stands once stored.
func file(code, contentType string, change ...func(*clinical.File)) clinical.File {
	k := kind(code)
	f := clinical.File{
		ID: "0197f3a2-aaaa-7000-8000-000000000001", Tenant: tenant, Patient: patientID, Encounter: visitID,
		ResourceType: k.Resource, Kind: k.Code, Category: k.Category, Status: clinical.FileCurrent,
		ScanStatus: clinical.ScanSkipped, Title: k.Display, ContentType: contentType, Size: 182044,
		Digests: digests(code), ObjectKey: "acme/2026/11/never-rendered", Version: 1,
		CreatedAt: stored, UpdatedAt: stored, CapturedAt: &captured, UploadedBy: doctorID,
	}
	for _, c := range change {
		c(&f)
	}
	return f
}

func note(change ...func(*clinical.Note)) clinical.Note {
	n := clinical.Note{
		ID: noteID, Tenant: tenant, Patient: patientID, Encounter: visitID, Status: clinical.NoteDraft, Version: 1,
		Title: "Follow-up", Text: "S: ...\nO: ...\nA: ...\nP: <rest> & fluids", Author: scribeID, AuthorKind: clinical.Agent,
		Sources: []clinical.NoteSource{{File: audioID, Type: clinical.Media, Version: 1}}, CreatedAt: stored, UpdatedAt: stored,
	}
	for _, c := range change {
		c(&n)
	}
	sum := sha256.Sum256([]byte(n.Text))
	n.TextSHA256 = sum[:]
	return n
}

func sign(n *clinical.Note) {
	n.Status, n.Version, n.Signer, n.SignedAt, n.UpdatedAt = clinical.NoteSigned, 2, doctorID, &signed, signed
}

func amend(n *clinical.Note) {
	n.ID, n.Amends = "0197f3a2-aaaa-7000-8000-000000000020", noteID
}

var audio = []clinical.Ref{{Type: "Media", ID: string(audioID), Version: 1}}

func noteRef(version int) clinical.Ref {
	sum := sha256.Sum256([]byte("text"))
	return clinical.Ref{Type: "DocumentReference", ID: string(noteID), Version: version, SHA256: hex.EncodeToString(sum[:])}
}

func provenance(a clinical.Activity, change ...func(*clinical.Provenance)) clinical.Provenance {
	p := clinical.Provenance{
		ID: "0197f3a2-bbbb-7000-8000-000000000001", Tenant: tenant, Patient: patientID, RecordedAt: stored, Activity: a,
		Targets: []clinical.Ref{noteRef(1)},
		Agents:  []clinical.ProvenanceAgent{{Type: "author", Actor: doctorID, ActorKind: clinical.User}},
	}
	for _, c := range change {
		c(&p)
	}
	return p
}

func event(verb string, action clinical.AuditAction, subtype string, change ...func(*clinical.AuditEvent)) clinical.AuditEvent {
	e := clinical.AuditEvent{
		ID: "0197f3a2-cccc-7000-8000-000000000001", Tenant: tenant, RecordedAt: stored, Verb: verb, Action: action,
		Subtype: subtype, Outcome: clinical.Success, Rule: "clinician-panel", Actor: doctorID, ActorKind: clinical.User,
		Roles: []clinical.Role{clinical.Clinician}, Purpose: clinical.Treatment, Patient: patientID,
		Entities:  []clinical.AuditEntity{{Type: "DocumentReference", ID: "0197f3a2-aaaa-7000-8000-000000000001", Version: 1}},
		RequestID: "01JDA9V3N3QZ5Y1R7KX0",
	}
	for _, c := range change {
		c(&e)
	}
	return e
}

func actor(id clinical.ActorID, k clinical.ActorKind, display string) clinical.Actor {
	return clinical.Actor{ID: id, Kind: k, Tenant: tenant, Display: display, Roles: []clinical.Role{clinical.Clinician}}
}

var patient = clinical.Patient{
	ID: patientID, Tenant: tenant, DisplayName: "Åsa Öberg", CreatedAt: stored,
	Identifiers: []clinical.Identifier{{System: "https://clinic.example/mrn", Value: "MRN-7781"}, {Value: "no system"}},
}
