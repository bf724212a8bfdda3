package fhirapi

import (
	"slices"
	"strings"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/fhir"
	"github.com/bonfiredb/bonfire/records"
)

// everything answers Patient/{id}/$everything: a page of the chart with all that
// it refers to (http://hl7.org/fhir/R4/operation-patient-everything.html).
func (f *facade) everything(r *request, patient clinical.PatientID) error {
	page, counting, err := r.page()
	if err != nil {
		return err
	}
	if counting {
		return clinical.Bad("_count", "a chart is not counted")
	}
	q := records.BundleQuery{Provenance: true, Page: page}
	if err := r.period(&q); err != nil {
		return err
	}
	types, err := r.types(&q)
	if err != nil {
		return err
	}
	if err := r.rest(); err != nil {
		return err
	}
	chart, err := f.Records.Bundle(r.Context(), r.actor, patient, q)
	if failure := clinical.AsFailure(err); failure != nil {
		field := ""
		if failure.Field == "after" {
			field = cursorName
		}
		return failure.WithField(field)
	}
	if err != nil {
		return err
	}
	out := found{Chart: chart.Chart, total: -1, types: types}
	if chart.HasNext {
		out.next = chart.End
	}
	first := page.After == ""
	return f.searchset(r, f.address("Patient/"+string(patient)+"/$everything"), out, func(resourceType string) fhir.SearchMode {
		if first && resourceType == "Patient" {
			return fhir.Match
		}
		return fhir.Include
	})
}

// period takes _since, and start and end: dates of care, both included.
func (r *request) period(q *records.BundleQuery) error {
	since, err := r.asked.one("_since")
	if err != nil {
		return err
	}
	if since != "" {
		prefix, from, _, ok := span(since)
		if !ok || prefix != "" {
			return clinical.Bad("_since", "is not an instant")
		}
		q.Since = &from
	}
	for _, name := range []string{"start", "end"} {
		day, err := r.asked.one(name)
		if err != nil {
			return err
		}
		if day == "" {
			continue
		}
		prefix, from, before, ok := span(day)
		switch {
		case !ok || prefix != "" || strings.Contains(day, "T"):
			return clinical.Bad(name, "is not a date")
		case name == "start":
			q.Care.After(from)
		default:
			q.Care.Until(before)
		}
	}
	return nil
}

// types takes _type: the resource types that are shown; nil for all. Types that
// a chart has nothing of here show nothing. Where only documents are wanted, the
// rest is not even looked for; evidence, visits and people are found by way of
// the documents, of whatever type.
func (r *request) types(q *records.BundleQuery) (map[string]bool, error) {
	asked := r.asked.all("_type")
	if len(asked) == 0 {
		return nil, nil
	}
	shown, byWay := map[string]bool{}, false
	documents := []clinical.ResourceType{}
	for _, name := range strings.Split(strings.Join(asked, ","), ",") {
		if name == "" || name[0] < 'A' || name[0] > 'Z' || len(name) > 64 || strings.ContainsFunc(name, notLetter) {
			return nil, clinical.Bad("_type", "is not a list of resource types")
		}
		shown[name] = true
		switch t := clinical.ResourceType(name); {
		case t == clinical.DocumentReference || t == clinical.Media || t == clinical.Binary:
			documents = append(documents, t)
		case name != "Patient" && name != "AuditEvent":
			byWay = byWay || slices.Contains(fhir.ResourceTypes(), name)
		}
	}
	q.Provenance = shown["Provenance"]
	if !byWay {
		q.ResourceTypes = documents
	}
	return shown, nil
}

func notLetter(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') }
