package graph

import (
	"context"
	"encoding/json"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/fhir"
	"github.com/bonfiredb/bonfire/graph/generated"
	"github.com/bonfiredb/bonfire/graph/model"
)

// Resource resolves File.resource: the typed FHIR view.
func (r fileFields) Resource(ctx context.Context, f *model.File) (fhir.FileResource, error) {
	return r.render(ctx, f.Noun)
}

// Fhir resolves File.fhir: the same view as it is exported.
func (r fileFields) Fhir(ctx context.Context, f *model.File) (json.RawMessage, error) {
	resource, err := r.render(ctx, f.Noun)
	if err != nil {
		return nil, err
	}
	return fhir.Marshal(resource)
}

// render makes a file's FHIR view from its row, its kind as the registry has
// it now, and who uploaded it.
func (r *resolver) render(ctx context.Context, f clinical.File) (fhir.FileResource, error) {
	author, err := loadersOf(ctx).actors.load(ctx, f.UploadedBy)
	if err != nil && !clinical.Is(err, clinical.NotFound) {
		return nil, err
	}
	kind, _ := r.records.Kind(ctx, f.Tenant, f.Kind)
	return r.fhir.File(f, kind, fhir.ActorRef{ID: author.ID, Kind: author.Kind}), nil
}

// The FHIR structs say "" for what is absent, as their JSON leaves it out;
// GraphQL says null.
type (
	documentReferenceFields struct{}
	attachmentFields        struct{}
	conceptFields           struct{}
	codingFields            struct{}
	identifierFields        struct{}
	referenceFields         struct{}
)

// DocumentReference resolves the optional strings of a DocumentReference.
func (r *resolver) DocumentReference() generated.DocumentReferenceResolver {
	return documentReferenceFields{}
}

// Attachment resolves the optional strings of an Attachment.
func (r *resolver) Attachment() generated.AttachmentResolver { return attachmentFields{} }

// CodeableConcept resolves the optional strings of a CodeableConcept.
func (r *resolver) CodeableConcept() generated.CodeableConceptResolver { return conceptFields{} }

// Coding resolves the optional strings of a Coding.
func (r *resolver) Coding() generated.CodingResolver { return codingFields{} }

// Identifier resolves the optional strings of an Identifier.
func (r *resolver) Identifier() generated.IdentifierResolver { return identifierFields{} }

// Reference resolves the optional strings of a Reference.
func (r *resolver) Reference() generated.ReferenceResolver { return referenceFields{} }

// DocStatus resolves DocumentReference.docStatus.
func (documentReferenceFields) DocStatus(_ context.Context, d *fhir.DocumentReference) (*string, error) {
	return optional(d.DocStatus), nil
}

// ContentType resolves Attachment.contentType.
func (attachmentFields) ContentType(_ context.Context, a *fhir.Attachment) (*string, error) {
	return optional(a.ContentType), nil
}

// URL resolves Attachment.url.
func (attachmentFields) URL(_ context.Context, a *fhir.Attachment) (*string, error) {
	return optional(a.URL), nil
}

// Hash resolves Attachment.hash.
func (attachmentFields) Hash(_ context.Context, a *fhir.Attachment) (*string, error) {
	return optional(a.Hash), nil
}

// Title resolves Attachment.title.
func (attachmentFields) Title(_ context.Context, a *fhir.Attachment) (*string, error) {
	return optional(a.Title), nil
}

// Text resolves CodeableConcept.text.
func (conceptFields) Text(_ context.Context, c *fhir.CodeableConcept) (*string, error) {
	return optional(c.Text), nil
}

// System resolves Coding.system.
func (codingFields) System(_ context.Context, c *fhir.Coding) (*string, error) {
	return optional(c.System), nil
}

// Display resolves Coding.display.
func (codingFields) Display(_ context.Context, c *fhir.Coding) (*string, error) {
	return optional(c.Display), nil
}

// System resolves Identifier.system.
func (identifierFields) System(_ context.Context, i *fhir.Identifier) (*string, error) {
	return optional(i.System), nil
}

// Type resolves Reference.type.
func (referenceFields) Type(_ context.Context, r *fhir.Reference) (*string, error) {
	return optional(r.Type), nil
}

// Display resolves Reference.display.
func (referenceFields) Display(_ context.Context, r *fhir.Reference) (*string, error) {
	return optional(r.Display), nil
}
