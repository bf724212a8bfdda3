package fhirapi

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/fhir"
)

// address is the absolute address of something under the facade.
func (f *facade) address(path string) string { return strings.TrimRight(f.FHIR.Base, "/") + "/" + path }

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
		if out.types != nil && !out.types[resourceType] {
			continue
		}
		if err := w.Entry(f.FHIR.FullURL(res), fhir.Summarize(res, r.summary), mode(resourceType)); err != nil {
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
