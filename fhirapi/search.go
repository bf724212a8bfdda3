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
