package fhir

import (
	"encoding/json"
	"slices"
	"strings"
)

// Summary is which elements are asked for, by the parameter _summary
// (http://hl7.org/fhir/R4/search.html#summary).
type Summary string

// The summaries. SummaryCount is of searches only: the number of matches.
const (
	SummaryTrue  Summary = "true"
	SummaryText  Summary = "text"
	SummaryData  Summary = "data"
	SummaryCount Summary = "count"
	SummaryFalse Summary = "false"
)

// Valid reports whether it is one of R4's; "" is none.
func (s Summary) Valid() bool {
	return slices.Contains([]Summary{SummaryTrue, SummaryText, SummaryData, SummaryCount, SummaryFalse}, s)
}

// subsettedTag says that elements are missing
// (http://terminology.hl7.org/CodeSystem/v3-ObservationValue).
var subsettedTag = Coding{System: "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", Code: "SUBSETTED", Display: "subsetted"}

// outline is what R4 says of a resource type's elements, as far as they are rendered.
type outline struct {
	summary   []string // marked as summary elements
	mandatory []string
	// detail is inside of summary elements and none itself: paths with dots.
	detail []string
}

var outlines = map[string]outline{
	"DocumentReference": {
		summary:   elements("masterIdentifier identifier status docStatus type category subject date author relatesTo description securityLabel content context"),
		mandatory: elements("status content"),
		detail: elements(`context.encounter context.event context.facilityType context.practiceSetting context.sourcePatientInfo context.related
			content.attachment.data`),
	},
	"Media": {
		summary: elements(`identifier basedOn partOf status type modality view subject encounter created issued operator reasonCode bodySite
			deviceName device height width frames duration content`),
		mandatory: elements("status content"),
		detail:    elements("content.data"),
	},
	"Binary":       {summary: elements("contentType securityContext"), mandatory: elements("contentType")},
	"Provenance":   {summary: elements("target recorded"), mandatory: elements("target recorded agent")},
	"AuditEvent":   {summary: elements("type subtype action recorded outcome outcomeDesc purposeOfEvent"), mandatory: elements("type recorded agent source")},
	"Patient":      {summary: elements("identifier active name telecom gender birthDate deceased address managingOrganization link")},
	"Practitioner": {summary: elements("identifier active name telecom address gender birthDate")},
	"Device":       {summary: elements("udiCarrier status safety")},
	"Organization": {summary: elements("identifier active type name partOf")},
	"Encounter": {
		summary: elements(`identifier status class type serviceType subject episodeOfCare participant appointment reasonCode reasonReference
			diagnosis`),
		mandatory: elements("status class"),
		detail:    elements("participant.period diagnosis.use diagnosis.rank"),
	},
	"CapabilityStatement": {
		summary: elements(`url version name title status experimental date publisher contact useContext jurisdiction kind instantiates imports
			software implementation fhirVersion format patchFormat implementationGuide rest messaging document`),
		mandatory: elements("status date kind fhirVersion format rest implementation"), // the last two by cpb-1 and cpb-2
		detail: elements(`rest.documentation rest.security.description rest.resource.documentation rest.resource.interaction
			rest.resource.versioning rest.resource.searchParam rest.resource.operation.documentation`),
	},
}

func elements(s string) []string { return strings.Fields(s) }

// Summarize is the resource with the elements that the summary leaves, tagged as
// SUBSETTED: those marked as summary elements, or the narrative; always those
// that are mandatory, so that it stays a resource of its type. It claims no profile,
// which asks for more. Nothing rendered
// here has a narrative, so that SummaryData is all of it.
func Summarize(res Resource, s Summary) Resource {
	if s != SummaryTrue && s != SummaryText {
		return res
	}
	return &subset{res, s}
}

// subset is a resource without some of its elements.
type subset struct {
	Resource
	of Summary
}

// MarshalJSON writes what is left.
func (s *subset) MarshalJSON() ([]byte, error) {
	whole, err := encode(s.Resource)
	if err != nil {
		return nil, err
	}
	var left map[string]json.RawMessage
	if err := json.Unmarshal(whole, &left); err != nil {
		return nil, err
	}
	resourceType, _ := s.Key()
	o := outlines[resourceType]
	for name := range left {
		if !o.keeps(name, s.of) {
			delete(left, name)
		}
	}
	if s.of == SummaryTrue {
		for _, path := range o.detail {
			if err := without(left, strings.Split(path, ".")); err != nil {
				return nil, err
			}
		}
	}
	var m Meta
	if h := s.Header(); h != nil {
		m = *h
	}
	m.Profile, m.Tag = nil, append(slices.Clone(m.Tag), subsettedTag)
	if left["meta"], err = encode(m); err != nil {
		return nil, err
	}
	return encode(left)
}

// keeps reports whether a top-level element is left.
func (o outline) keeps(name string, s Summary) bool {
	named := func(element string) bool { // created is createdDateTime or createdPeriod, too
		rest, ok := strings.CutPrefix(name, element)
		return ok && (rest == "" || choices[element] && rest[0] >= 'A' && rest[0] <= 'Z')
	}
	switch {
	case name == "resourceType", name == "id", name == "meta", name == "implicitRules", slices.ContainsFunc(o.mandatory, named):
		return true
	case s == SummaryText:
		return name == "text"
	}
	return slices.ContainsFunc(o.summary, named)
}

// choices are the elements whose name goes on with their type.
var choices = map[string]bool{"created": true, "deceased": true}

// without takes what is at the path out of the object, through lists; an object
// with nothing left in it goes, too.
func without(object map[string]json.RawMessage, path []string) error {
	inner, ok := object[path[0]]
	if len(path) == 1 || !ok {
		delete(object, path[0])
		return nil
	}
	list := inner[0] == '['
	if !list {
		inner = json.RawMessage("[" + string(inner) + "]")
	}
	var all []map[string]json.RawMessage
	if err := json.Unmarshal(inner, &all); err != nil {
		return err
	}
	for _, one := range all {
		if err := without(one, path[1:]); err != nil {
			return err
		}
	}
	all = slices.DeleteFunc(all, func(one map[string]json.RawMessage) bool { return len(one) == 0 })
	var out any = all
	switch {
	case len(all) == 0:
		delete(object, path[0])
		return nil
	case !list:
		out = all[0]
	}
	var err error
	object[path[0]], err = encode(out)
	return err
}
