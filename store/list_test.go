package store

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

// manyFiles is one chart whose files have many ties in every order, sorted by id.
func (h *house) manyFiles(d dice, n int) (clinical.Patient, []clinical.File) {
	h.Helper()
	p := h.patient(north)
	files := make([]clinical.File, n)
	for i := range files {
		files[i] = h.file(p, func(f *clinical.File) {
			f.CreatedAt = noon.Add(time.Duration(d.IntN(4)) * time.Microsecond)
			f.Size = int64(d.IntN(3)) << 40
			f.Title = pick(d, "", "heel", "Heel", "Zebra", "apple", "50% of_it")
		})
	}
	slices.SortFunc(files, func(a, b clinical.File) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return p, files
}

var fileComparisons = map[FileOrder]func(a, b clinical.File) int{
	ByCreatedAt: func(a, b clinical.File) int { return a.CreatedAt.Compare(b.CreatedAt) },
	BySize:      func(a, b clinical.File) int { return cmp.Compare(a.Size, b.Size) },
	ByTitle: func(a, b clinical.File) int {
		return strings.Compare(strings.ToLower(a.Title), strings.ToLower(b.Title))
	},
}

// Whatever the order, the direction and the sizes of the pages, they are
// together the whole sorted list, each file once.
func TestPagesAreTheWholeList(t *testing.T) {
	t.Parallel()
	h, d := newHouse(t), newDice(t)
	p, files := h.manyFiles(d, 37)
	h.file(h.patient(north)) // of another chart
	doctor := h.clinician(north, p.ID)
	f := h.filter(doctor, policy.ListFiles, policy.File)
	for by, compare := range fileComparisons {
		for _, descending := range []bool{false, true} {
			t.Run(fmt.Sprint(by, " descending ", descending), func(t *testing.T) {
				want := slices.Clone(files)
				slices.SortStableFunc(want, compare)
				if descending {
					slices.Reverse(want)
				}
				q := FileQuery{Patient: p.ID, OrderBy: by, Descending: descending}
				for range 12 {
					h.walk(t, d, f, q, want)
				}
				h.slices(t, d, f, q, want)
			})
		}
	}
}

// walk goes through the list in pages of random sizes, forward and backward.
func (h *house) walk(t *testing.T, d dice, f policy.Filter, q FileQuery, want []clinical.File) {
	h.in(north, func(ctx context.Context, tx *Tx) error {
		var forward, backward []string
		for p := (clinical.Page{}); ; {
			p.First = 1 + d.IntN(9)
			got, err := tx.Files(ctx, f, q, p)
			check(t, err)
			if got.HasPrev != (len(forward) > 0) || len(got.Items) > p.First {
				t.Fatalf("a page of %d after %d: %d files, HasPrev %v", p.First, len(forward), len(got.Items), got.HasPrev)
			}
			forward = append(forward, ids(got.Items)...)
			if got.HasNext != (len(forward) < len(want)) {
				t.Fatalf("after %d of %d: HasNext %v", len(forward), len(want), got.HasNext)
			}
			if !got.HasNext {
				break
			}
			p.After = got.Cursors[len(got.Cursors)-1]
		}
		for p := (clinical.Page{}); ; {
			p.Last = 1 + d.IntN(9)
			got, err := tx.Files(ctx, f, q, p)
			check(t, err)
			backward = append(ids(got.Items), backward...)
			if got.HasPrev != (len(backward) < len(want)) {
				t.Fatalf("the last %d of %d: HasPrev %v", len(backward), len(want), got.HasPrev)
			}
			if !got.HasPrev {
				break
			}
			p.Before = got.Cursors[0]
		}
		if !slices.Equal(forward, ids(want)) || !slices.Equal(backward, ids(want)) {
			t.Fatalf("forward  %v\nbackward %v\nwant     %v", forward, backward, ids(want))
		}
		return nil
	})
}

// slices asks for pages between any two files of the list.
func (h *house) slices(t *testing.T, d dice, f policy.Filter, q FileQuery, want []clinical.File) {
	h.in(north, func(ctx context.Context, tx *Tx) error {
		whole, err := tx.Files(ctx, f, q, first(maxPage))
		check(t, err)
		for range 40 {
			i, n := d.IntN(len(want)), 1+d.IntN(10)
			j := i + 1 + d.IntN(len(want)-i)
			between := want[i+1 : j]
			p := clinical.Page{First: n, After: whole.Cursors[i]}
			expect := between[:min(n, len(between))]
			if d.IntN(2) == 0 {
				p = clinical.Page{Last: n, After: whole.Cursors[i]}
				expect = between[max(0, len(between)-n):]
			}
			hasNext, hasPrev := len(between) > n, true // what After names comes before
			if p.Last > 0 {
				hasNext = false
			}
			if j < len(want) {
				p.Before, hasNext = whole.Cursors[j], true // what Before names comes after
			}
			got, err := tx.Files(ctx, f, q, p)
			if err != nil || !slices.Equal(ids(got.Items), ids(expect)) || got.HasNext != hasNext || got.HasPrev != hasPrev {
				t.Fatalf("%+v: %v next %v prev %v (%v), want %v next %v prev %v",
					p, ids(got.Items), got.HasNext, got.HasPrev, err, ids(expect), hasNext, hasPrev)
			}
		}
		return nil
	})
}

func ids(files []clinical.File) []string {
	out := make([]string, len(files))
	for i, f := range files {
		out[i] = string(f.ID)
	}
	return out
}

// A cursor works for the list it came from: not for another principal, order,
// filter or clinic, and not when it was tampered with.
func TestCursorsAreBoundToTheirList(t *testing.T) {
	t.Parallel()
	h, d := newHouse(t), newDice(t)
	p, _ := h.manyFiles(d, 5)
	doctor, colleague := h.clinician(north, p.ID), h.clinician(north, p.ID)
	f := h.filter(doctor, policy.ListFiles, policy.File)
	query := FileQuery{Patient: p.ID, Kinds: []string{"wound-photo"}}
	h.in(north, func(ctx context.Context, tx *Tx) error {
		page, err := tx.Files(ctx, f, query, first(2))
		check(t, err)
		cursor := page.Cursors[1]
		again, err := tx.Files(ctx, f, FileQuery{Patient: p.ID, Kinds: []string{"wound-photo"}, WithTotal: true}, clinical.Page{First: 9, After: cursor})
		if err != nil || len(again.Items) != 3 || again.Total != 5 {
			t.Fatalf("its own list: %d files of %d (%v)", len(again.Items), again.Total, err)
		}
		raw, err := base64.RawURLEncoding.DecodeString(cursor)
		check(t, err)
		raw[3] ^= 1
		other := func(change func(q *FileQuery)) FileQuery { q := query; change(&q); return q }
		for name, c := range map[string]struct {
			filter policy.Filter
			query  FileQuery
			page   clinical.Page
		}{
			"another principal": {h.filter(colleague, policy.ListFiles, policy.File), query, clinical.Page{First: 1, After: cursor}},
			"another order":     {f, other(func(q *FileQuery) { q.OrderBy = BySize }), clinical.Page{First: 1, After: cursor}},
			"another direction": {f, other(func(q *FileQuery) { q.Descending = true }), clinical.Page{First: 1, After: cursor}},
			"another filter":    {f, other(func(q *FileQuery) { q.Kinds = nil }), clinical.Page{First: 1, After: cursor}},
			"another text":      {f, other(func(q *FileQuery) { q.Text = "heel" }), clinical.Page{First: 1, After: cursor}},
			"tampered":          {f, query, clinical.Page{First: 1, After: base64.RawURLEncoding.EncodeToString(raw)}},
			"cut":               {f, query, clinical.Page{First: 1, After: cursor[:20]}},
			"not base64":        {f, query, clinical.Page{First: 1, After: "'; --"}},
			"backwards":         {f, other(func(q *FileQuery) { q.OrderBy = ByTitle }), clinical.Page{Last: 1, Before: cursor}},
			"no size":           {f, query, clinical.Page{}},
			"two sizes":         {f, query, clinical.Page{First: 1, Last: 1}},
			"a negative size":   {f, query, clinical.Page{First: -1}},
			"too large":         {f, query, clinical.Page{First: maxPage + 1}},
			"an unknown order":  {f, other(func(q *FileQuery) { q.OrderBy = "title; --" }), first(1)},
		} {
			_, err := tx.Files(ctx, c.filter, c.query, c.page)
			if wantKind(t, err, clinical.Invalid); clinical.AsFailure(err).Field == "" {
				t.Errorf("%s: names no field", name)
			}
		}
		return nil
	})
}

// Cursors hold no words of a chart: they end up in URLs and logs (P10).
func TestP10_CursorsHoldNoTitles(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.patient(north)
	h.file(p, func(f *clinical.File) { f.Title = "Zebra syndrome" })
	f := h.filter(h.clinician(north, p.ID), policy.ListFiles, policy.File)
	h.in(north, func(ctx context.Context, tx *Tx) error {
		page, err := tx.Files(ctx, f, FileQuery{OrderBy: ByTitle}, first(1))
		check(t, err)
		raw, err := base64.RawURLEncoding.DecodeString(page.Cursors[0])
		if err != nil || strings.Contains(strings.ToLower(string(raw)), "zebra") || len(raw) != cursorSize {
			t.Errorf("the cursor is %q (%v)", raw, err)
		}
		return nil
	})
}

// Each condition narrows the list by what it says, and all of them together.
func TestFileQuery(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p, q := h.patient(north), h.patient(north)
	e := clinical.Encounter{ID: clinical.NewID[clinical.EncounterID](noon), Tenant: north, Patient: p.ID, CreatedAt: noon, CreatedBy: p.CreatedBy}
	h.in(north, func(ctx context.Context, tx *Tx) error { return tx.InsertEncounter(ctx, e) })
	day := 24 * time.Hour
	photo := h.file(p, func(f *clinical.File) { f.Title, f.Encounter = `50% "better"_x \o/`, e.ID })
	audio := h.file(p, func(f *clinical.File) {
		f.Kind, f.Category, f.ContentType, f.Status = "session-audio", "media", "audio/webm", clinical.FileSuperseded
		f.CreatedAt, f.UpdatedAt, f.Title = noon.Add(day), noon.Add(2*day), "50 percent"
	})
	form := h.file(q, func(f *clinical.File) {
		f.Kind, f.Category, f.ContentType, f.ResourceType = "consent", "administrative", "application/pdf", clinical.DocumentReference
		f.Title = "Consent'); DROP TABLE file; --"
	})
	filter := h.filter(h.clinician(north, p.ID, q.ID), policy.ListFiles, policy.File)
	at := func(d time.Duration) *time.Time { t := noon.Add(d); return &t }
	for name, c := range map[string]struct {
		query FileQuery
		want  []clinical.File
	}{
		"nothing asked":      {FileQuery{}, []clinical.File{photo, audio, form}},
		"patient":            {FileQuery{Patient: q.ID}, []clinical.File{form}},
		"malformed patient":  {FileQuery{Patient: "x"}, nil},
		"ids":                {FileQuery{IDs: []clinical.FileID{form.ID, "x", photo.ID}}, []clinical.File{photo, form}},
		"only malformed ids": {FileQuery{IDs: []clinical.FileID{"x"}}, nil},
		"kinds":              {FileQuery{Kinds: []string{"consent", "session-audio", "'"}}, []clinical.File{audio, form}},
		"categories":         {FileQuery{Categories: []string{"media"}}, []clinical.File{photo, audio}},
		"statuses":           {FileQuery{Statuses: []clinical.FileStatus{clinical.FileSuperseded}}, []clinical.File{audio}},
		"resource types":     {FileQuery{ResourceTypes: []clinical.ResourceType{clinical.DocumentReference}}, []clinical.File{form}},
		"encounter":          {FileQuery{Encounter: e.ID}, []clinical.File{photo}},
		"content type":       {FileQuery{ContentTypePrefix: "image/"}, []clinical.File{photo}},
		"prefix, not like":   {FileQuery{ContentTypePrefix: "%"}, nil},
		"created from":       {FileQuery{CreatedFrom: at(day)}, []clinical.File{audio}},
		"created before":     {FileQuery{CreatedBefore: at(day)}, []clinical.File{photo, form}},
		"updated":            {FileQuery{UpdatedFrom: at(day), UpdatedBefore: at(3 * day)}, []clinical.File{audio}},
		"text":               {FileQuery{Text: "CONSENT"}, []clinical.File{form}},
		"text, a percent":    {FileQuery{Text: "50%"}, []clinical.File{photo}},
		"text, underscore":   {FileQuery{Text: "_x"}, []clinical.File{photo}},
		"text, backslash":    {FileQuery{Text: `\o`}, []clinical.File{photo}},
		"text, SQL":          {FileQuery{Text: "'); DROP TABLE"}, []clinical.File{form}},
		"text, a place":      {FileQuery{Text: "?"}, nil},
		"all at once":        {FileQuery{Patient: p.ID, Kinds: []string{"wound-photo"}, Text: "better", Encounter: e.ID}, []clinical.File{photo}},
		"a contradiction":    {FileQuery{Patient: q.ID, Kinds: []string{"wound-photo"}}, nil},
	} {
		h.in(north, func(ctx context.Context, tx *Tx) error {
			c.query.WithTotal = true
			got, err := tx.Files(ctx, filter, c.query, first(10))
			slices.SortFunc(c.want, func(a, b clinical.File) int { return strings.Compare(string(a.ID), string(b.ID)) })
			slices.SortFunc(got.Items, func(a, b clinical.File) int { return strings.Compare(string(a.ID), string(b.ID)) })
			if err != nil || !slices.Equal(ids(got.Items), ids(c.want)) || got.Total != len(c.want) {
				t.Errorf("%s: %v of %d (%v), want %v", name, ids(got.Items), got.Total, err, ids(c.want))
			}
			return nil
		})
	}
}

func TestFilesByIDs(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.patient(north)
	mine, hidden, theirs := h.file(p), h.file(h.patient(north)), h.file(h.patient(south))
	filter := h.filter(h.clinician(north, p.ID), policy.ListFiles, policy.File)
	h.in(north, func(ctx context.Context, tx *Tx) error {
		got, err := tx.FilesByIDs(ctx, filter, []clinical.FileID{mine.ID, hidden.ID, theirs.ID, "x"})
		if err != nil || !slices.Equal(ids(got), []string{string(mine.ID)}) {
			t.Errorf("got %v (%v)", ids(got), err)
		}
		return nil
	})
}

func TestPatients(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.patient(south)
	var all []clinical.PatientID
	for _, name := range []string{"Ada", "Berta", "adam"} {
		all = append(all, h.patient(north, func(p *clinical.Patient) {
			p.DisplayName, p.Identifiers = name+" Example", []clinical.Identifier{{System: "urn:mrn", Value: "MRN-" + name}}
		}).ID)
	}
	slices.Sort(all)
	clerk := h.filter(h.user(north, clinical.Clerk), policy.ListPatients, policy.Patient)
	doctor := h.filter(h.clinician(north, all[1]), policy.ListPatients, policy.Patient)
	h.in(north, func(ctx context.Context, tx *Tx) error {
		list := func(f policy.Filter, text string, p clinical.Page) []clinical.PatientID {
			page, err := tx.Patients(ctx, f, text, p)
			check(t, err)
			out := []clinical.PatientID{}
			for _, item := range page.Items {
				out = append(out, item.ID)
			}
			if page.HasNext {
				p.After = page.Cursors[len(page.Cursors)-1]
				rest, err := tx.Patients(ctx, f, text, p)
				check(t, err)
				for _, item := range rest.Items {
					out = append(out, item.ID)
				}
			}
			return out
		}
		same(t, list(clerk, "", first(2)), all, nil)
		same(t, len(list(clerk, "ada", first(2))), 2, nil)
		same(t, len(list(clerk, "MRN-Berta", first(2))), 1, nil)
		same(t, len(list(clerk, "MRN-Bert", first(2))), 0, nil)
		same(t, len(list(clerk, "%", first(2))), 0, nil)
		same(t, list(doctor, "", first(2)), all[1:2], nil)
		some, err := tx.PatientsByIDs(ctx, doctor, append([]clinical.PatientID{"x"}, all...))
		if err != nil || len(some) != 1 || some[0].ID != all[1] {
			t.Errorf("by ids: %v (%v)", some, err)
		}
		return nil
	})
}

func TestUploads(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p, q := h.patient(north), h.patient(north)
	doctor := h.clinician(north, p.ID, q.ID)
	mine := func(u *clinical.Upload) { u.Owner = doctor.ID }
	var want []clinical.Upload
	for range 5 {
		want = append(want, h.upload(p, mine))
	}
	other := h.upload(q, mine)
	h.upload(p) // somebody else's
	slices.SortFunc(want, func(a, b clinical.Upload) int { return strings.Compare(string(b.ID), string(a.ID)) })
	f := h.filter(doctor, policy.ListUploads, policy.Upload)
	h.in(north, func(ctx context.Context, tx *Tx) error {
		got, err := tx.Uploads(ctx, f, UploadQuery{Patient: p.ID}, first(3))
		check(t, err)
		rest, err := tx.Uploads(ctx, f, UploadQuery{Patient: p.ID}, clinical.Page{First: 3, After: got.Cursors[2]})
		same(t, append(got.Items, rest.Items...), want, err)
		open, err := tx.Uploads(ctx, f, UploadQuery{States: []clinical.UploadState{clinical.UploadOpen}, Patient: q.ID}, first(9))
		same(t, open.Items, []clinical.Upload{other}, err)
		none, err := tx.Uploads(ctx, f, UploadQuery{States: []clinical.UploadState{clinical.UploadFailed}}, first(9))
		same(t, len(none.Items), 0, err)
		return nil
	})
}
