package fhir

import (
	"bytes"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
)

// Renderer knows the addresses which resources are written with, and looks
// nothing up. It is a value: copy it freely, use it from many goroutines.
type Renderer struct {
	// Base is the absolute FHIR base for full URLs, such as https://host/fhir/R4.
	Base string
	// Systems is the absolute base of this program's own code systems,
	// extensions and identifier systems; see the package comment.
	Systems string
	// Server is the host name of this server, as AuditEvents give it.
	Server string
}

// Resource is a FHIR R4 resource of this package.
type Resource interface {
	// Key is the resource's type and logical id: the two parts of its address.
	// The id is "" where a resource has none of its own.
	Key() (resourceType, id string)
	// Header is the resource's metadata; nil when the record keeps none.
	Header() *Meta
}

// FileResource is what a file is rendered as: a DocumentReference, Media or Binary.
type FileResource interface {
	Resource
	IsFileResource()
}

// FullURL is the absolute address of a resource at the facade
// (http://hl7.org/fhir/R4/bundle.html#bundle-unique).
func (r Renderer) FullURL(res Resource) string {
	resourceType, id := res.Key()
	return strings.TrimRight(r.Base, "/") + "/" + resourceType + "/" + id
}

// Reference points at a resource by type and id, at one version of it when
// version is above zero. It is the zero Reference when the id is no FHIR id.
func (r Renderer) Reference(resourceType, id string, version int) Reference {
	if !validID(id) {
		return Reference{}
	}
	ref := Reference{Reference: resourceType + "/" + id, Type: resourceType}
	if version > 0 {
		ref.Reference += "/_history/" + strconv.Itoa(version)
	}
	return ref
}

// Ref points at what a clinical.Ref means; the digest and the part of a
// recording, where they are known, go along as extensions.
func (r Renderer) Ref(ref clinical.Ref) Reference {
	out := r.Reference(ref.Type, ref.ID, ref.Version)
	if out.Reference != "" && ref.SHA256 != "" {
		out.Extension = []Extension{{URL: r.structure("digest-sha256"), ValueString: ref.SHA256}}
	}
	if out.Reference != "" && ref.Fragment != "" {
		out.Extension = append(out.Extension, r.fragment(ref.Fragment))
	}
	return out
}

// fragment says which part of a recording is meant. It cannot stand behind a "#"
// in the reference itself: there FHIR looks for a contained resource.
func (r Renderer) fragment(part string) Extension {
	return Extension{URL: r.structure("media-fragment"), ValueString: part}
}

// Marshal is the resource's JSON, as it is exported.
func Marshal(res Resource) ([]byte, error) { return encode(res) }

// Write writes the resource's JSON and a newline.
func Write(w io.Writer, res Resource) error { return encoder(w).Encode(res) }

// system is the address of a code system of our own.
func (r Renderer) system(name string) string {
	return strings.TrimRight(r.Systems, "/") + "/CodeSystem/" + name
}

// structure is the address of an extension of our own.
func (r Renderer) structure(name string) string {
	return strings.TrimRight(r.Systems, "/") + "/StructureDefinition/" + name
}

// own is a coding of one of our own systems; without a code when there is none.
func (r Renderer) own(system, value, display string) Coding {
	return Coding{System: r.system(system), Code: code(value), Display: text(display)}
}

// tenants is the identifier system of tenants, and the stem of each tenant's own systems.
func (r Renderer) tenants() string { return strings.TrimRight(r.Systems, "/") + "/tenant" }

// identifier names something of a tenant in a system of that tenant's own.
func (r Renderer) identifier(tenant clinical.TenantID, system, value string) Identifier {
	return Identifier{System: r.tenants() + "/" + string(tenant) + "/" + system, Value: value}
}

// optional is a reference to a resource that may not be there.
func (r Renderer) optional(resourceType, id string) *Reference {
	ref := r.Reference(resourceType, id, 0)
	if ref.Reference == "" {
		return nil
	}
	return &ref
}

// meta is the metadata of one version of a record.
func meta(version int, updated time.Time) *Meta {
	return &Meta{VersionID: strconv.Itoa(max(version, 1)), LastUpdated: instant(updated)}
}

// validID reports whether id is a FHIR id (http://hl7.org/fhir/R4/datatypes.html#id).
func validID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for i := range len(id) {
		c := id[i]
		alnum := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !alnum && c != '-' && c != '.' {
			return false
		}
	}
	return true
}

// encode is JSON without HTML escapes: a title reads in an export as it was typed.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	if err := encoder(&b).Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

func encoder(w io.Writer) *json.Encoder {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc
}
