package fhirapi

import (
	"net/url"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/records"
)

// provenances searches the evidence of a patient's chart or about a document.
func (f *facade) provenances(r *request, _ string, page clinical.Page, count bool) (found, error) {
	q := records.ProvenanceSearch{Page: page, Asked: url.Values{}}
	patient, _, err := f.reference(r, "patient", "Patient")
	if err != nil {
		return found{}, err
	}
	q.Patient = clinical.PatientID(patient)
	if q.Target, _, err = f.reference(r, "target", "DocumentReference", "Media", "Binary"); err != nil {
		return found{}, err
	}
	if q.IDs, err = r.asked.ids(); err != nil {
		return found{}, err
	}
	if q.Recorded, err = r.recorded("recorded"); err != nil {
		return found{}, err
	}
	switch err = r.rest(); {
	case err != nil:
		return found{}, err
	case count:
		return found{}, clinical.Bad("_summary", "evidence is not counted")
	case q.Patient == "" && q.Target == "" && q.IDs == nil:
		return found{}, clinical.Bad("patient", "patient, target or _id is needed")
	}
	note(q.Asked, "patient", patient)
	note(q.Asked, "target", q.Target)
	note(q.Asked, "_id", q.IDs...)
	list, err := f.Records.Provenances(r.Context(), r.actor, q)
	return answer(list, err)
}

// recorded takes both names of when something was recorded, which is when it
// was last updated: neither evidence nor an event changes.
func (r *request) recorded(name string) (records.Within, error) {
	out, err := r.asked.within(name)
	if err != nil {
		return out, err
	}
	updated, err := r.asked.within("_lastUpdated")
	if updated.From != nil {
		out.After(*updated.From)
	}
	if updated.Before != nil {
		out.Until(*updated.Before)
	}
	return out, err
}

// auditEvents searches the trail, the newest first.
func (f *facade) auditEvents(r *request, _ string, page clinical.Page, count bool) (found, error) {
	patient, _, err := f.reference(r, "patient", "Patient")
	if err != nil {
		return found{}, err
	}
	ids, err := r.asked.ids()
	if err != nil {
		return found{}, err
	}
	when, err := r.recorded("date")
	if err != nil {
		return found{}, err
	}
	switch err = r.rest(); {
	case err != nil:
		return found{}, err
	case count:
		return found{}, clinical.Bad("_summary", "events are not counted")
	case len(ids) > 1:
		return found{}, clinical.Bad("_id", "takes one event here")
	case len(ids) == 1:
		return f.auditEvent(r, clinical.AuditEventID(ids[0]), clinical.PatientID(patient), when)
	}
	list, err := f.Records.AuditEvents(r.Context(), r.actor, records.AuditQuery{
		Patient: clinical.PatientID(patient), From: when.From, Before: when.Before, Page: page,
	})
	out := found{Chart: clinical.Chart{Events: list.Items}, total: -1}
	if n := len(list.Cursors); n > 0 && list.HasNext {
		out.next = list.Cursors[n-1]
	}
	return out, err
}

// auditEvent is a search of one event by its id, under the other conditions.
func (f *facade) auditEvent(r *request, id clinical.AuditEventID, patient clinical.PatientID, when records.Within) (found, error) {
	e, err := f.Records.AuditEvent(r.Context(), r.actor, id)
	fits := (patient == "" || e.Patient == patient) && (when.From == nil || !e.RecordedAt.Before(*when.From)) &&
		(when.Before == nil || e.RecordedAt.Before(*when.Before))
	out := found{total: -1}
	if fits {
		out.Events = []clinical.AuditEvent{e}
	}
	return out, err
}
