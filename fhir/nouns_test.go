package fhir_test

import (
	"fmt"
	"time"

	"pgregory.net/rapid"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/fhir"
)

// maybe is "" as often as something: rows have gaps.
func maybe(g *rapid.Generator[string]) *rapid.Generator[string] {
	return rapid.OneOf(rapid.Just(""), g)
}

// Words of every script, and of no sense: control characters, spaces, markup.
func words() *rapid.Generator[string] {
	return maybe(rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
		" ", "\u3000", "\x00", "a\x1fb", "<b>&\"", "\xff\xfe", "🩹", "\u2028", "x\r\n\ty ", "\ufeff",
	})))
}

func uuid[ID ~string](t *rapid.T, name string) ID {
	return clinical.NewID[ID](time.UnixMilli(rapid.Int64Range(0, 1<<45).Draw(t, name)))
}

func maybeUUID[ID ~string](t *rapid.T, name string) ID {
	if rapid.Bool().Draw(t, name+" known") {
		return uuid[ID](t, name)
	}
	return ""
}

func instantAt(t *rapid.T, name string) time.Time {
	zone := time.FixedZone("", rapid.IntRange(-14*3600, 14*3600).Draw(t, name+" zone"))
	return time.Unix(rapid.Int64Range(-60_000_000_000, 250_000_000_000).Draw(t, name),
		rapid.Int64Range(0, 999_999_999).Draw(t, name+" ns")).In(zone)
}

func maybeInstant(t *rapid.T, name string) *time.Time {
	if !rapid.Bool().Draw(t, name+" known") {
		return nil
	}
	at := instantAt(t, name)
	if rapid.IntRange(0, 9).Draw(t, name+" odd") == 0 {
		at = rapid.SampledFrom([]time.Time{{}, time.Date(0, 5, 1, 0, 0, 0, 0, time.UTC), time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC)}).Draw(t, name+" out of range")
	}
	return &at
}

func maybeCoding(t *rapid.T, name string) *clinical.Coding {
	if !rapid.Bool().Draw(t, name) {
		return nil
	}
	return &clinical.Coding{System: "https://clinic.example/codes", Code: words().Draw(t, name+" code"), Display: words().Draw(t, name+" display")}
}

func anyKind(t *rapid.T) clinical.FileKind {
	if rapid.Bool().Draw(t, "shipped") {
		return rapid.SampledFrom(clinical.DefaultKinds()).Draw(t, "kind")
	}
	return clinical.FileKind{
		Code: words().Draw(t, "kind code"), Display: words().Draw(t, "kind display"), Category: words().Draw(t, "kind category"),
		Resource: rapid.SampledFrom([]clinical.ResourceType{clinical.DocumentReference, clinical.Media, clinical.Binary}).Draw(t, "resource"),
		Type:     maybeCoding(t, "type"), CategoryCoding: maybeCoding(t, "category"), Modality: maybeCoding(t, "modality"),
	}
}

func anyFile(t *rapid.T) (clinical.File, clinical.FileKind, fhir.ActorRef) {
	k := anyKind(t)
	f := clinical.File{
		ID: uuid[clinical.FileID](t, "id"), Tenant: "acme", Patient: uuid[clinical.PatientID](t, "patient"),
		Encounter: maybeUUID[clinical.EncounterID](t, "encounter"), ResourceType: k.Resource, Kind: k.Code,
		Category: rapid.OneOf(rapid.Just(k.Category), words()).Draw(t, "category"),
		Status:   rapid.SampledFrom([]clinical.FileStatus{clinical.FileCurrent, clinical.FileSuperseded, clinical.FileEnteredInError}).Draw(t, "status"),
		Title:    words().Draw(t, "title"), Confidentiality: clinical.Confidentiality(rapid.IntRange(0, 3).Draw(t, "confidentiality")),
		Labels: rapid.SliceOfN(words(), 0, 3).Draw(t, "labels"), Size: rapid.Int64Range(0, 1<<53).Draw(t, "size"),
		ContentType: rapid.SampledFrom([]string{"", "application/pdf", "audio/webm; codecs=opus", "image/jpeg", "video/mp4"}).Draw(t, "content type"),
		Version:     rapid.IntRange(0, 1<<31).Draw(t, "version"), CreatedAt: instantAt(t, "created"), UpdatedAt: instantAt(t, "updated"),
		CapturedAt: maybeInstant(t, "captured"), Duration: rapid.Float64().Draw(t, "duration"),
		Width: rapid.Int().Draw(t, "width"), Height: rapid.Int().Draw(t, "height"), BodySite: maybeCoding(t, "body site"),
		Supersedes: maybeUUID[clinical.FileID](t, "supersedes"), SupersededBy: maybeUUID[clinical.FileID](t, "superseded by"),
	}
	if rapid.Bool().Draw(t, "digests") {
		f.Digests = digests(f.Title)
	}
	author := fhir.ActorRef{
		ID:   maybeUUID[clinical.ActorID](t, "author"),
		Kind: rapid.SampledFrom([]clinical.ActorKind{clinical.User, clinical.Agent, clinical.Device, clinical.System, ""}).Draw(t, "author kind"),
	}
	return f, k, author
}

func anyNote(t *rapid.T) fhir.Resource {
	n := clinical.Note{
		ID: uuid[clinical.NoteID](t, "id"), Tenant: "acme", Patient: uuid[clinical.PatientID](t, "patient"),
		Encounter: maybeUUID[clinical.EncounterID](t, "encounter"),
		Status:    rapid.SampledFrom([]clinical.NoteStatus{clinical.NoteDraft, clinical.NoteSigned, clinical.NoteAmended, clinical.NoteEnteredInError}).Draw(t, "status"),
		Version:   rapid.IntRange(1, 9).Draw(t, "version"), Title: words().Draw(t, "title"), Text: words().Draw(t, "text"),
		Author: maybeUUID[clinical.ActorID](t, "author"), AuthorKind: rapid.SampledFrom([]clinical.ActorKind{clinical.User, clinical.Agent}).Draw(t, "author kind"),
		Signer: maybeUUID[clinical.ActorID](t, "signer"), SignedAt: maybeInstant(t, "signed"), Amends: maybeUUID[clinical.NoteID](t, "amends"),
		CreatedAt: instantAt(t, "created"), UpdatedAt: instantAt(t, "updated"),
	}
	return renderer.Note(n, rapid.SliceOfN(rapid.Custom(anyRef), 0, 3).Draw(t, "sources"))
}

func anyRef(t *rapid.T) clinical.Ref {
	r := clinical.Ref{
		Type: rapid.SampledFrom([]string{"DocumentReference", "Media", "Binary"}).Draw(t, "type"),
		ID:   uuid[string](t, "id"), Version: rapid.IntRange(0, 9).Draw(t, "version"),
	}
	if rapid.Bool().Draw(t, "digest") {
		r.SHA256 = "65bf84f008416ad77f705151b1904d70b1986e7174cb0cb4284afad5c66faf8a"
	}
	if rapid.Bool().Draw(t, "span") {
		r.Fragment = clinical.Span{
			Start: time.Duration(rapid.Int64Range(0, 1e15).Draw(t, "start")), End: time.Duration(rapid.Int64Range(0, 1e15).Draw(t, "end")),
		}.Fragment()
	}
	return r
}

func anyProvenance(t *rapid.T) fhir.Resource {
	return renderer.Provenance(clinical.Provenance{
		ID: uuid[clinical.ProvenanceID](t, "id"), Tenant: "acme", RecordedAt: instantAt(t, "recorded"),
		Activity: rapid.SampledFrom([]clinical.Activity{
			clinical.ActivityUpload, clinical.ActivityDraft, clinical.ActivityEdit, clinical.ActivitySign, clinical.ActivityAmend,
			clinical.ActivitySupersede, clinical.ActivityRefile, clinical.ActivityRetract, clinical.ActivityScan,
			clinical.ActivityHold, clinical.ActivityRelease, clinical.ActivityDestroy, clinical.ActivityImport, "something new",
		}).Draw(t, "activity"),
		Targets: rapid.SliceOfN(rapid.Custom(anyRef), 1, 3).Draw(t, "targets"),
		Sources: rapid.SliceOfN(rapid.Custom(anyRef), 0, 3).Draw(t, "sources"),
		Agents: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) clinical.ProvenanceAgent {
			return clinical.ProvenanceAgent{
				Type:  rapid.SampledFrom([]string{"author", "assembler", "transmitter", "verifier", "", "other"}).Draw(t, "type"),
				Actor: uuid[clinical.ActorID](t, "actor"), OnBehalfOf: maybeUUID[clinical.ActorID](t, "on behalf of"),
				ActorKind: rapid.SampledFrom([]clinical.ActorKind{clinical.User, clinical.Agent, clinical.Device, clinical.System}).Draw(t, "kind"),
			}
		}), 1, 3).Draw(t, "agents"),
		Signature: rapid.SampledFrom([]string{"", "e30.e30.c2ln"}).Draw(t, "signature"), Reason: words().Draw(t, "reason"),
	})
}

func anyAudit(t *rapid.T) fhir.Resource {
	action := rapid.SampledFrom([]clinical.AuditAction{"C", "R", "U", "D", "E"}).Draw(t, "action")
	// A RESTful subtype goes with its own action, as the recorder writes it.
	subtypes := map[clinical.AuditAction][]string{
		"C": {"create"}, "R": {"read", "vread", "history", fhir.SubtypeDisclose, fhir.SubtypeExport},
		"U": {"update"}, "D": {"delete"}, "E": {"search-type", "operation", fhir.SubtypeBreakGlass},
	}[action]
	return renderer.AuditEvent(clinical.AuditEvent{
		ID: uuid[clinical.AuditEventID](t, "id"), Tenant: "acme", RecordedAt: instantAt(t, "recorded"),
		Verb: words().Draw(t, "verb"), Action: action, Subtype: rapid.SampledFrom(append(subtypes, "", "hold")).Draw(t, "subtype"),
		Outcome: rapid.SampledFrom([]clinical.AuditOutcome{clinical.Success, clinical.Success, clinical.MinorFailure, clinical.SeriousFailure, clinical.MajorFailure}).Draw(t, "outcome"),
		Rule:    words().Draw(t, "rule"), Actor: maybeUUID[clinical.ActorID](t, "actor"),
		ActorKind:  rapid.SampledFrom([]clinical.ActorKind{clinical.User, clinical.Agent, clinical.Device, clinical.System, ""}).Draw(t, "kind"),
		OnBehalfOf: maybeUUID[clinical.ActorID](t, "on behalf of"), Roles: rapid.SliceOfN(rapid.SampledFrom([]clinical.Role{clinical.Clinician, clinical.Clerk, ""}), 0, 2).Draw(t, "roles"),
		Purpose: rapid.SampledFrom([]clinical.PurposeOfUse{clinical.Treatment, clinical.BreakTheGlass, ""}).Draw(t, "purpose"),
		Patient: maybeUUID[clinical.PatientID](t, "patient"),
		Entities: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) clinical.AuditEntity {
			return clinical.AuditEntity{
				Type: rapid.SampledFrom([]string{"DocumentReference", "Media", "Binary", "Patient", "Upload", "Link", "Grant", "Webhook", ""}).Draw(t, "type"),
				ID:   rapid.OneOf(rapid.Just(uuid[string](t, "entity")), words()).Draw(t, "entity id"), Version: rapid.IntRange(0, 3).Draw(t, "version"),
			}
		}), 0, 4).Draw(t, "entities"),
		Query: words().Draw(t, "query"), Detail: rapid.MapOfN(words(), words(), 0, 3).Draw(t, "detail"),
		RequestID: words().Draw(t, "request"), Repeats: rapid.IntRange(0, 3).Draw(t, "repeats"),
	})
}

func anyPatient(t *rapid.T) fhir.Resource {
	p := clinical.Patient{ID: uuid[clinical.PatientID](t, "id"), Tenant: "acme", DisplayName: words().Draw(t, "name"), CreatedAt: instantAt(t, "created")}
	for i := range rapid.IntRange(0, 3).Draw(t, "identifiers") {
		p.Identifiers = append(p.Identifiers, clinical.Identifier{
			System: rapid.SampledFrom([]string{"", "https://clinic.example/mrn", "urn:oid:1.2.3"}).Draw(t, fmt.Sprint("system ", i)),
			Value:  words().Draw(t, fmt.Sprint("value ", i)),
		})
	}
	return renderer.Patient(p)
}

func anyEncounter(t *rapid.T) fhir.Resource {
	return renderer.Encounter(clinical.Encounter{
		ID: uuid[clinical.EncounterID](t, "id"), Tenant: "acme", Patient: uuid[clinical.PatientID](t, "patient"),
		Status: rapid.SampledFrom([]string{"planned", "finished", "", "open"}).Draw(t, "status"), CreatedAt: instantAt(t, "created"),
		StartedAt: maybeInstant(t, "started"),
	})
}

func anyPrincipal(t *rapid.T) fhir.Resource {
	return renderer.Principal(clinical.Actor{
		ID: uuid[clinical.ActorID](t, "id"), Tenant: "acme", Display: words().Draw(t, "display"),
		Kind: rapid.SampledFrom([]clinical.ActorKind{clinical.User, clinical.Agent, clinical.Device, clinical.System}).Draw(t, "kind"),
	})
}

func anyOutcome(t *rapid.T) fhir.Resource {
	f := clinical.Fail(clinical.Kind(rapid.IntRange(-1, 20).Draw(t, "kind")), words().Draw(t, "words"), nil)
	return renderer.OperationOutcome(f.WithField(words().Draw(t, "field")), words().Draw(t, "request"))
}

// nouns are generators of every noun, rendered.
func nouns() map[string]*rapid.Generator[fhir.Resource] {
	return map[string]*rapid.Generator[fhir.Resource]{
		"file":       rapid.Custom(func(t *rapid.T) fhir.Resource { f, k, a := anyFile(t); return renderer.File(f, k, a) }),
		"binary":     rapid.Custom(func(t *rapid.T) fhir.Resource { f, _, _ := anyFile(t); return renderer.FileBinary(f) }),
		"note":       rapid.Custom(anyNote),
		"provenance": rapid.Custom(anyProvenance),
		"audit":      rapid.Custom(anyAudit),
		"patient":    rapid.Custom(anyPatient),
		"encounter":  rapid.Custom(anyEncounter),
		"principal":  rapid.Custom(anyPrincipal),
		"outcome":    rapid.Custom(anyOutcome),
	}
}
