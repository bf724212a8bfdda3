package fhirapi

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/fhir"
	"github.com/bonfiredb/bonfire/records"
)

// address is the absolute address of something under the facade.
func (f *facade) address(path string) string { return strings.TrimRight(f.FHIR.Base, "/") + "/" + path }

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
	out := found{Chart: chart.Chart, total: -1}
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

// searchset streams what was found, one resource at a time.
func (f *facade) searchset(r *request, address string, out found, mode func(resourceType string) fhir.SearchMode) error {
	opt := fhir.BundleOptions{Timestamp: out.At, Self: link(address, r.asked.used, "")}
	if out.total >= 0 {
		opt.Total = &out.total
	}
	r.w.Header().Set("Content-Type", mediaType)
	w := fhir.NewBundleWriter(r.w, fhir.Searchset, opt)
	resources := f.FHIR.Chart(out.Chart)
	if out.Patient == nil { // a search says what it found, and nothing around it
		resources = f.FHIR.Matches(out.Chart)
	}
	for res := range resources {
		resourceType, _ := res.Key()
		if err := w.Entry(f.FHIR.FullURL(res), res, mode(resourceType)); err != nil {
			f.cut(r, err)
		}
	}
	if out.next != "" {
		w.Next(link(address, r.asked.used, out.next))
	}
	if err := w.Close(); err != nil {
		f.cut(r, err)
	}
	return nil
}

// cut ends an answer that has begun and cannot be finished, so that it does not
// look whole.
func (f *facade) cut(r *request, err error) {
	f.Log.LogAttrs(r.Context(), slog.LevelWarn, "fhir answer cut short",
		slog.String("request", auth.RequestID(r.Context())), slog.String("error", err.Error()))
	panic(http.ErrAbortHandler)
}

// link is an address with the parameters that were understood, and the cursor.
func link(address string, used url.Values, cursor string) string {
	query := url.Values{}
	for name, values := range used {
		query[name] = values
	}
	if cursor != "" {
		query.Set(cursorName, cursor)
	}
	if len(query) == 0 {
		return address
	}
	return address + "?" + query.Encode()
}
