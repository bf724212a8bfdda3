package fhir

import "github.com/bonfiredb/bonfire/clinical"

// What clinical.AuditEvent.Subtype may hold beside a RESTful interaction
// (http://hl7.org/fhir/R4/valueset-type-restful-interaction.html). An event
// with any other subtype takes its shape from its action.
const (
	// SubtypeDisclose is a signed URL or gated fetch: bytes may leave the house.
	SubtypeDisclose = "disclose"
	// SubtypeExport is a Bundle.
	SubtypeExport = "export"
	// SubtypeBreakGlass is an emergency override of the care panel.
	SubtypeBreakGlass = "break-glass"
)

// Keys of clinical.AuditEvent.Detail which say where the request came from;
// they are rendered on the client agent and not among the details.
const (
	// DetailClient is the id of the application, as its token names it.
	DetailClient = "client"
	// DetailClientAddress is the IP address the connection came from.
	DetailClientAddress = "clientAddress"
)

const (
	balp         = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
	interactions = "http://hl7.org/fhir/restful-interaction"
	// searching is the profile of a search, whose object is the query.
	searching = "Query"
)

// auditShape is the form which an event takes after BALP: its codes, which way
// the data flowed, and the profile it then meets.
type auditShape struct {
	kind, subtype Coding
	// profile is the name of the BALP profile without a patient; "" when there is none.
	profile string
	// user is the part of the one who asked.
	user Coding
	// outward: the data went to the client (read, disclosure); the server is
	// then the source. A search counts as inward: its query went to the server.
	outward        bool
	purposeOfEvent bool
}

var (
	restful   = Coding{System: "http://terminology.hl7.org/CodeSystem/audit-event-type", Code: "rest", Display: "RESTful Operation"}
	exporting = Coding{System: dicom, Code: "110106", Display: "Export"}
	alert     = Coding{System: dicom, Code: "110113", Display: "Security Alert"}
	override  = Coding{System: dicom, Code: "110127", Display: "Emergency Override Started"}

	originator = Coding{System: participation, Code: "AUT", Display: "author (originator)"}
	recipient  = Coding{System: participation, Code: "IRCP", Display: "information recipient"}
	inName     = Coding{System: participation, Code: "RESP", Display: "responsible party"}

	sourceRole      = Coding{System: dicom, Code: "110153", Display: "Source Role ID"}
	destinationRole = Coding{System: dicom, Code: "110152", Display: "Destination Role ID"}
)

// shapeOf chooses the form by the subtype, or by the action where the subtype
// is no RESTful interaction.
func shapeOf(e clinical.AuditEvent) auditShape {
	switch e.Subtype {
	case SubtypeDisclose:
		disclose := Coding{System: lifecycle, Code: "disclose", Display: "Disclose Record Lifecycle Event"}
		return auditShape{exporting, disclose, "PrivacyDisclosure.Source", recipient, true, true}
	case SubtypeExport:
		extract := Coding{System: lifecycle, Code: "extract", Display: "Extract Record Lifecycle Event"}
		return auditShape{exporting, extract, "", recipient, true, true}
	case SubtypeBreakGlass:
		return auditShape{alert, override, "", recipient, false, true}
	}
	return restShape(interaction(e))
}

// interaction is the RESTful interaction the event comes nearest to.
func interaction(e clinical.AuditEvent) string {
	switch e.Subtype {
	case "read", "vread", "update", "patch", "delete", "create", "search", "search-type", "search-system",
		"history", "history-instance", "history-type", "history-system", "operation", "capabilities":
		return e.Subtype
	}
	switch e.Action {
	case clinical.AuditCreate:
		return "create"
	case clinical.AuditRead:
		return "read"
	case clinical.AuditUpdate:
		return "update"
	case clinical.AuditDelete:
		return "delete"
	}
	if e.Query != "" {
		return "search-type"
	}
	return "operation"
}

// restShape is the form of a RESTful interaction. A retraction has none of
// BALP's profiles: its Delete is of a record whose id is no longer valid, and a
// retracted one stays readable as entered-in-error.
func restShape(name string) auditShape {
	s := auditShape{kind: restful, subtype: Coding{System: interactions, Code: name, Display: name}, user: recipient}
	switch name {
	case "create":
		s.profile, s.user = "Create", originator
	case "update", "patch":
		s.profile, s.user = "Update", originator
	case "delete":
		s.user = originator
	case "read", "vread":
		s.profile, s.outward = "Read", true
	case "history", "history-instance", "history-type", "history-system", "capabilities":
		s.outward = true
	case "search", "search-type", "search-system":
		s.profile = searching
	}
	return s
}

// profileFor is the profile's name for an event about a patient or about none.
func (s auditShape) profileFor(e clinical.AuditEvent) string {
	if s.kind == restful && e.Patient != "" {
		return "Patient" + s.profile
	}
	return s.profile
}

// balpProfiles are the profiles an AuditEvent may name.
func balpProfiles() []string {
	var out []string
	for _, name := range []string{
		"Create", "PatientCreate", "Read", "PatientRead", "Update", "PatientUpdate", searching, "PatientQuery",
		"PrivacyDisclosure.Source",
	} {
		out = append(out, balp+name)
	}
	return out
}
