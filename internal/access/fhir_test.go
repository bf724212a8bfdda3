package access_test

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/bonfiredb/bonfire/clinical"
)

// fhirGet reads a path of the facade as a principal.
func (w *world) fhirGet(p principal, path string, header ...string) answer {
	w.Helper()
	return w.send(http.MethodGet, "/fhir/R4/"+path, "", append([]string{"Authorization", "Bearer " + p.token}, header...)...)
}

// reading is a read of one resource; id puts a fresh one into the chart.
func reading(resource string, id func(w *world, p principal, at chart) string, header ...string) func(*world, principal, chart) answer {
	return func(w *world, p principal, at chart) answer {
		return w.fhirGet(p, resource+"/"+id(w, p, at), header...)
	}
}

func fileOf(kind string, own bool) func(w *world, p principal, at chart) string {
	return func(w *world, p principal, at chart) string { return string(w.file(p, at, kind, own)) }
}

func patientAt(_ *world, _ principal, at chart) string { return string(at.patient) }

// searching is a search of a chart with one resource of the sort in it; what is not found is
// nothing, whether it is hidden or missing.
func searching(resource string, put func(w *world, p principal, at chart) string) func(*world, principal, chart) answer {
	return func(w *world, p principal, at chart) answer {
		id := put(w, p, at)
		return w.fhirGet(p, resource+"?"+url.Values{"patient": {string(at.patient)}, "_id": {id}}.Encode()).listed(`"id":"`+id+`"`, empty)
	}
}

// unseen is a search by those who see what it finds: to the others nothing is found.
func unseen(sees want) want {
	out := want{}
	for _, r := range roles {
		words := make([]string, places)
		for place := range places {
			if words[place] = (operation{want: sees}).at(r, place); words[place] == hidden {
				words[place] = empty
			}
		}
		out[r] = strings.Join(words, " ")
	}
	return out
}

func fhirReads() []operation {
	noteOf := func(w *world, p principal, at chart) string { return string(w.note(p, at, clinical.NoteSigned, false)) }
	visit := func(w *world, _ principal, at chart) string { return string(w.encounter(at)) }
	return []operation{
		{"", "GET /metadata", true, func(w *world, p principal, _ chart) answer { return w.fhirGet(p, "metadata") }, only(yes, nil)},
		{"", "GET /Patient/{id}", false, reading("Patient", patientAt), seesPatients},
		{"", "GET /Encounter/{id}", false, reading("Encounter", visit), seesPatients},
		{"", "GET /DocumentReference/{id}: intake form", false, reading("DocumentReference", fileOf("intake-form", false)), seesForm},
		{"", "GET /DocumentReference/{id}: note", false, reading("DocumentReference", noteOf), seesNotes},
		{"", "GET /Media/{id}: wound photo", false, reading("Media", fileOf("wound-photo", false)), seesPhoto},
		{"", "GET /Media/{id}: recording", false, reading("Media", fileOf("session-audio", false)), seesRecording},
		{"", "GET /Media/{id}/_history/1: wound photo", false, func(w *world, p principal, at chart) answer {
			return w.fhirGet(p, "Media/"+string(w.file(p, at, "wound-photo", false))+"/_history/1")
		}, seesPhoto},
		{"", "GET /Binary/{id} as FHIR: wound photo", false, reading("Binary", fileOf("wound-photo", false), "Accept", "application/fhir+json"), seesPhoto},
		{"", "GET /Binary/{id}, the bytes: intake form", false, reading("Binary", fileOf("intake-form", false), "Accept", "*/*"),
			changes(seesForm, want{"clerk": "yes yes", "pipeline": "yes yes"})},
		{"", "GET /Binary/{id}, the bytes: recording", false, reading("Binary", fileOf("session-audio", false), "Accept", "*/*"),
			changes(seesRecording, want{"pipeline": "yes yes", "scribe": "yes hidden"})},
		{"", "GET /Provenance/{id}: of a wound photo", false, reading("Provenance", provenanceOf("wound-photo")), seesPhoto},
		{"", "GET /Provenance/{id}: of a recording", false, reading("Provenance", provenanceOf("session-audio")), seesRecording},
		{"", "GET /AuditEvent/{id}", false, reading("AuditEvent", eventAbout), seesEvents},
		{"", "GET /Practitioner/{id}", false, reading("Practitioner", memberOf(clinical.User)), ofTheClinic},
		{"", "GET /Device/{id}", false, reading("Device", memberOf(clinical.Device)), ofTheClinic},
		{"", "GET /Organization/{id}", false, reading("Organization", clinicOf), ofTheClinic},
		{"", "GET /Patient/{id}/$everything", false, func(w *world, p principal, at chart) answer {
			return w.fhirGet(p, "Patient/"+string(at.patient)+"/$everything")
		}, changes(seesPatients, nil)},
	}
}

func fhirSearches() []operation {
	noteIn := func(w *world, p principal, at chart) string { return string(w.note(p, at, clinical.NoteSigned, false)) }
	return []operation{
		{"", "GET /DocumentReference?patient=: intake form", false, searching("DocumentReference", fileOf("intake-form", false)), unseen(seesForm)},
		{"", "GET /DocumentReference?patient=: note", false, searching("DocumentReference", noteIn), unseen(seesNotes)},
		{"", "GET /Media?patient=: wound photo", false, searching("Media", fileOf("wound-photo", false)), unseen(seesPhoto)},
		{"", "GET /Media?patient=: recording", false, searching("Media", fileOf("session-audio", false)), unseen(seesRecording)},
		{"", "GET /Media?_id=: recording", false, finding("Media", fileOf("session-audio", false)), unseen(seesRecording)},
		{"", "GET /DocumentReference?_id=: intake form", false, finding("DocumentReference", fileOf("intake-form", false)), unseen(seesForm)},
		{"", "GET /DocumentReference?encounter=, of a visit with nothing in it", false, func(w *world, p principal, at chart) answer {
			return w.fhirGet(p, "DocumentReference?encounter="+string(w.encounter(at))).listed(`"entry"`, empty)
		}, only(empty, nil)},
		{"", "GET /Provenance?patient=: of a recording", false, searching("Provenance", provenanceOf("session-audio")), unseen(seesRecording)},
		{"", "GET /Provenance?target=: of a wound photo", false, func(w *world, p principal, at chart) answer {
			target := string(w.file(p, at, "wound-photo", false))
			id := w.provenance(at, target)
			return w.fhirGet(p, "Provenance?target="+target).listed(`"id":"`+id+`"`, empty)
		}, unseen(seesPhoto)},
		{"", "GET /AuditEvent?_id=", false, finding("AuditEvent", eventAbout), unseen(seesEvents)},
		{"", "GET /AuditEvent?patient=", false, func(w *world, p principal, at chart) answer {
			id := eventAbout(w, p, at)
			return w.fhirGet(p, "AuditEvent?patient="+string(at.patient)).listed(`"id":"`+id+`"`, empty)
		}, only(no, want{"auditor": "yes yes nothing nothing"})},
	}
}
