package policy

import "slices"

// Action is one thing that a person or a program asks to do, at the grain of
// the verbs of package records. Its text is the id of the Cedar action.
type Action string

// The actions. schema.cedarschema says which type of resource each is asked of.
const (
	// ReadPatient looks at one patient, ListPatients at those there are.
	ReadPatient  Action = "readPatient"
	ListPatients Action = "listPatients"
	// RegisterPatient adds a patient, OpenEncounter a visit of one.
	RegisterPatient Action = "registerPatient"
	OpenEncounter   Action = "openEncounter"
	ReadEncounter   Action = "readEncounter"

	// ReadFile and ListFiles are about what is known of files, DownloadFile about their bytes.
	ReadFile     Action = "readFile"
	ListFiles    Action = "listFiles"
	DownloadFile Action = "downloadFile"
	// UploadFile is asked of the file as it will be: when the upload begins and again when it ends.
	UploadFile Action = "uploadFile"
	// UpdateFile changes what is known of a file. Where it changes the kind, ask it of the file as it is and as it will be.
	UpdateFile    Action = "updateFile"
	SupersedeFile Action = "supersedeFile"
	RetractFile   Action = "retractFile"
	// RefileFile moves a file to another chart: ask it of the file where it is and, with the other patient, where it will be.
	RefileFile Action = "refileFile"
	HoldFile   Action = "holdFile"
	ReportScan Action = "reportScan"

	ReadNote  Action = "readNote"
	ListNotes Action = "listNotes"
	// DraftNote is asked of the note as it will be; its sources are asked for on their own.
	DraftNote   Action = "draftNote"
	EditNote    Action = "editNote"
	RetractNote Action = "retractNote"
	SignNote    Action = "signNote"
	AmendNote   Action = "amendNote"

	ReadUpload  Action = "readUpload"
	ListUploads Action = "listUploads"
	// ContinueUpload sends further bytes of an upload, finishes or cancels it.
	ContinueUpload Action = "continueUpload"

	ExportBundle Action = "exportBundle"
	// ReadAudit covers the audit events and the accounting of disclosures.
	ReadAudit Action = "readAudit"
	// ReadProvenance is asked of the file or note whose origin is told.
	ReadProvenance Action = "readProvenance"

	ReadLink Action = "readLink"
	// RevokeLink ends one link, RevokeLinks any link of the clinic.
	RevokeLink  Action = "revokeLink"
	RevokeLinks Action = "revokeLinks"

	ExplainAccess Action = "explainAccess"
	// Administer covers keys, memberships, webhooks and the review queue.
	Administer Action = "administer"
	// CarryCharts takes whole charts out of the clinic's record, bytes and drafts
	// included, and restores or adopts them.
	CarryCharts Action = "carryCharts"
	// BreakGlass opens the chart of a patient outside the panel.
	BreakGlass Action = "breakGlass"
)

// Actions lists every action of the schema, sorted.
func Actions() []Action {
	out := make([]Action, 0, len(vocabulary().actions))
	for a := range vocabulary().actions {
		out = append(out, a)
	}
	slices.Sort(out)
	return out
}

// Types lists the types of resource that the action is asked of, sorted; nil
// for an action that the schema does not know.
func (a Action) Types() []Type { return slices.Clone(vocabulary().actions[a].types) }

// Listed reports whether Filter answers for the action, too. The policies of
// such an action must be translatable to a Predicate.
func (a Action) Listed() bool { return vocabulary().actions[a].listed }

// appliesTo reports whether the action is asked of resources of type t.
func (a Action) appliesTo(t Type) bool { return slices.Contains(vocabulary().actions[a].types, t) }
