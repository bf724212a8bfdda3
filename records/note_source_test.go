package records_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/records"
)

func TestNoteSourcesAreDecidedOneByOne(t *testing.T) {
	c := open(t)
	audio := c.upload("recorder", recording(), webm)
	form := c.upload("clinician", intake(), pdf)
	other := intake()
	other.Patient = demo.SecondPatient
	elsewhere := c.upload("clinician", other, pdf)
	draft := func(who string, from ...string) error {
		_, err := c.tryDraft(who, func(in *records.CreateNote) { in.DerivedFrom = from })
		return err
	}
	for name, tc := range map[string]struct {
		who  string
		from clinical.FileID
		kind clinical.Kind
	}{
		"what the scribe may not see": {"scribe", form.ID, clinical.NotFound},
		"another patient's, visible":  {"clinician", elsewhere.ID, clinical.Invalid},
		"another patient's, hidden":   {"scribe", elsewhere.ID, clinical.NotFound},
		"what is not there":           {"clinician", nobody, clinical.NotFound},
		"nonsense":                    {"clinician", "x'", clinical.NotFound},
	} {
		err := draft(tc.who, string(audio.ID), string(tc.from))
		if f := clinical.AsFailure(err); f == nil || f.Kind != tc.kind || f.Field != "derivedFrom" {
			t.Errorf("%s: %v, want %s on derivedFrom", name, err, tc.kind)
		}
	}
	if err := draft("clinician", string(audio.ID), string(form.ID)); err != nil {
		t.Error(err)
	}
	if err := draft("colleague", string(audio.ID)); clinical.AsFailure(err).Field != "patientId" {
		t.Errorf("the hidden patient goes first: %v", err)
	}
	first := c.draft("clinician")
	second := c.draft("clinician", func(in *records.CreateNote) { in.DerivedFrom = []string{string(first.ID), string(audio.ID)} })
	if len(second.Sources) != 2 || second.Sources[0].Note != first.ID || second.Sources[1].File != audio.ID {
		t.Errorf("sources: %+v", second.Sources)
	}
	list := func(q records.NoteQuery, who string) (ids []clinical.NoteID) {
		q.Page = clinical.Page{First: 50}
		out, err := c.Records.Notes(t.Context(), c.As(who), demo.Patient, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range out.Items {
			ids = append(ids, n.ID)
		}
		return ids
	}
	if got := list(records.NoteQuery{FromNote: first.ID}, "clinician"); !slices.Equal(got, []clinical.NoteID{second.ID}) {
		t.Errorf("notes from the note: %v", got)
	}
	if got := list(records.NoteQuery{FromFile: form.ID}, "clinician"); len(got) != 1 {
		t.Errorf("notes from the form: %v", got)
	}
	if got := list(records.NoteQuery{FromFile: form.ID}, "scribe"); len(got) != 0 {
		t.Errorf("the scribe learns what comes from a file it may not see: %v", got)
	}
	if got := list(records.NoteQuery{}, "scribe"); len(got) != 3 {
		t.Errorf("the scribe reads %d notes", len(got))
	}
}

func TestNoteIsAsConfidentialAsItsSources(t *testing.T) {
	c := open(t)
	audio, form := c.upload("recorder", recording(), webm), c.upload("clinician", intake(), pdf)
	if _, err := c.admin().Exec(`UPDATE file SET confidentiality = 1 WHERE id = $1`, string(audio.ID)); err != nil {
		t.Fatal(err)
	}
	n := c.draft("clinician", func(in *records.CreateNote) { in.DerivedFrom = []string{string(form.ID), string(audio.ID)} })
	if n.Confidentiality != clinical.Restricted {
		t.Fatalf("confidentiality %d", n.Confidentiality)
	}
	// The scribe's clearance is lower: neither the recording nor the note is there for it.
	_, err := c.Records.Note(t.Context(), c.As("scribe"), n.ID)
	c.wantKind(err, clinical.NotFound)
	_, err = c.tryDraft("scribe", func(in *records.CreateNote) { in.DerivedFrom = []string{string(audio.ID)} })
	c.wantKind(err, clinical.NotFound)
	// It stays so when the source is taken out, and in what comes from the note.
	n, err = c.Records.UpdateNoteDraft(t.Context(), c.As("clinician"), records.UpdateNoteDraft{Note: n.ID, Version: 1, Draft: "x", DerivedFrom: []string{}})
	if err != nil || len(n.Sources) != 0 || n.Confidentiality != clinical.Restricted {
		t.Errorf("without its source: %+v (%v)", n, err)
	}
	amendment, err := c.amend("clinician", c.mustSign("clinician", n), "")
	if err != nil || amendment.Confidentiality != clinical.Restricted {
		t.Errorf("amendment: %+v (%v)", amendment, err)
	}
}

func TestSpansOfARecording(t *testing.T) {
	c := open(t)
	audio, form := c.upload("recorder", recording(), webm), c.upload("clinician", intake(), pdf)
	if _, err := c.admin().Exec(`UPDATE file SET duration = 60 WHERE id = $1`, string(audio.ID)); err != nil {
		t.Fatal(err)
	}
	at := func(f float64) *float64 { return &f }
	n := c.draft("scribe", func(in *records.CreateNote) {
		in.Sources = []records.NoteSource{{audio.ID, at(12.5), at(19)}, {audio.ID, at(30), nil}, {audio.ID, nil, at(0.0301)}, {audio.ID, at(12.5), at(19)}}
		in.DerivedFrom = []string{string(audio.ID)}
	})
	var got []string
	for _, r := range n.SourceRefs() {
		got = append(got, r.Fragment)
	}
	if want := []string{"t=12.5,19.0", "t=30.0", "t=0.0,0.03"}; !slices.Equal(got, want) {
		t.Errorf("spans %v, want %v", got, want)
	}
	if files := n.Files(); len(files) != 1 || files[0] != audio.ID {
		t.Errorf("files %v", files)
	}
	nan := 0.0
	nan /= nan
	for name, s := range map[string]records.NoteSource{
		"a form":          {form.ID, at(1), at(2)},
		"backwards":       {audio.ID, at(2), at(1)},
		"nothing":         {audio.ID, at(2), at(2)},
		"before the tape": {audio.ID, at(-1), nil},
		"past the end":    {audio.ID, at(59), at(60.5)},
		"no number":       {audio.ID, &nan, nil},
	} {
		_, err := c.tryDraft("clinician", func(in *records.CreateNote) { in.Sources = []records.NoteSource{s} })
		if f := clinical.AsFailure(err); f == nil || f.Kind != clinical.Invalid || f.Field != "sources" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestUploadBecomesASourceOfItsDraft(t *testing.T) {
	c := open(t)
	n := c.draft("clinician")
	in := recording()
	in.Note = n.ID
	f := c.upload("clinician", in, webm)
	now, err := c.Records.Note(t.Context(), c.As("clinician"), n.ID)
	if err != nil || now.Version != 2 || len(now.Sources) != 1 || now.Sources[0].File != f.ID || now.Text != n.Text {
		t.Fatalf("the draft: %+v (%v)", now, err)
	}
	files, err := c.Records.Files(t.Context(), c.As("clinician"), demo.Patient, records.FileQuery{Note: n.ID, Page: clinical.Page{First: 5}})
	if err != nil || len(files.Items) != 1 || files.Items[0].ID != f.ID {
		t.Errorf("files of the note: %+v (%v)", files.Items, err)
	}
	hidden, err := c.Records.Files(t.Context(), c.As("clerk"), demo.Patient, records.FileQuery{Note: n.ID, Page: clinical.Page{First: 5}})
	if err != nil || len(hidden.Items) != 0 {
		t.Errorf("files of a note the clerk may not see: %+v (%v)", hidden.Items, err)
	}
	_, err = c.tryUpload("clerk", records.BeginUpload{Patient: demo.Patient, Kind: "consent", ContentType: "application/pdf", Note: n.ID}, pdf)
	if f := clinical.AsFailure(err); f == nil || f.Kind != clinical.NotFound || f.Field != "noteId" {
		t.Errorf("the clerk: %v", err)
	}
	other := intake()
	other.Patient, other.Note = demo.SecondPatient, n.ID
	_, err = c.tryUpload("clinician", other, pdf)
	c.wantKind(err, clinical.Invalid)

	// A draft that is signed while the bytes are under way stays as it was signed.
	size := int64(len(webm))
	in.Length = &size
	begun, err := c.Records.BeginUpload(t.Context(), c.As("clinician"), in)
	if err != nil {
		t.Fatal(err)
	}
	signed := c.mustSign("clinician", now)
	up, err := c.Records.OpenUpload(t.Context(), c.As("clinician"), begun.Upload.ID, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer up.Release()
	if _, err := up.Receive(t.Context(), strings.NewReader(string(webm)), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := up.Finish(t.Context(), false); err != nil {
		t.Fatalf("the file was not stored: %v", err)
	}
	if now, _ = c.Records.Note(t.Context(), c.As("clinician"), n.ID); now.Version != signed.Version || len(now.Sources) != 1 {
		t.Errorf("the signed note: %+v", now)
	}
	_, err = c.tryUpload("clinician", in, webm)
	c.wantKind(err, clinical.Invalid)
}

// A file is told of when a note first names it as a source, whether the note is
// new, edited, amended or what the file was uploaded for; once for all its spans,
// and to nobody who may not see the file.
func TestFilesAreToldOfTheirNotes(t *testing.T) {
	c := open(t)
	ctx, actor := patience(t), c.As("clinician")
	audio, form := c.upload("clinician", recording(), webm), c.upload("clinician", intake(), pdf)
	told := follow(t, c.Records.WatchFiles(ctx, actor, demo.Patient, nil))
	if e := told.want(); e.File != form.ID {
		t.Fatalf("the newest: %+v", e)
	}
	want := func(when, event string, file clinical.FileID) {
		t.Helper()
		if e := told.want(); e.Type != event || e.File != file {
			t.Fatalf("%s: %+v, want %s of %s", when, e, event, file)
		}
	}
	start, end := 0.0, 0.5
	n, err := c.Records.CreateNote(ctx, actor, records.CreateNote{
		Patient: demo.Patient, Draft: "S: better", Sources: []records.NoteSource{{File: audio.ID, End: &end}, {File: audio.ID, Start: &start}},
	})
	if err != nil {
		t.Fatal(err)
	}
	want("created", "file.linked", audio.ID)
	edit := records.UpdateNoteDraft{Note: n.ID, Version: 1, Draft: "S: much better", DerivedFrom: []string{string(audio.ID), string(form.ID)}}
	if n, err = c.Records.UpdateNoteDraft(ctx, actor, edit); err != nil {
		t.Fatal(err)
	}
	want("edited", "file.linked", form.ID)
	photo := intake()
	photo.Note = n.ID
	third := c.upload("clinician", photo, pdf)
	kinds := map[string]bool{}
	for range 2 {
		e := told.want()
		kinds[e.Type] = e.File == third.ID
	}
	if !kinds["file.created"] || !kinds["file.linked"] {
		t.Fatalf("uploaded for it: %v", kinds)
	}
	if n, err = c.Records.Note(ctx, actor, n.ID); err != nil {
		t.Fatal(err)
	}
	signed := c.mustSign("clinician", n)
	if _, err := c.Records.AmendNote(ctx, actor, records.AmendNote{Note: signed.ID, Draft: "S: worse", Reason: "misheard", DerivedFrom: []string{string(form.ID)}}); err != nil {
		t.Fatal(err)
	}
	want("amended", "file.linked", form.ID)
}
