package fhir

import "github.com/bonfiredb/bonfire/clinical"

// Binary is a file's bytes (http://hl7.org/fhir/R4/binary.html). It is a
// Resource, not a DomainResource: no subject, identifier, text or extension.
type Binary struct {
	ResourceType clinical.ResourceType `json:"resourceType"`
	ID           string                `json:"id"`
	Meta         *Meta                 `json:"meta,omitempty"`
	ContentType  string                `json:"contentType"`
	// SecurityContext says whose access rules hold for the bytes.
	SecurityContext *Reference `json:"securityContext,omitempty"`
	// Data is left empty by the Renderer: a Binary is metadata, and a caller who
	// wants a small one inline fills it in.
	Data []byte `json:"data,omitempty"`
}

// Key is "Binary" and the id.
func (b *Binary) Key() (resourceType, id string) { return string(b.ResourceType), b.ID }

// Header is the metadata.
func (b *Binary) Header() *Meta { return b.Meta }

// IsFileResource marks what a file can become.
func (*Binary) IsFileResource() {}

// FileBinary is the Binary of any file: the one which the attachment of its
// DocumentReference or Media points at, or the raw file itself. Its rules are
// those of that resource, or of the patient for a raw file.
func (r Renderer) FileBinary(f clinical.File) *Binary {
	b := &Binary{
		ResourceType: clinical.Binary,
		ID:           string(f.ID),
		Meta:         r.fileMeta(f),
		ContentType:  contentType(f),
	}
	b.Meta.Tag = r.statusTag(f.Status)
	switch f.ResourceType {
	case clinical.DocumentReference, clinical.Media:
		b.SecurityContext = r.optional(string(f.ResourceType), string(f.ID))
	default:
		b.SecurityContext = r.optional("Patient", string(f.Patient))
	}
	return b
}
