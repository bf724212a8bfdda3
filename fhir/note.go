package fhir

import (
	"crypto/sha1"
	"encoding/base64"
	"slices"

	"github.com/bonfiredb/bonfire/clinical"
)

// progressNote is the type of every note.
var progressNote = Coding{System: loinc, Code: "11506-3"}

// Note renders a note as a DocumentReference with its text inline. sources are
// what it was derived from; they become context.related, since
// DocumentReference.relatesTo can point at documents only and R4 has no
// derivedFrom here. The proof of the derivation is Provenance.
func (r Renderer) Note(n clinical.Note, sources []clinical.Ref) *DocumentReference {
	d := r.document(string(n.ID), "note", n.Tenant, n.Patient)
	d.Meta = meta(n.Version, n.UpdatedAt)
	d.Meta.Security = []Coding{confidential(n.Confidentiality)}
	d.Status, d.DocStatus = noteStatus(n)
	d.Type = concept(progressNote)
	d.Type.Text = "Progress note"
	d.Category = concepts(r.category("clinical-note", clinical.FileKind{}))
	d.Date = instant(n.CreatedAt)
	if ref := r.Actor(ActorRef{ID: n.Author, Kind: n.AuthorKind}); ref.Reference != "" {
		d.Author = []Reference{ref}
	}
	d.SecurityLabel = concepts(concept(confidential(n.Confidentiality)))
	d.Content = []DocumentReferenceContent{{Attachment: r.inline(n), Format: &mimeSufficient}}
	d.Context = r.context(n.Encounter, r.related(sources))
	if n.SignedAt != nil {
		r.attest(d, n)
	}
	d.claimUSCore()
	return d
}

// attest is what the signature adds. Only a signed amendment replaces the note
// it amends: until then that one stays current, and a draft makes no claim on it.
func (r Renderer) attest(d *DocumentReference, n clinical.Note) {
	d.Authenticator = r.optional("Practitioner", string(n.Signer))
	if old := r.Reference("DocumentReference", string(n.Amends), 0); old.Reference != "" {
		d.RelatesTo = []DocumentReferenceRelatesTo{{Code: "replaces", Target: old}}
	}
}

// noteStatus is where the reference stands (status) and where the document
// stands (docStatus). A signed amendment is "amended"; the note it replaced is
// superseded and keeps the document status it had.
func noteStatus(n clinical.Note) (status, docStatus string) {
	signed := "final"
	if n.Amends != "" {
		signed = "amended"
	}
	switch n.Status {
	case clinical.NoteSigned:
		return "current", signed
	case clinical.NoteAmended:
		return "superseded", signed
	case clinical.NoteEnteredInError:
		return "entered-in-error", "entered-in-error"
	}
	return "current", "preliminary"
}

func (r Renderer) inline(n clinical.Note) Attachment {
	size := int64(len(n.Text))
	hash := sha1.Sum([]byte(n.Text)) // R4 defines Attachment.hash so; SHA-256 stands beside it.
	return Attachment{
		Extension:   r.sha256(n.TextSHA256),
		ContentType: "text/plain; charset=utf-8",
		Data:        []byte(n.Text),
		Size:        &size,
		Hash:        base64.StdEncoding.EncodeToString(hash[:]),
		Title:       text(n.Title),
		Creation:    instant(n.CreatedAt),
	}
}

// related points at each source once, as it is now, with the parts of it that
// are meant; Provenance holds the versions.
func (r Renderer) related(sources []clinical.Ref) []Reference {
	var out []Reference
	for _, s := range sources {
		ref := r.Reference(s.Type, s.ID, 0)
		if ref.Reference == "" {
			continue
		}
		at := slices.IndexFunc(out, func(o Reference) bool { return o.Reference == ref.Reference })
		if at < 0 {
			at, out = len(out), append(out, ref)
		}
		if s.Fragment != "" {
			out[at].Extension = append(out[at].Extension, r.fragment(s.Fragment))
		}
	}
	return out
}
