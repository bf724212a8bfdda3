package fhir_test

import (
	"maps"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/fhir"
)

// rendered is every resource the package makes, with its edge cases, by the
// name of its golden file.
func rendered() map[string]fhir.Resource {
	visit := clinical.Encounter{ID: visitID, Tenant: tenant, Patient: patientID, Status: "open", CreatedAt: stored}
	finished := visit
	finished.Status, finished.StartedAt, finished.EndedAt = "finished", &captured, &signed
	out := map[string]fhir.Resource{
		"patient":           renderer.Patient(patient),
		"patient-nameless":  renderer.Patient(clinical.Patient{ID: patientID, Tenant: tenant, CreatedAt: stored}),
		"encounter":         renderer.Encounter(finished),
		"encounter-unknown": renderer.Encounter(visit),
		"practitioner":      renderer.Principal(actor(doctorID, clinical.User, "Dr Ada Byron")),
		"device-agent":      renderer.Principal(actor(scribeID, clinical.Agent, "AI scribe")),
		"device-recorder":   renderer.Principal(actor(recorder, clinical.Device, "Room 3")),
		"device-server":     renderer.Principal(actor("", clinical.System, "")),
		"organization":      renderer.Organization(tenant, "Acme clinic"),
		"capability":        renderer.CapabilityStatement("1.2.3", stored),
		"outcome-not-found": renderer.OperationOutcome(clinical.Missing(), "01JDA9V3N3QZ5Y1R7KX0"),
		"outcome-invalid":   renderer.OperationOutcome(clinical.Bad("patient", "not a reference"), ""),
		"outcome-internal":  renderer.OperationOutcome(clinical.Fail(clinical.Internal, "never shown", nil), ""),
	}
	maps.Copy(out, renderedKinds())
	maps.Copy(out, renderedDocuments())
	maps.Copy(out, renderedMedia())
	maps.Copy(out, renderedBinaries())
	maps.Copy(out, renderedNotes())
	maps.Copy(out, renderedProvenance())
	maps.Copy(out, renderedAudit())
	return out
}

// renderedKinds is one file of each shipped kind.
func renderedKinds() map[string]fhir.Resource {
	out := map[string]fhir.Resource{}
	for _, k := range clinical.DefaultKinds() {
		ct := k.ContentTypes[0]
		if k.Code == "raw" {
			ct = "application/dicom"
		}
		out["file-"+k.Code] = renderer.File(file(k.Code, ct), k, doctor)
	}
	return out
}

func renderedDocuments() map[string]fhir.Resource {
	letter := func(author fhir.ActorRef, change func(*clinical.File)) fhir.Resource {
		f := file("referral-letter", "application/pdf", change)
		return renderer.File(f, kind("referral-letter"), author)
	}
	house := file("lab-report", "application/pdf", func(f *clinical.File) { f.Kind, f.Category = "house-form", "house-shelf" })
	return map[string]fhir.Resource{
		"file-no-encounter":  letter(doctor, func(f *clinical.File) { f.Encounter, f.CapturedAt = "", nil }),
		"file-unicode-title": letter(doctor, func(f *clinical.File) { f.Title = "同意書\u3000نموذج <b>\"&\"</b> 🩹 e\u0301\x00" }),
		"file-no-title":      letter(doctor, func(f *clinical.File) { f.Title = " \u00a0\t" }),
		"file-replacing":     letter(doctor, func(f *clinical.File) { f.Supersedes = olderID }),
		"file-superseded": letter(doctor, func(f *clinical.File) {
			f.Status, f.Version, f.SupersededBy = clinical.FileSuperseded, 2, newerID
		}),
		"file-retracted": letter(doctor, func(f *clinical.File) { f.Status, f.Version = clinical.FileEnteredInError, 3 }),
		"file-restricted": letter(doctor, func(f *clinical.File) {
			f.Confidentiality, f.Labels = clinical.Restricted, []string{"substance-use", " "}
		}),
		"file-by-system":         letter(fhir.ActorRef{Kind: clinical.System}, func(*clinical.File) {}),
		"file-by-nobody":         letter(fhir.ActorRef{}, func(*clinical.File) {}),
		"file-kind-of-the-house": renderer.File(house, clinical.FileKind{}, doctor),
	}
}

func renderedMedia() map[string]fhir.Resource {
	recording := func(author fhir.ActorRef, contentType string, change func(*clinical.File)) fhir.Resource {
		return renderer.File(file("session-audio", contentType, change), kind("session-audio"), author)
	}
	photo := func(change func(*clinical.File)) fhir.Resource {
		return renderer.File(file("wound-photo", "image/jpeg", change), kind("wound-photo"), doctor)
	}
	return map[string]fhir.Resource{
		"file-over-2gib": recording(fhir.ActorRef{ID: recorder, Kind: clinical.Device}, "audio/wav", func(f *clinical.File) {
			f.Size, f.Duration = 3_500_000_000, 2412.4
		}),
		"file-audio-by-scribe": recording(fhir.ActorRef{ID: scribeID, Kind: clinical.Agent}, "video/webm", func(f *clinical.File) {
			f.Duration = 12
		}),
		"file-photo-measured": photo(func(f *clinical.File) {
			f.Width, f.Height = 4032, 3024
			f.BodySite = &clinical.Coding{System: "http://snomed.info/sct", Code: "14975008", Display: "Forearm"}
		}),
		"file-photo-superseded": photo(func(f *clinical.File) {
			f.Status, f.Version, f.SupersededBy = clinical.FileSuperseded, 2, newerID
		}),
		"file-photo-retracted": photo(func(f *clinical.File) {
			f.Status, f.Confidentiality, f.Supersedes = clinical.FileEnteredInError, clinical.VeryRestricted, olderID
		}),
	}
}

func renderedBinaries() map[string]fhir.Resource {
	raw := func(change func(*clinical.File)) *fhir.Binary {
		return renderer.FileBinary(file("raw", "application/octet-stream", change))
	}
	inline := raw(func(*clinical.File) {})
	inline.Data = []byte("small")
	return map[string]fhir.Resource{
		"binary-of-document":   renderer.FileBinary(file("lab-report", "application/pdf")),
		"binary-of-media":      renderer.FileBinary(file("session-audio", "audio/wav")),
		"binary-inline":        inline,
		"binary-raw-empty":     raw(func(f *clinical.File) { f.Size, f.Encounter, f.ContentType = 0, "", "" }),
		"binary-raw-retracted": raw(func(f *clinical.File) { f.Status = clinical.FileEnteredInError }),
	}
}

func renderedNotes() map[string]fhir.Resource {
	retract := func(n *clinical.Note) { n.Status, n.Version = clinical.NoteEnteredInError, 3 }
	return map[string]fhir.Resource{
		"note-draft":           renderer.Note(note(), audio),
		"note-empty":           renderer.Note(note(func(n *clinical.Note) { n.Text, n.Title, n.Encounter = "", "", "" }), nil),
		"note-signed":          renderer.Note(note(sign), audio),
		"note-retracted":       renderer.Note(note(sign, retract), audio),
		"note-amendment-draft": renderer.Note(note(amend), audio),
		"note-amendment":       renderer.Note(note(amend, sign), audio),
		"note-spans": renderer.Note(note(), []clinical.Ref{
			{Type: "Media", ID: string(audioID), Version: 1, Fragment: "t=12.5,19.0"},
			{Type: "Media", ID: string(audioID), Version: 1, Fragment: "t=61.0"},
			{Type: "DocumentReference", ID: string(olderID)},
		}),
		"note-amended": renderer.Note(note(sign, func(n *clinical.Note) { n.Status, n.Version = clinical.NoteAmended, 3 }), audio),
		"note-by-doctor": renderer.Note(note(sign, func(n *clinical.Note) {
			n.Author, n.AuthorKind, n.Confidentiality = doctorID, clinical.User, clinical.Restricted
		}), []clinical.Ref{{Type: "Binary", ID: "0197f3a2-aaaa-7000-8000-000000000008"}, noteRef(1)}),
	}
}

func renderedProvenance() map[string]fhir.Resource {
	upload := func(p *clinical.Provenance) {
		p.Targets = []clinical.Ref{
			{Type: "Media", ID: string(audioID), Version: 1, SHA256: "65bf84f008416ad77f705151b1904d70b1986e7174cb0cb4284afad5c66faf8a"},
			{Type: "Binary", ID: string(audioID), Version: 1},
		}
	}
	draft := func(p *clinical.Provenance) {
		p.Sources = audio
		p.Agents = []clinical.ProvenanceAgent{
			{Type: "assembler", Actor: scribeID, ActorKind: clinical.Agent, OnBehalfOf: doctorID},
			{Type: "enterer", Actor: doctorID, ActorKind: clinical.User},
		}
	}
	spans := func(p *clinical.Provenance) {
		heard := audio[0]
		heard.SHA256, heard.Fragment = "65bf84f008416ad77f705151b1904d70b1986e7174cb0cb4284afad5c66faf8a", "t=12.5,19.0"
		p.Sources = []clinical.Ref{heard}
	}
	held := func(p *clinical.Provenance) {
		upload(p)
		p.Reason = "Litigation <4711> & \"others\""
	}
	attest := func(p *clinical.Provenance) {
		p.Targets, p.Sources = []clinical.Ref{noteRef(2)}, []clinical.Ref{noteRef(1)}
		p.Agents[0].Type, p.Signature = "legal", "eyJhbGciOiJFUzI1NiJ9.e30.c2ln"
	}
	older := func(p *clinical.Provenance) {
		p.Targets[0].ID, p.Sources = "0197f3a2-aaaa-7000-8000-000000000020", append([]clinical.Ref{noteRef(2)}, audio...)
	}
	bySystem := func(p *clinical.Provenance) {
		p.Targets, p.Agents = audio, []clinical.ProvenanceAgent{{Type: "scanner", ActorKind: clinical.System}}
	}
	out := map[string]fhir.Resource{
		"provenance-draft-typed": renderer.Provenance(provenance(clinical.ActivityDraft)),
		"provenance-draft-spans": renderer.Provenance(provenance(clinical.ActivityDraft, spans)),
		"provenance-transmitted": renderer.Provenance(provenance(clinical.ActivityUpload, upload, func(p *clinical.Provenance) {
			p.Agents = append(p.Agents, clinical.ProvenanceAgent{Type: "transmitter", Actor: recorder, ActorKind: clinical.Device})
		})),
	}
	for a, change := range map[clinical.Activity]func(*clinical.Provenance){
		clinical.ActivityUpload: upload, clinical.ActivityDraft: draft, clinical.ActivityEdit: attest,
		clinical.ActivitySign: attest, clinical.ActivityAmend: older, clinical.ActivitySupersede: older,
		clinical.ActivityRefile: held, clinical.ActivityRetract: upload, clinical.ActivityScan: bySystem,
		clinical.ActivityHold: held, clinical.ActivityRelease: held, clinical.ActivityDestroy: bySystem,
		clinical.ActivityImport: bySystem,
	} {
		out["provenance-"+string(a)] = renderer.Provenance(provenance(a, change))
	}
	return out
}
