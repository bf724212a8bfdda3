package clinical

import "time"

// Document is one thing in a chart: a file or a note. Exactly one of them is set.
type Document struct {
	File *File
	Note *Note
}

// Ref points at the document as it stands, without a digest.
func (d Document) Ref() Ref {
	switch {
	case d.File != nil:
		return Ref{Type: string(d.File.ResourceType), ID: string(d.File.ID), Version: d.File.Version}
	case d.Note != nil:
		return Ref{Type: string(DocumentReference), ID: string(d.Note.ID), Version: d.Note.Version}
	}
	return Ref{}
}

// Chart is a part of a patient's chart with what it takes to show it: nothing
// in it has to be looked up any more.
type Chart struct {
	At      time.Time // when it was read
	Tenant  TenantID
	Clinic  string   // the clinic's own name
	Patient *Patient // nil in the answer to a search
	// Documents and Provenance are the part itself, each in the order of its list.
	Documents  []Document
	Provenance []Provenance
	Encounters []Encounter
	// Principals are those who are named above, as far as they are known.
	Principals map[ActorID]Actor
	// Kinds are those of the files; a kind that is in no registry any more is not among them.
	Kinds map[string]FileKind
	// Events are those of the audit trail that touched the documents, where they were asked for.
	Events []AuditEvent
}
