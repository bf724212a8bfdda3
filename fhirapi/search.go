package fhirapi

import (
	"errors"
	"net/url"
	"slices"
	"strconv"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/fhir"
	"github.com/bonfiredb/bonfire/records"
	"github.com/bonfiredb/bonfire/store"
)

// Sizes of a page. A larger _count is taken for the largest, as FHIR lets a
// server do: the next link leads on.
const (
	defaultCount = 50
	maxCount     = 500
	cursorName   = "_cursor"
)

// found is the answer to a search: resources in their order, and where it goes on.
type found struct {
	clinical.Chart
	next  string
	total int             // -1: not counted
	types map[string]bool // nil: all of them are shown
}

// search answers a search of one type.
func (f *facade) search(r *request, resourceType string) error {
	page, counting, err := r.page()
	if err != nil {
		return err
	}
	total, err := r.asked.one("_total")
	if err != nil {
		return err
	}
	if !slices.Contains([]string{"", "none", "accurate", "estimate"}, total) {
		return clinical.Bad("_total", "is none, estimate or accurate")
	}
	run := f.documents
	switch resourceType {
	case "Provenance":
		run = f.provenances
	case "AuditEvent":
		run = f.auditEvents
	}
	out, err := run(r, resourceType, page, counting || total == "accurate" || total == "estimate")
	if clinical.Is(err, clinical.NotFound) { // hidden or missing: the same empty set
		out, err = found{total: 0}, nil
	}
	if err != nil {
		return err
	}
	if counting {
		out.Documents, out.Provenance, out.Events, out.next = nil, nil, nil, ""
	}
	return f.searchset(r, f.address(resourceType), out, func(string) fhir.SearchMode { return fhir.Match })
}

// page takes what is said about the page. counting: only the number is wanted.
func (r *request) page() (page clinical.Page, counting bool, err error) {
	page.First = defaultCount
	count, err := r.asked.one("_count")
	if err != nil {
		return page, false, err
	}
	if count != "" {
		n, err := strconv.Atoi(count)
		if err != nil || n < 0 {
			return page, false, clinical.Bad("_count", "is not a number")
		}
		page.First, counting = min(n, maxCount), n == 0
	}
	if counting = counting || r.summary == fhir.SummaryCount; counting {
		page.First = 1
	}
	page.After, _ = r.asked.take(cursorName)
	return page, counting, nil
}

// documents searches DocumentReference, which files and notes are, and Media.
func (f *facade) documents(r *request, resourceType string, page clinical.Page, count bool) (found, error) {
	q := records.DocumentSearch{
		Files: true, Notes: resourceType == string(clinical.DocumentReference), ResourceTypes: []clinical.ResourceType{clinical.ResourceType(resourceType)},
		WithTotal: count, Page: page, Asked: url.Values{},
	}
	if err := f.whose(r, &q); err != nil {
		return found{}, err
	}
	var err error
	if q.Updated, err = r.asked.within("_lastUpdated"); err != nil {
		return found{}, err
	}
	if q.Notes {
		q.Created, err = r.asked.within("date")
	} else {
		q.Captured, err = r.asked.within("created")
	}
	if err != nil {
		return found{}, err
	}
	if err := f.codes(r, &q); err != nil {
		return found{}, err
	}
	if err := r.rest(); err != nil {
		return found{}, err
	}
	if q.Patient == "" && q.Encounter == "" && q.IDs == nil {
		return found{}, clinical.Bad("patient", "patient, encounter or _id is needed")
	}
	note(q.Asked, "patient", string(q.Patient))
	note(q.Asked, "encounter", string(q.Encounter))
	note(q.Asked, "_id", q.IDs...)
	list, err := f.Records.Documents(r.Context(), r.actor, q)
	return answer(list, err)
}

// whose takes the parameters about where documents stand.
func (f *facade) whose(r *request, q *records.DocumentSearch) error {
	patient, _, err := f.reference(r, "patient", "Patient")
	if err != nil {
		return err
	}
	encounter, _, err := f.reference(r, "encounter", "Encounter")
	if err != nil {
		return err
	}
	q.Patient, q.Encounter = clinical.PatientID(patient), clinical.EncounterID(encounter)
	q.IDs, err = r.asked.ids()
	return err
}

// codes takes type and category, and turns them into what files are filed by.
func (f *facade) codes(r *request, q *records.DocumentSearch) error {
	types, err := r.asked.tokens("type")
	if err != nil {
		return err
	}
	var categories []fhir.Token
	if q.Notes {
		if categories, err = r.asked.tokens("category"); err != nil {
			return err
		}
	}
	if types == nil && categories == nil {
		return nil
	}
	kinds, err := f.Records.ShownKinds(r.Context(), r.actor)
	if err != nil {
		return err
	}
	if types != nil {
		f.byType(q, kinds, types)
	}
	if categories != nil {
		f.byCategory(q, kinds, categories)
	}
	return nil
}

func (f *facade) byType(q *records.DocumentSearch, kinds []clinical.FileKind, types []fhir.Token) {
	for _, k := range kinds {
		if slices.ContainsFunc(types, func(t fhir.Token) bool { return f.FHIR.KindHasType(k, t) }) {
			q.Kinds = append(q.Kinds, k.Code)
		}
	}
	q.Files = len(q.Kinds) > 0
	q.Notes = q.Notes && slices.ContainsFunc(types, f.FHIR.NoteHasType)
	note(q.Asked, "kind", q.Kinds...)
}

func (f *facade) byCategory(q *records.DocumentSearch, kinds []clinical.FileKind, categories []fhir.Token) {
	s := &store.Shelves{}
	names := slices.Clone(records.Categories)
	for _, k := range kinds {
		s.Known, names = append(s.Known, k.Code), append(names, k.Category)
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		shows := func(k clinical.FileKind) bool {
			return slices.ContainsFunc(categories, func(t fhir.Token) bool { return f.FHIR.KindHasCategory(k, name, t) })
		}
		for _, k := range kinds {
			if shows(k) {
				s.Kinds, s.Categories = append(s.Kinds, k.Code), append(s.Categories, name)
			}
		}
		if shows(clinical.FileKind{}) {
			s.Others = append(s.Others, name)
		}
	}
	q.Shelves = s
	q.Notes = q.Notes && slices.ContainsFunc(categories, f.FHIR.NoteHasCategory)
	note(q.Asked, "category", slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(s.Categories), s.Others...))))...)
}

// note keeps a condition for the audit trail, in ids and codes of our own.
func note(asked url.Values, name string, values ...string) {
	for _, v := range values {
		if v != "" {
			asked.Add(name, v)
		}
	}
}

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

func answer(list records.Found, err error) (found, error) {
	out := found{Chart: list.Chart, total: list.Total}
	if list.HasNext {
		out.next = list.End
	}
	if f := clinical.AsFailure(err); f != nil && f.Field == "after" {
		err = errors.Join(f.WithField(cursorName), err)
	}
	return out, err
}
