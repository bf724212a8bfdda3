package fhir

import "github.com/bonfiredb/bonfire/clinical"

// Code systems and profiles of others which are emitted.
const (
	loinc            = "http://loinc.org"
	dicom            = "http://dicom.nema.org/resources/ontology/DCM"
	lifecycle        = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle"
	dataOperation    = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"
	completion       = "http://terminology.hl7.org/CodeSystem/v3-DocumentCompletion"
	confidentiality  = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
	participation    = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
	actReason        = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
	nullFlavor       = "http://terminology.hl7.org/CodeSystem/v3-NullFlavor"
	v2Diagnostic     = "http://terminology.hl7.org/CodeSystem/v2-0074"
	mediaTypes       = "http://terminology.hl7.org/CodeSystem/media-type"
	provenanceRole   = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
	usCoreCategory   = "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category"
	usCoreProvenance = "http://hl7.org/fhir/us/core/CodeSystem/us-core-provenance-participant-type"
	usCoreDocument   = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-documentreference"
	dataAbsent       = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
	uri              = "urn:ietf:rfc:3986"
)

// unknown is what stands where a code is required and the record does not say.
var unknown = Coding{System: nullFlavor, Code: "UNK", Display: "unknown"}

// mimeSufficient says that the content type tells all there is to know of the
// format. (urn:ihe:iti:xds-sd:pdf:2008 would promise a CDA wrapper.)
var mimeSufficient = Coding{
	System:  "http://ihe.net/fhir/ihe.formatcode.fhir/CodeSystem/formatcode",
	Code:    "urn:ihe:iti:xds:2017:mimeTypeSufficient",
	Display: "mimeType Sufficient",
}

// clinicalNote is the only code of US Core's category slice.
var clinicalNote = Coding{System: usCoreCategory, Code: "clinical-note", Display: "Clinical Note"}

// category is one of the shipped categories: its words and, where one exists,
// the code others know it by.
type category struct {
	display  string
	standard Coding
}

var categories = map[string]category{
	"administrative": {display: "Administrative"},
	"clinical-note":  {display: "Clinical note", standard: clinicalNote},
	"laboratory":     {display: "Laboratory", standard: Coding{System: v2Diagnostic, Code: "LAB", Display: "Laboratory"}},
	"media":          {display: "Media"},
	"raw":            {display: "Raw"},
}

var purposes = map[clinical.PurposeOfUse]string{
	clinical.Treatment:      "treatment",
	clinical.Payment:        "healthcare payment",
	clinical.Operations:     "healthcare operations",
	clinical.PatientRequest: "patient requested",
	clinical.EmergencyTreat: "Emergency Treatment",
	clinical.BreakTheGlass:  "break the glass",
	clinical.Research:       "healthcare research",
}

// purpose is the coding of a purpose of use; without a code when there is none.
func purpose(p clinical.PurposeOfUse) Coding {
	return Coding{System: actReason, Code: code(string(p)), Display: purposes[p]}
}

// confidential is the coding of a level of confidentiality.
func confidential(c clinical.Confidentiality) Coding {
	display := map[string]string{"N": "normal", "R": "restricted", "V": "very restricted"}
	return Coding{System: confidentiality, Code: c.Code(), Display: display[c.Code()]}
}

// coding is a noun's coding; without a code when there is none.
func coding(c *clinical.Coding) Coding {
	if c == nil {
		return Coding{}
	}
	return Coding{System: text(c.System), Code: code(c.Code), Display: text(c.Display)}
}
