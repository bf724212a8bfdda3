package policy

import (
	"slices"
	"time"

	"github.com/cedar-policy/cedar-go/types"
)

// AttributeKind is the sort of value that an attribute has.
type AttributeKind string

// The kinds of attribute.
const (
	KindUUID    AttributeKind = "uuid"
	KindText    AttributeKind = "text"
	KindInt     AttributeKind = "int"
	KindBool    AttributeKind = "bool"
	KindTime    AttributeKind = "time"
	KindTextSet AttributeKind = "textset"
)

// Attribute is one attribute that a Predicate may speak of. One that is not
// optional is always there: its column is NOT NULL.
type Attribute struct {
	Name     string
	Kind     AttributeKind
	Optional bool
}

// Attributes lists what predicates about resources of type t may speak of, in
// a fixed order; "id" is the resource's own. Types of which there are no lists
// have none.
func Attributes(t Type) []Attribute {
	var out []Attribute
	for _, a := range attributes[t] {
		if a.listed() {
			out = append(out, Attribute{Name: a.name, Kind: a.kind, Optional: a.optional})
		}
	}
	return out
}

// attribute is one attribute of one type: how Cedar sees it, and where a
// Resource keeps it. text, number, flag, instant or set is the one that serves
// its kind; the value "" of an optional text means absent.
type attribute struct {
	name     string
	kind     AttributeKind
	optional bool
	// entity is the Cedar entity type that a uuid or text stands for, "" for a plain String.
	entity types.EntityType
	// single marks what is known only when one resource is decided on.
	single bool
	// bare marks "id", which policies write as `resource`.
	bare bool

	text    func(Resource) string
	number  func(Resource) int64
	flag    func(Resource) bool
	instant func(Resource) time.Time
	set     func(Resource) []string
}

func (a attribute) listed() bool { return !a.single }

// The attributes of every type; schema.cedarschema declares the same to the policies.
var (
	tenantAttr      = attribute{name: "tenant", kind: KindText, entity: "Tenant", text: func(r Resource) string { return string(r.Tenant) }}
	patientAttr     = attribute{name: "patient", kind: KindUUID, entity: "Patient", text: func(r Resource) string { return string(r.Patient) }}
	kindAttr        = attribute{name: "kind", kind: KindText, text: func(r Resource) string { return r.Kind }}
	statusAttr      = attribute{name: "status", kind: KindText, text: func(r Resource) string { return r.Status }}
	scanStatusAttr  = attribute{name: "scanStatus", kind: KindText, text: func(r Resource) string { return r.ScanStatus }}
	scanRequired    = attribute{name: "scanRequired", kind: KindBool, single: true, flag: func(r Resource) bool { return r.ScanRequired }}
	legalHoldAttr   = attribute{name: "legalHold", kind: KindBool, flag: func(r Resource) bool { return r.LegalHold }}
	confidentiality = attribute{name: "confidentiality", kind: KindInt, number: func(r Resource) int64 { return int64(r.Confidentiality) }}
	labelsAttr      = attribute{name: "labels", kind: KindTextSet, set: func(r Resource) []string { return r.Labels }}
	departmentAttr  = attribute{name: "department", kind: KindText, optional: true, text: func(r Resource) string { return r.Department }}
	ownerAttr       = attribute{name: "owner", kind: KindUUID, entity: "Actor", text: func(r Resource) string { return string(r.Owner) }}
	ownerKindAttr   = attribute{name: "ownerKind", kind: KindText, text: func(r Resource) string { return string(r.OwnerKind) }}
	fhirTypeAttr    = attribute{name: "fhirType", kind: KindText, text: func(r Resource) string { return r.FHIRType }}
	createdAtAttr   = attribute{name: "createdAt", kind: KindTime, instant: func(r Resource) time.Time { return r.CreatedAt }}

	attributes = map[Type][]attribute{
		Patient:   {idOf(Patient), tenantAttr, patientAttr},
		Encounter: {idOf(Encounter), tenantAttr, patientAttr, statusAttr, createdAtAttr},
		File: {
			idOf(File), tenantAttr, patientAttr, kindAttr, statusAttr, scanStatusAttr, scanRequired, legalHoldAttr,
			confidentiality, labelsAttr, departmentAttr, ownerAttr, fhirTypeAttr, createdAtAttr,
		},
		Note: {
			idOf(Note), tenantAttr, patientAttr, statusAttr, confidentiality, ownerAttr, ownerKindAttr, createdAtAttr,
		},
		Upload: {
			idOf(Upload), tenantAttr, patientAttr, kindAttr, statusAttr, ownerAttr, fhirTypeAttr, createdAtAttr,
		},
		Link:     {idOf(Link), tenantAttr, patientAttr, ownerAttr, createdAtAttr},
		AuditLog: {tenantAttr, optionalAttr(patientAttr)},
		Bundle:   {single(tenantAttr), single(patientAttr)},
		Tenant:   {single(tenantAttr)},
	}
)

func idOf(t Type) attribute {
	return attribute{name: "id", kind: KindUUID, entity: types.EntityType(t), bare: true, text: func(r Resource) string { return r.ID }}
}

func optionalAttr(a attribute) attribute {
	a.optional = true
	return a
}

func single(a attribute) attribute {
	a.single = true
	return a
}

// find is the attribute of the type by name.
func find(t Type, name string) (attribute, bool) {
	i := slices.IndexFunc(attributes[t], func(a attribute) bool { return a.name == name })
	if i < 0 {
		return attribute{}, false
	}
	return attributes[t][i], true
}

// known reports whether any type has an attribute of that name.
func known(name string) bool {
	for t := range attributes {
		if _, ok := find(t, name); ok {
			return true
		}
	}
	return false
}

// absent reports whether the resource lacks the attribute.
func (a attribute) absent(r Resource) bool { return a.optional && a.text != nil && a.text(r) == "" }

// cedar is the attribute's value as the policies see it.
func (a attribute) cedar(r Resource) types.Value {
	switch a.kind {
	case KindInt:
		return types.Long(a.number(r))
	case KindBool:
		return types.Boolean(a.flag(r))
	case KindTime:
		return types.NewDatetime(a.instant(r))
	case KindTextSet:
		return textSet(a.set(r))
	}
	if a.entity != "" {
		return types.NewEntityUID(a.entity, types.String(a.text(r)))
	}
	return types.String(a.text(r))
}

// textSet is a Cedar set of strings.
func textSet[S ~string](in []S) types.Set {
	if len(in) == 0 {
		return types.Set{}
	}
	out := make([]types.Value, len(in))
	for i, s := range in {
		out[i] = types.String(s)
	}
	return types.NewSet(out...)
}

// uidSet is a Cedar set of entities of one type.
func uidSet[S ~string](t types.EntityType, in []S) types.Set {
	if len(in) == 0 {
		return types.Set{}
	}
	out := make([]types.Value, len(in))
	for i, s := range in {
		out[i] = types.NewEntityUID(t, types.String(s))
	}
	return types.NewSet(out...)
}
