package policy

import (
	"slices"
	"strings"

	"github.com/bonfiredb/bonfire/clinical"
)

// SMART App Launch 2.0 scopes
// (https://hl7.org/fhir/smart-app-launch/STU2/scopes-and-launch-context.html):
// context/Resource.cruds, such as patient/DocumentReference.rs. They belong to
// the token, so they can only narrow: what the policies deny stays denied.
//
// The three contexts narrow alike, because whose data a principal reaches comes
// from our own membership rows and never from a token. A scope that is not
// understood grants nothing: SMART 1 spellings (.read), and search parameters
// (.rs?category=...), which would be wider without the part that we ignore.

// The permissions of a scope, in the order in which it must list them.
const permissions = "cruds" // create, read, update, delete, search

const (
	mayCreate = "c"
	mayRead   = "r"
	mayUpdate = "u"
	mayDelete = "d"
	maySearch = "s"
)

// everyResource stands for all resource types.
const everyResource = "*"

// scope is one understood scope.
type scope struct {
	resource string
	may      string
}

// parseScope reads a scope; false when it grants nothing here.
func parseScope(s string) (scope, bool) {
	context, rest, ok := strings.Cut(s, "/")
	if !ok || !slices.Contains([]string{"patient", "user", "system"}, context) {
		return scope{}, false
	}
	resource, may, ok := strings.Cut(rest, ".")
	if !ok || resource == "" || may == "" {
		return scope{}, false
	}
	last := -1
	for _, c := range may {
		i := strings.IndexRune(permissions, c)
		if i <= last { // unknown, repeated, or out of order
			return scope{}, false
		}
		last = i
	}
	return scope{resource: resource, may: may}, true
}

// ScopeUnderstood reports whether a SMART scope can grant anything here. One
// that is not understood is no error in a token, which then is narrower; where
// somebody writes a scope down, it is one.
func ScopeUnderstood(scope string) bool {
	_, ok := parseScope(scope)
	return ok
}

// need is what a token must grant for an action.
type need struct {
	may string
	// resources are FHIR types of which all are needed; nil means the FHIR type
	// of the resource itself.
	resources []string
}

// fullAccess is needed for what FHIR has no interaction for: a narrowed token
// does not do it.
var fullAccess = need{may: permissions, resources: []string{everyResource}}

// fileTypes are the FHIR resources that a file becomes.
var fileTypes = []string{string(clinical.Binary), string(clinical.DocumentReference), string(clinical.Media)}

// needs maps the actions to FHIR interactions. An action that is not listed
// needs fullAccess.
var needs = map[Action]need{
	ReadPatient:     {may: mayRead},
	ListPatients:    {may: maySearch},
	RegisterPatient: {may: mayCreate},
	OpenEncounter:   {may: mayCreate},
	ReadEncounter:   {may: mayRead},

	ReadFile:      {may: mayRead},
	ListFiles:     {may: maySearch},
	DownloadFile:  {may: mayRead},
	UploadFile:    {may: mayCreate},
	UpdateFile:    {may: mayUpdate},
	SupersedeFile: {may: mayUpdate},
	RetractFile:   {may: mayDelete},
	RefileFile:    {may: mayUpdate},
	HoldFile:      {may: mayUpdate},
	ReportScan:    {may: mayUpdate},

	ReadNote:    {may: mayRead},
	ListNotes:   {may: maySearch},
	DraftNote:   {may: mayCreate},
	EditNote:    {may: mayUpdate},
	RetractNote: {may: mayDelete},
	SignNote:    {may: mayUpdate},
	AmendNote:   {may: mayCreate},

	// An upload is the creation of what it becomes.
	ReadUpload:     {may: mayCreate},
	ListUploads:    {may: mayCreate},
	ContinueUpload: {may: mayCreate},

	// A Bundle holds all of these.
	ExportBundle:   {may: mayRead, resources: append([]string{"Patient"}, fileTypes...)},
	ReadAudit:      {may: mayRead + maySearch, resources: []string{"AuditEvent"}},
	ReadProvenance: {may: mayRead, resources: []string{"Provenance"}},
}

// grants reports whether the scopes together allow may on the FHIR type. An
// unknown type ("") is granted only by those for every resource.
func grants(scopes []string, resource, may string) bool {
	for _, letter := range may {
		if !slices.ContainsFunc(scopes, func(s string) bool {
			got, ok := parseScope(s)
			return ok && (got.resource == everyResource || got.resource == resource) && strings.ContainsRune(got.may, letter)
		}) {
			return false
		}
	}
	return true
}

// inScope reports whether the token's scopes allow the action on a resource of
// the given FHIR type. No scopes at all (nil) narrow nothing.
func inScope(scopes []string, action Action, fhirType string) bool {
	if scopes == nil {
		return true
	}
	n, ok := needs[action]
	if !ok {
		n = fullAccess
	}
	resources := n.resources
	if resources == nil {
		resources = []string{fhirType}
	}
	for _, resource := range resources {
		if !grants(scopes, resource, n.may) {
			return false
		}
	}
	return true
}

// scopePredicate is inScope for a list of resources of type t.
func scopePredicate(scopes []string, action Action, t Type) Predicate {
	if inScope(scopes, action, fixedFHIRType[t]) {
		return True{}
	}
	if _, ok := find(t, "fhirType"); !ok {
		return False{}
	}
	var allowed []string
	for _, ft := range fileTypes {
		if inScope(scopes, action, ft) {
			allowed = append(allowed, ft)
		}
	}
	return oneOf("fhirType", allowed)
}

// fhirType is the FHIR type that scopes go by.
func (r Resource) fhirType() string {
	if ft, ok := fixedFHIRType[r.Type]; ok {
		return ft
	}
	return r.FHIRType
}

// fixedFHIRType is the FHIR type of everything of a type, where there is but one.
var fixedFHIRType = map[Type]string{
	Patient: "Patient", Encounter: "Encounter", Note: string(clinical.DocumentReference),
	AuditLog: "AuditEvent", Bundle: "Bundle",
}
