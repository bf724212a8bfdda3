package access_test

import (
	"strings"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
)

// operation is one thing that can be asked of the program.
type operation struct {
	// field is the root field of the API; "" for another edge.
	field string
	// name is what the document calls it.
	name string
	// everywhere: it is about no chart in particular.
	everywhere bool
	// try does it as a principal, with a thing in the chart that is fresh, so that
	// what one attempt does is no matter to the next.
	try func(w *world, p principal, at chart) answer
	// want is what the table of the design says for each role: in order on the
	// panel, off the panel, in the other clinic, and where there is nothing; two
	// words leave the last two "hidden", one word stands for all.
	want want
}

type want map[string]string

// roles are the columns of the table. The three clinicians of the demo are in
// the same position, each in their own charts.
var roles = []string{"clinician", "clerk", "auditor", "admin", "pipeline", "scribe", "recorder"}

func roleOf(name string) string {
	if name == "colleague" || name == "outsider" {
		return "clinician"
	}
	return name
}

// only is the same for all roles but those named.
func only(other string, as want) want {
	out := want{}
	for _, r := range roles {
		out[r] = other
	}
	for r, word := range as {
		out[r] = word
	}
	return out
}

// at is what is expected in a place.
func (o operation) at(role string, place int) string {
	words := strings.Fields(o.want[role])
	switch {
	case len(words) == 1:
		return words[0]
	case place < len(words):
		return words[place]
	}
	return hidden
}

// query makes an attempt of a GraphQL operation.
func query(text string, vars func(w *world, p principal, at chart) map[string]any) func(*world, principal, chart) answer {
	return func(w *world, p principal, at chart) answer { return w.ask(p, text, vars(w, p, at)) }
}

type vars = map[string]any

func ofPatient(_ *world, _ principal, at chart) vars { return vars{"id": at.patient} }

func ofNothing(*world, principal, chart) vars { return nil }

// filed gives a fresh file of a kind, the nurse's or one's own.
func filed(kind string, own bool) func(w *world, p principal, at chart) vars {
	return func(w *world, p principal, at chart) vars { return vars{"id": w.file(p, at, kind, own)} }
}

func uploading(own bool) func(w *world, p principal, at chart) vars {
	return func(w *world, p principal, at chart) vars { return vars{"id": w.upload(p, at, own)} }
}

func noted(status clinical.NoteStatus, own bool) func(w *world, p principal, at chart) vars {
	return func(w *world, p principal, at chart) vars { return vars{"id": w.note(p, at, status, own)} }
}

// group is a part of the document.
type group struct {
	title      string
	operations []operation
}

// matrix is every operation of every edge.
func matrix() []group {
	return []group{
		{"Who am I", viewerOperations()}, {"Charts", chartOperations()}, {"Files", fileOperations()}, {"Changing files", fileChanges()},
		{"Uploads", uploadOperations()}, {"Links", linkOperations()}, {"Notes", noteOperations()}, {"Export and audit", evidenceOperations()},
		{"Administration", administration()}, {"Subscriptions", subscriptions()}, {"tus and links over HTTP", httpOperations()},
		{"FHIR reads", fhirReads()}, {"FHIR searches", fhirSearches()},
	}
}

func viewerOperations() []operation {
	return []operation{
		{"viewer", "viewer", true, query(`{ viewer { id } }`, ofNothing), only(yes, nil)},
		{"kinds", "kinds", true, query(`{ kinds { code } }`, ofNothing), only(yes, nil)},
	}
}

// seesPatients is who knows of a patient.
var seesPatients = want{
	"clinician": "yes hidden", "clerk": "yes yes", "auditor": "yes yes", "admin": "yes yes", "pipeline": hidden, "scribe": "yes hidden", "recorder": "yes hidden",
}

func chartOperations() []operation {
	return []operation{
		{"patient", "patient", false, query(`query($id: ID!) { patient(id: $id) { id } }`, ofPatient), seesPatients},
		{"node", "node of a patient", false, query(`query($id: ID!) { node(id: $id) { id } }`, ofPatient), seesPatients},
		{"patients", "patients lists them", false, func(w *world, p principal, at chart) answer {
			return w.ask(p, `{ patients(first: 100) { nodes { id } } }`, nil).listed(string(at.patient), hidden)
		}, seesPatients},
		{"node", "node of a visit", false, query(`query($id: ID!) { node(id: $id) { id } }`,
			func(w *world, _ principal, at chart) vars { return vars{"id": w.encounter(at)} }), seesPatients},
		{"registerPatient", "registerPatient", true, query(`mutation { registerPatient(input: {displayName: "New"}) { patient { id } } }`, ofNothing),
			only(no, want{"clinician": yes, "clerk": yes, "admin": yes})},
		{"openEncounter", "openEncounter", false, query(`mutation($id: ID!) { openEncounter(input: {patientId: $id}) { encounter { id } } }`, ofPatient), want{
			"clinician": "yes hidden", "clerk": "yes yes", "auditor": "no no", "admin": "yes yes", "pipeline": hidden, "scribe": "no hidden", "recorder": "no hidden",
		}},
		{"breakGlass", "breakGlass", false, query(`mutation($id: ID!) { breakGlass(input: {patientId: $id, reason: "collapsed in the waiting room"}) { grantId } }`, ofPatient), want{
			"clinician": "yes yes", "clerk": "no no", "auditor": "no no", "admin": "no no", "pipeline": hidden, "scribe": "no hidden", "recorder": "no hidden",
		}},
	}
}

// Who sees a file that somebody else uploaded, by its kind; and one of their own.
var (
	seesForm      = want{"clinician": "yes hidden", "clerk": "yes yes", "auditor": hidden, "admin": "yes yes", "pipeline": "yes yes", "scribe": hidden, "recorder": hidden}
	seesPhoto     = want{"clinician": "yes hidden", "clerk": hidden, "auditor": hidden, "admin": "yes yes", "pipeline": "yes yes", "scribe": hidden, "recorder": hidden}
	seesRecording = want{"clinician": "yes hidden", "clerk": hidden, "auditor": hidden, "admin": "yes yes", "pipeline": "yes yes", "scribe": "yes hidden", "recorder": hidden}
	seesOwn       = want{"clinician": "yes hidden", "clerk": hidden, "auditor": hidden, "admin": "yes yes", "pipeline": "yes yes", "scribe": "yes hidden", "recorder": "yes yes"}
)

// lists is what a list of a chart's files shows to those who see the chart at all.
func lists(sees want, chart want) want {
	out := want{}
	for _, r := range roles {
		o, c := operation{want: sees}, operation{want: chart}
		words := make([]string, places)
		for place := range places {
			words[place] = o.at(r, place)
			if words[place] == hidden && c.at(r, place) == yes {
				words[place] = empty
			}
		}
		out[r] = strings.Join(words, " ")
	}
	return out
}

// listing asks for a list of a chart's files with one of a kind among them.
func listing(kind string, own bool) func(w *world, p principal, at chart) answer {
	return func(w *world, p principal, at chart) answer {
		id := w.file(p, at, kind, own)
		return w.ask(p, `query($id: ID!, $kind: String!) { files(patientId: $id, first: 100, filter: {kinds: [$kind]}) { nodes { id } } }`,
			vars{"id": at.patient, "kind": kind}).listed(string(id), empty)
	}
}

func fileOperations() []operation {
	const file, node = `query($id: ID!) { file(id: $id) { id } }`, `query($id: ID!) { node(id: $id) { id } }`
	// The lists come first: what the recorder uploads below stands in them, too.
	return []operation{
		{"files", "files lists intake forms", false, listing("intake-form", false), lists(seesForm, seesPatients)},
		{"files", "files lists wound photos", false, listing("wound-photo", false), lists(seesPhoto, seesPatients)},
		{"files", "files lists recordings", false, listing("session-audio", false), lists(seesRecording, seesPatients)},
		{"files", "files lists one's own recordings", false, listing("session-audio", true), lists(seesOwn, seesPatients)},
		{"file", "file: intake form", false, query(file, filed("intake-form", false)), seesForm},
		{"file", "file: wound photo", false, query(file, filed("wound-photo", false)), seesPhoto},
		{"file", "file: recording", false, query(file, filed("session-audio", false)), seesRecording},
		{"file", "file: one's own recording", false, query(file, filed("session-audio", true)), seesOwn},
		{"node", "node of a wound photo", false, query(node, filed("wound-photo", false)), seesPhoto},
		{"file", "where a recording comes from", false, query(`query($id: ID!) { file(id: $id) { provenance { id } } }`, filed("session-audio", false)), seesRecording},
	}
}

// changes is what a change of files is to those who see them: the clinicians
// may, and beside them those named; the others are refused.
func changes(sees want, may want) want {
	out := want{}
	for r, word := range sees {
		out[r] = strings.ReplaceAll(word, yes, no)
	}
	out["clinician"] = "yes hidden"
	for r, word := range may {
		out[r] = word
	}
	return out
}

func fileChanges() []operation {
	const (
		update    = `mutation($id: ID!) { updateFile(input: {fileId: $id, expectedVersion: 1, title: "New"}) { file { id } } }`
		retract   = `mutation($id: ID!) { retractFile(input: {fileId: $id, expectedVersion: 1, reason: "not this patient"}) { file { id } } }`
		supersede = `mutation($id: ID!, $by: ID!) { supersedeFile(input: {fileId: $id, byFileId: $by, expectedVersion: 1}) { file { id } } }`
		refile    = `mutation($id: ID!, $to: ID!) { refileFile(input: {fileId: $id, toPatientId: $to, reason: "the wrong chart", expectedVersion: 1}) { file { id } } }`
		hold      = `mutation($id: ID!) { setLegalHold(input: {fileId: $id, hold: true, reason: "a claim"}) { file { id } } }`
		scan      = `mutation($id: ID!) { reportScan(input: {fileId: $id, status: CLEAN, engine: "scanner 1"}) { file { id } } }`
	)
	superseding := func(kind string, own bool) func(w *world, p principal, at chart) vars {
		return func(w *world, p principal, at chart) vars {
			return vars{"id": w.file(p, at, kind, own), "by": w.file(p, at, kind, own)}
		}
	}
	moving := func(kind string) func(w *world, p principal, at chart) vars {
		return func(w *world, p principal, at chart) vars {
			return vars{"id": w.file(p, at, kind, false), "to": second(p.Name)}
		}
	}
	ownForm := want{"clerk": "yes yes", "recorder": "no no"}
	return []operation{
		{"updateFile", "updateFile: intake form", false, query(update, filed("intake-form", false)), changes(seesForm, nil)},
		{"updateFile", "updateFile: one's own intake form", false, query(update, filed("intake-form", true)), changes(seesForm, ownForm)},
		{"updateFile", "updateFile: recording", false, query(update, filed("session-audio", false)), changes(seesRecording, nil)},
		{"supersedeFile", "supersedeFile: intake form", false, query(supersede, superseding("intake-form", false)), changes(seesForm, nil)},
		{"supersedeFile", "supersedeFile: one's own intake form", false, query(supersede, superseding("intake-form", true)), changes(seesForm, ownForm)},
		{"retractFile", "retractFile: intake form", false, query(retract, filed("intake-form", false)), changes(seesForm, nil)},
		{"retractFile", "retractFile: one's own intake form", false, query(retract, filed("intake-form", true)), changes(seesForm, ownForm)},
		{"retractFile", "retractFile: recording", false, query(retract, filed("session-audio", false)), changes(seesRecording, nil)},
		{"refileFile", "refileFile: intake form", false, query(refile, moving("intake-form")), changes(seesForm, want{"clerk": "yes yes"})},
		{"refileFile", "refileFile: wound photo", false, query(refile, moving("wound-photo")), changes(seesPhoto, nil)},
		{"setLegalHold", "setLegalHold: wound photo", false, query(hold, filed("wound-photo", false)), changes(seesPhoto, want{"clinician": "no hidden", "admin": "yes yes"})},
		{"reportScan", "reportScan: wound photo", false, query(scan, filed("wound-photo", false)), changes(seesPhoto, want{"clinician": "no hidden", "pipeline": "yes yes"})},
	}
}

// uploads is who may upload a kind: those who may, and for the others whether
// they know of the patient.
func uploads(may want) want {
	out := changes(seesPatients, may)
	return out
}

func creating(kind, contentType string) func(w *world, p principal, at chart) answer {
	return query(`mutation($id: ID!, $kind: String!, $type: String!) { createUpload(input: {patientId: $id, kind: $kind, contentType: $type, size: 5}) { upload { id } } }`,
		func(_ *world, _ principal, at chart) vars {
			return vars{"id": at.patient, "kind": kind, "type": contentType}
		})
}

// Who creates uploads, by kind.
var (
	uploadsForm      = uploads(want{"clerk": "yes yes"})
	uploadsPhoto     = uploads(nil)
	uploadsRecording = uploads(want{"scribe": "yes hidden", "recorder": "yes hidden"})
	// Everybody goes on with their own, wherever, and nobody with another's.
	ownUploads    = only("yes yes", nil)
	othersUploads = only(hidden, nil)
)

func uploadOperations() []operation {
	const (
		read   = `query($id: ID!) { upload(id: $id) { id } }`
		finish = `mutation($id: ID!) { finishUpload(input: {uploadId: $id}) { problems { __typename } } }`
		cancel = `mutation($id: ID!) { cancelUpload(input: {uploadId: $id}) { upload { id } } }`
	)
	return []operation{
		{"createUpload", "createUpload: intake form", false, creating("intake-form", "application/pdf"), uploadsForm},
		{"createUpload", "createUpload: wound photo", false, creating("wound-photo", "image/png"), uploadsPhoto},
		{"createUpload", "createUpload: recording", false, creating("session-audio", "audio/webm"), uploadsRecording},
		{"upload", "upload: one's own", false, query(read, uploading(true)), ownUploads},
		{"upload", "upload: another's", false, query(read, uploading(false)), othersUploads},
		{"node", "node of another's upload", false, query(`query($id: ID!) { node(id: $id) { id } }`, uploading(false)), othersUploads},
		{"uploads", "uploads lists another's", false, func(w *world, p principal, at chart) answer {
			id := w.upload(p, at, false)
			return w.ask(p, `query($id: ID!) { uploads(first: 100, patientId: $id) { nodes { id } } }`, vars{"id": at.patient}).listed(string(id), empty)
		}, only(empty, nil)},
		{"finishUpload", "finishUpload: one's own", false, query(finish, uploading(true)), ownUploads},
		{"finishUpload", "finishUpload: another's", false, query(finish, uploading(false)), othersUploads},
		{"cancelUpload", "cancelUpload: one's own", false, query(cancel, uploading(true)), ownUploads},
		{"cancelUpload", "cancelUpload: another's", false, query(cancel, uploading(false)), othersUploads},
	}
}

func linkOperations() []operation {
	const signed, revoke = `mutation($id: ID!) { signedUrl(documentId: $id) { linkId } }`, `mutation($id: ID!) { revokeLinks(input: {linkId: $id, reason: "sent astray"}) { revoked } }`
	revoking := func(own bool) func(w *world, p principal, at chart) answer {
		return func(w *world, p principal, at chart) answer {
			return w.ask(p, revoke, vars{"id": w.link(p, at, own)}).listed(`"revoked":1`, empty)
		}
	}
	return []operation{
		{"signedUrl", "signedUrl: intake form", false, query(signed, filed("intake-form", false)), changes(seesForm, want{"clerk": "yes yes", "pipeline": "yes yes"})},
		{"signedUrl", "signedUrl: wound photo", false, query(signed, filed("wound-photo", false)), changes(seesPhoto, want{"pipeline": "yes yes"})},
		{"signedUrl", "signedUrl: recording", false, query(signed, filed("session-audio", false)), changes(seesRecording, want{"pipeline": "yes yes", "scribe": "yes hidden"})},
		{"signedUrl", "signedUrl: one's own recording", false, query(signed, filed("session-audio", true)), changes(seesOwn, want{"pipeline": "yes yes", "scribe": "yes hidden"})},
		{"revokeLinks", "revokeLinks: one's own", false, revoking(true), only("yes yes nothing nothing", nil)},
		{"revokeLinks", "revokeLinks: another's", false, revoking(false), only(empty, want{"admin": "yes yes nothing nothing"})},
	}
}

// seesNotes is who reads notes.
var seesNotes = only(hidden, want{"clinician": "yes hidden", "scribe": "yes hidden"})

func noteOperations() []operation {
	const (
		note    = `query($id: ID!) { note(id: $id) { id } }`
		create  = `mutation($id: ID!) { createNote(input: {patientId: $id, draft: "S: better"}) { note { id } } }`
		edit    = `mutation($id: ID!) { updateNoteDraft(input: {noteId: $id, expectedVersion: 1, draft: "S: worse"}) { note { id } } }`
		sign    = `mutation($id: ID!) { signNote(input: {noteId: $id, expectedVersion: 1}) { note { id } } }`
		amend   = `mutation($id: ID!) { amendNote(input: {noteId: $id, draft: "S: the other knee", reason: "the wrong side"}) { note { id } } }`
		signed  = `mutation($id: ID!) { signedUrl(documentId: $id) { linkId } }`
		retract = `mutation($id: ID!) { retractNote(input: {noteId: $id, expectedVersion: 1, reason: "not this patient"}) { note { id } } }`
	)
	clinicians := changes(seesNotes, nil)
	ownDraft := changes(seesNotes, want{"scribe": "yes hidden"})
	return []operation{
		{"note", "note", false, query(note, noted(clinical.NoteDraft, false)), seesNotes},
		{"node", "node of a note", false, query(`query($id: ID!) { node(id: $id) { id } }`, noted(clinical.NoteSigned, false)), seesNotes},
		{"notes", "notes lists them", false, func(w *world, p principal, at chart) answer {
			id := w.note(p, at, clinical.NoteDraft, false)
			return w.ask(p, `query($id: ID!) { notes(patientId: $id, first: 100) { nodes { id } } }`, vars{"id": at.patient}).listed(string(id), empty)
		}, lists(seesNotes, seesPatients)},
		{"createNote", "createNote", false, query(create, ofPatient), changes(seesPatients, want{"scribe": "yes hidden"})},
		{"signedUrl", "signedUrl: note", false, query(signed, noted(clinical.NoteDraft, false)), seesNotes},
		{"updateNoteDraft", "updateNoteDraft: another's", false, query(edit, noted(clinical.NoteDraft, false)), clinicians},
		{"updateNoteDraft", "updateNoteDraft: one's own", false, query(edit, noted(clinical.NoteDraft, true)), ownDraft},
		{"retractNote", "retractNote: another's draft", false, query(retract, noted(clinical.NoteDraft, false)), clinicians},
		{"retractNote", "retractNote: one's own draft", false, query(retract, noted(clinical.NoteDraft, true)), ownDraft},
		{"signNote", "signNote", false, query(sign, noted(clinical.NoteDraft, false)), clinicians},
		{"signNote", "signNote: one's own draft", false, query(sign, noted(clinical.NoteDraft, true)), clinicians},
		{"amendNote", "amendNote", false, query(amend, noted(clinical.NoteSigned, false)), clinicians},
	}
}

func evidenceOperations() []operation {
	audited := only("no no no no", want{"auditor": "yes yes"})
	return []operation{
		{"bundle", "bundle", false, query(`query($id: ID!) { bundle(patientId: $id) { auditEventId } }`, ofPatient), changes(seesPatients, nil)},
		{"auditEvents", "auditEvents of a patient", false, query(`query($id: ID!) { auditEvents(filter: {patientId: $id}, first: 1) { nodes { id } } }`, ofPatient),
			only("no no no no", want{"auditor": "yes yes yes yes"})},
		{"fileAccessReport", "fileAccessReport", false, query(`query($id: ID!) { fileAccessReport(patientId: $id, first: 1) { nodes { id } } }`, ofPatient), audited},
		{"explainAccess", "explainAccess", false, func(w *world, p principal, at chart) answer {
			return w.ask(p, `query($who: ID!, $id: ID!) { explainAccess(actorId: $who, action: READ, resource: FILE, id: $id) { allowed } }`,
				vars{"who": p.Actor.ID, "id": w.file(p, at, "wound-photo", false)})
		}, only("no no no no", want{"admin": "yes yes"})},
	}
}

// soon is when grants end, in the API's own form.
func soon() string { return time.Now().Add(time.Hour).UTC().Format(time.RFC3339) }
