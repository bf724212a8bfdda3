package fhir

import (
	"time"

	"github.com/bonfiredb/bonfire/clinical"
)

// DocumentReference is a document about a patient, a file or a note
// (http://hl7.org/fhir/R4/documentreference.html), after US Core's profile.
type DocumentReference struct {
	ResourceType     clinical.ResourceType        `json:"resourceType"`
	ID               string                       `json:"id"`
	Meta             *Meta                        `json:"meta,omitempty"`
	MasterIdentifier *Identifier                  `json:"masterIdentifier,omitempty"`
	Identifier       []Identifier                 `json:"identifier,omitempty"`
	Status           string                       `json:"status"`
	DocStatus        string                       `json:"docStatus,omitempty"`
	Type             *CodeableConcept             `json:"type,omitempty"`
	Category         []CodeableConcept            `json:"category,omitempty"`
	Subject          Reference                    `json:"subject,omitzero"`
	Date             *time.Time                   `json:"date,omitempty"`
	Author           []Reference                  `json:"author,omitempty"`
	Authenticator    *Reference                   `json:"authenticator,omitempty"`
	Custodian        *Reference                   `json:"custodian,omitempty"`
	RelatesTo        []DocumentReferenceRelatesTo `json:"relatesTo,omitempty"`
	SecurityLabel    []CodeableConcept            `json:"securityLabel,omitempty"`
	Content          []DocumentReferenceContent   `json:"content"`
	Context          *DocumentReferenceContext    `json:"context,omitempty"`
}

// DocumentReferenceRelatesTo is how a document stands to an older one.
type DocumentReferenceRelatesTo struct {
	Code   string    `json:"code"`
	Target Reference `json:"target"`
}

// DocumentReferenceContent is the document itself.
type DocumentReferenceContent struct {
	Attachment Attachment `json:"attachment"`
	Format     *Coding    `json:"format,omitempty"`
}

// DocumentReferenceContext is the visit and the sources of a document.
type DocumentReferenceContext struct {
	Encounter []Reference `json:"encounter,omitempty"`
	Period    *Period     `json:"period,omitempty"`
	Related   []Reference `json:"related,omitempty"`
}

// Key is "DocumentReference" and the id.
func (d *DocumentReference) Key() (resourceType, id string) { return string(d.ResourceType), d.ID }

// Header is the metadata.
func (d *DocumentReference) Header() *Meta { return d.Meta }

// IsFileResource marks what a file can become.
func (*DocumentReference) IsFileResource() {}

// DocumentReference renders a file of a document kind. Superseding is told
// from the newer side (relatesTo replaces) and by the older one's status; a
// retracted document keeps its address and says entered-in-error twice, for the
// reference (status) and for the document (docStatus).
func (r Renderer) DocumentReference(f clinical.File, k clinical.FileKind, author ActorRef) *DocumentReference {
	d := r.document(string(f.ID), "file", f.Tenant, f.Patient)
	d.Meta = r.fileMeta(f)
	d.Status, d.DocStatus = fileStatus(f.Status)
	d.Type = r.documentType(f, k)
	d.Category = concepts(r.category(f.Category, k))
	d.Date = instant(f.CreatedAt)
	if ref := r.Actor(author); ref.Reference != "" {
		d.Author = []Reference{ref}
	}
	d.SecurityLabel = concepts(concept(confidential(f.Confidentiality)))
	d.Content = []DocumentReferenceContent{{Attachment: r.attachment(f), Format: &mimeSufficient}}
	d.Context = r.context(f.Encounter, nil)
	if at := instantOf(f.CapturedAt); at != nil {
		// The row knows one moment of the service: when the document was captured.
		d.Context = orEmpty(d.Context)
		d.Context.Period = &Period{Start: at, End: at}
	}
	if old := r.Reference("DocumentReference", string(f.Supersedes), 0); old.Reference != "" {
		d.RelatesTo = []DocumentReferenceRelatesTo{{Code: "replaces", Target: old}}
	}
	d.claimUSCore()
	return d
}

// document is what files and notes have in common.
func (r Renderer) document(id, noun string, tenant clinical.TenantID, patient clinical.PatientID) *DocumentReference {
	return &DocumentReference{
		ResourceType:     clinical.DocumentReference,
		ID:               id,
		MasterIdentifier: &Identifier{System: uri, Value: "urn:uuid:" + id},
		Identifier:       []Identifier{r.identifier(tenant, noun, id)},
		Subject:          r.Reference("Patient", string(patient), 0),
		Custodian:        r.optional("Organization", string(tenant)),
	}
}

func fileStatus(s clinical.FileStatus) (status, docStatus string) {
	switch s {
	case clinical.FileSuperseded:
		return "superseded", "final"
	case clinical.FileEnteredInError:
		return "entered-in-error", "entered-in-error"
	}
	return "current", "final"
}

// documentType is the kind's coding followed by the clinic's own; UNK where the
// clinic gave none, since US Core requires a LOINC document type or that.
func (r Renderer) documentType(f clinical.File, k clinical.FileKind) *CodeableConcept {
	standard := coding(k.Type)
	if standard.Code == "" {
		standard = unknown
	}
	c := concept(standard, r.kindCoding(f, k))
	if c.Text = text(k.Display); c.Text == "" {
		c.Text = text(f.Kind)
	}
	return c
}

// category is the code others know the category by, followed by the clinic's own.
func (r Renderer) category(name string, k clinical.FileKind) *CodeableConcept {
	if name == "" {
		name = k.Category
	}
	standard := categories[name].standard
	if c := coding(k.CategoryCoding); c.Code != "" && name == k.Category {
		standard = c
	}
	return concept(standard, r.own("file-category", name, categories[name].display))
}

// context is the visit and the sources; nil when there is neither.
func (r Renderer) context(encounter clinical.EncounterID, related []Reference) *DocumentReferenceContext {
	c := DocumentReferenceContext{Related: related}
	if ref := r.Reference("Encounter", string(encounter), 0); ref.Reference != "" {
		c.Encounter = []Reference{ref}
	}
	if c.Encounter == nil && c.Related == nil {
		return nil
	}
	return &c
}

func orEmpty(c *DocumentReferenceContext) *DocumentReferenceContext {
	if c == nil {
		return &DocumentReferenceContext{}
	}
	return c
}

// claimUSCore names the US Core profile in meta where the document meets what
// it requires: a subject, a category, a type from LOINC or UNK, and content
// with an address or data (us-core-6).
func (d *DocumentReference) claimUSCore() {
	typed := d.Type != nil && (d.Type.Coding[0].System == loinc || d.Type.Coding[0] == unknown)
	a := d.Content[0].Attachment
	if typed && d.Subject.Reference != "" && len(d.Category) > 0 && (a.URL != "" || len(a.Data) > 0) {
		d.Meta.Profile = []string{usCoreDocument}
	}
}
