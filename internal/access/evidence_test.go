package access_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/fhir"
	"github.com/bonfiredb/bonfire/store"
)

// seesEvents is who reads an event of the trail: to the others there is none.
var seesEvents = only(hidden, want{"auditor": "yes yes"})

// ofTheClinic is shown to everybody of the clinic, and to nobody else: what
// the clinic and its people are called.
var ofTheClinic = only("yes yes", nil)

// provenanceOf puts a file into the chart, and gives the id of where it comes from.
func provenanceOf(kind string) func(w *world, p principal, at chart) string {
	return func(w *world, p principal, at chart) string {
		return w.provenance(at, string(w.file(p, at, kind, false)))
	}
}

// provenance tells where a file comes from.
func (w *world) provenance(at chart, file string) string {
	w.Helper()
	id := fresh[clinical.ProvenanceID]()
	if at.exists() {
		w.in(at.tenant, func(ctx context.Context, tx *store.Tx) error {
			return tx.AppendProvenance(ctx, clinical.Provenance{
				ID: id, Tenant: at.tenant, Patient: at.patient, RecordedAt: time.Now().UTC(), Activity: clinical.ActivityUpload,
				Targets: []clinical.Ref{{Type: "Media", ID: file, Version: 1}}, Sources: []clinical.Ref{},
				Agents: []clinical.ProvenanceAgent{{Type: "author", Actor: w.nurses[at.tenant].ID, ActorKind: clinical.User}},
			})
		})
	}
	return string(id)
}

// eventAbout puts an event about the chart into the trail.
func eventAbout(w *world, _ principal, at chart) string {
	w.Helper()
	id := fresh[clinical.AuditEventID]()
	if at.exists() {
		w.in(at.tenant, func(ctx context.Context, tx *store.Tx) error {
			return tx.AppendAudit(ctx, clinical.AuditEvent{
				ID: id, Tenant: at.tenant, RecordedAt: time.Now().UTC(), Verb: "patient", Action: clinical.AuditRead, Outcome: clinical.Success,
				Rule: "clinician-sees-panel", Actor: w.nurses[at.tenant].ID, ActorKind: clinical.User, Purpose: clinical.Treatment, Patient: at.patient,
			})
		})
	}
	return string(id)
}

// memberOf is the id of somebody of the chart's clinic.
func memberOf(kind clinical.ActorKind) func(w *world, p principal, at chart) string {
	return func(w *world, _ principal, at chart) string { return string(w.member(at, kind)) }
}

// clinicOf is the id of the chart's clinic. One that does not exist is as long
// as the other clinic's: the answers say which id was asked for.
func clinicOf(_ *world, p principal, at chart) string {
	if at.exists() {
		return string(at.tenant)
	}
	return strings.Repeat("x", len(charts(p.Name)[otherClinic].tenant))
}

// finding is a search by the id alone.
func finding(resource string, put func(w *world, p principal, at chart) string) func(*world, principal, chart) answer {
	return func(w *world, p principal, at chart) answer {
		id := put(w, p, at)
		return w.fhirGet(p, resource+"?_id="+id).listed(`"id":"`+id+`"`, empty)
	}
}

// Every sort of resource that the facade has is in the matrix.
func TestMatrixCoversTheFacade(t *testing.T) {
	for _, resource := range fhir.ResourceTypes() {
		read, searched := false, fhir.SearchParameters(resource) == nil
		for _, o := range append(fhirReads(), fhirSearches()...) {
			read = read || strings.HasPrefix(o.name, "GET /"+resource+"/{id}")
			searched = searched || strings.HasPrefix(o.name, "GET /"+resource+"?")
		}
		if !read || !searched {
			t.Errorf("%s is not in the access matrix: read %v, searched %v", resource, read, searched)
		}
	}
}
