// Package fhir renders the nouns of package clinical as FHIR R4 (4.0.1) JSON.
//
// Every function here is pure: the row goes in, the resource comes out, no
// clock, no look-up, no I/O but the io.Writer of a Bundle. That is why the FHIR
// view cannot drift from the record (P8): there is nothing stored beside the
// row that could be forgotten.
//
// The structs hold only the elements which are emitted, under FHIR's own names.
// They render without null, empty string, empty array or empty object
// (http://hl7.org/fhir/R4/json.html), and a GraphQL schema with the same field
// names can be bound to them as they are.
//
// What R4 has no element for hangs under Renderer.Systems:
//
//	CodeSystem/file-kind                     the clinic's own taxonomy
//	CodeSystem/file-category                 its coarse shelf
//	CodeSystem/file-status                   tag of a Media or Binary that is no longer current
//	CodeSystem/label                         policy labels, in meta.security
//	CodeSystem/actor-kind, /role             what a Device is, what a user does
//	CodeSystem/activity, /participant        Provenance, beside or in place of HL7's codes
//	CodeSystem/operation, /audit-subtype     AuditEvent, beside the RESTful interaction
//	CodeSystem/error                         OperationOutcome, the codes of the GraphQL API
//	StructureDefinition/attachment-sha256    hexadecimal; Attachment.hash can only be SHA-1
//	StructureDefinition/attachment-size      bytes past Attachment.size's 2^31-1
//	StructureDefinition/digest-sha256        of what a Provenance reference meant
//	StructureDefinition/media-fragment       the part of a recording that a reference means, such as t=12.5,19.0
//	StructureDefinition/replaces, /replaced-by   supersession of Media, which has no relatesTo
//	tenant/{tenant}/file, /note, ...         identifier systems
//	policy/{rule}                            the policy that decided, in AuditEvent.agent.policy
//
// Deciding who may read what, finding rows and speaking HTTP live elsewhere.
package fhir
