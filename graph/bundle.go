package graph

import (
	"bytes"
	"context"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/fhir"
	"github.com/bonfiredb/bonfire/graph/model"
	"github.com/bonfiredb/bonfire/records"
)

// Bundle resolves Query.bundle: one page of a patient's FHIR Bundle.
func (q query) Bundle(ctx context.Context, patient string, first int, after *string, filter *model.BundleFilter) (*model.BundlePage, error) {
	page, err := q.records.Bundle(ctx, auth.Actor(ctx), clinical.PatientID(patient), bundleQuery(first, after, filter))
	if err != nil {
		return nil, err
	}
	return q.bundlePage(page)
}

func bundleQuery(first int, after *string, f *model.BundleFilter) records.BundleQuery {
	out := records.BundleQuery{Provenance: true, Page: clinical.Page{First: first, After: deref(after)}}
	if f == nil {
		return out
	}
	out.Since, out.Provenance, out.AuditEvents = f.Since, f.IncludeProvenance, f.IncludeAuditEvents
	for _, id := range f.FileIds {
		out.Files = append(out.Files, clinical.FileID(id))
	}
	for _, id := range f.NoteIds {
		out.Notes = append(out.Notes, clinical.NoteID(id))
	}
	return out
}

// bundlePage writes the page as a collection, identified by its audit event.
func (r *resolver) bundlePage(page records.BundlePage) (*model.BundlePage, error) {
	var out bytes.Buffer
	w := fhir.NewBundleWriter(&out, fhir.Collection, fhir.BundleOptions{ID: string(page.Audit), Timestamp: page.At})
	for res := range r.fhir.Chart(page.Chart) {
		if err := w.Entry(r.fhir.FullURL(res), res, ""); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return &model.BundlePage{
		Bundle: bytes.TrimSpace(out.Bytes()), AuditEventID: string(page.Audit),
		PageInfo: &model.PageInfo{
			HasNextPage: page.HasNext, HasPreviousPage: page.HasPrev, StartCursor: optional(page.Start), EndCursor: optional(page.End),
		},
	}, nil
}
