package records_test

import (
	"bytes"
	"context"
	"iter"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/clinictest"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/records"
	"github.com/bonfiredb/bonfire/store"
)

// replicas are two servers of one clinic that hear of each other.
func replicas(t *testing.T) (a, b clinic) {
	t.Helper()
	a = open(t)
	b = open(t, clinictest.Setup{Env: a.Env})
	for _, c := range []clinic{a, b} {
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- c.Records.Listen(ctx) }()
		t.Cleanup(func() {
			stop()
			if err := <-ended; err != nil {
				t.Errorf("listen: %v", err)
			}
		})
	}
	return a, b
}

// watching pulls from a watch, with a limit to patience.
type watching[T any] struct {
	t    *testing.T
	next func() (T, error, bool)
}

func follow[T any](t *testing.T, events iter.Seq2[T, error]) watching[T] {
	t.Helper()
	next, stop := iter.Pull2(events)
	t.Cleanup(stop)
	return watching[T]{t, next}
}

func (w watching[T]) want() T {
	w.t.Helper()
	v, err, ok := w.next()
	if !ok || err != nil {
		w.t.Fatalf("ended %v, error %v", !ok, err)
	}
	return v
}

func (w watching[T]) wantEnd(kind clinical.Kind) {
	w.t.Helper()
	_, err, ok := w.next()
	if !ok || !clinical.Is(err, kind) {
		w.t.Fatalf("ended %v, error %v, want %s", !ok, err, kind)
	}
	if _, _, ok := w.next(); ok {
		w.t.Error("it goes on after its error")
	}
}

func patience(t *testing.T) context.Context {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(stop)
	return ctx
}

// An upload that one replica receives is followed at the other, to its end.
func TestWatchUploadAcrossReplicas(t *testing.T) {
	here, there := replicas(t)
	ctx, actor := patience(t), here.As("clinician")
	size := int64(len(pdf))
	in := intake()
	in.Length = &size
	begun, err := here.Records.BeginUpload(ctx, actor, in)
	if err != nil {
		t.Fatal(err)
	}
	w := follow(t, there.Records.WatchUpload(ctx, actor, begun.Upload.ID))
	if u := w.want(); u.State != clinical.UploadOpen || u.Offset != 0 {
		t.Fatalf("first: %s at %d", u.State, u.Offset)
	}
	send := func(part []byte) {
		up, err := here.Records.OpenUpload(ctx, actor, begun.Upload.ID, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer up.Release()
		if _, err := up.Receive(ctx, bytes.NewReader(part), nil); err != nil {
			t.Fatal(err)
		}
		if len(part) > 10 {
			if _, err := up.Finish(ctx, false); err != nil {
				t.Fatal(err)
			}
		}
	}
	send(pdf[:10])
	if u := w.want(); u.Offset != 10 {
		t.Fatalf("%s at %d, want 10", u.State, u.Offset)
	}
	send(pdf[10:])
	last := w.want()
	for last.State != clinical.UploadCompleted {
		last = w.want()
	}
	if _, _, ok := w.next(); ok || last.Offset != size {
		t.Errorf("at %d of %d, and it goes on: %v", last.Offset, size, ok)
	}
	if events := here.events("uploadProgress"); len(events) != 1 || events[0].Outcome != clinical.Success {
		t.Errorf("audit: %+v", events)
	}
	if u := follow(t, here.Records.WatchUpload(ctx, actor, begun.Upload.ID)).want(); u.State != clinical.UploadCompleted {
		t.Errorf("afterwards: %s", u.State)
	}
}

func TestP4_WatchUploadOfAnother(t *testing.T) {
	c := open(t)
	begun, err := c.Records.BeginUpload(t.Context(), c.As("clinician"), intake())
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []clinical.UploadID{begun.Upload.ID, nobody, "x"} {
		follow(t, c.Records.WatchUpload(patience(t), c.As("colleague"), id)).wantEnd(clinical.NotFound)
	}
	follow(t, c.Records.WatchUpload(patience(t), clinical.Actor{}, begun.Upload.ID)).wantEnd(clinical.Unauthenticated)
}

// Files that come in at one replica are told at the other, in order, and a
// watcher who comes back with a cursor goes on where they left.
func TestWatchFilesAcrossReplicasAndByCursor(t *testing.T) {
	here, there := replicas(t)
	ctx, actor := patience(t), here.As("clinician")
	before := []clinical.File{here.upload("clinician", intake(), pdf), here.upload("clinician", intake(), pdf)}
	w := follow(t, there.Records.WatchFiles(ctx, actor, demo.Patient, nil))
	first := w.want()
	if first.File != before[1].ID || first.Type != "file.created" {
		t.Fatalf("first: %+v, want the newest file %s", first, before[1].ID)
	}
	third := here.upload("clinician", intake(), pdf)
	second := w.want()
	if second.File != third.ID {
		t.Fatalf("then: %+v", second)
	}
	title := "Renamed"
	if _, err := here.Records.UpdateFile(ctx, actor, records.UpdateFile{File: third.ID, Version: third.Version, Title: &title}); err != nil {
		t.Fatal(err)
	}
	if e := w.want(); e.File != third.ID || e.Type != "file.updated" {
		t.Fatalf("then: %+v", e)
	}
	again := follow(t, here.Records.WatchFiles(ctx, actor, demo.Patient, &first.Cursor))
	if e := again.want(); e != second {
		t.Errorf("with a cursor: %+v, want %+v", e, second)
	}
	all := ""
	everything := follow(t, here.Records.WatchFiles(ctx, actor, demo.Patient, &all))
	for i, want := range []clinical.FileID{before[0].ID, before[1].ID, third.ID, third.ID} {
		if e := everything.want(); e.File != want {
			t.Errorf("event %d is of %s, want %s", i, e.File, want)
		}
	}
	if events := here.events("fileEvents"); len(events) != 3 || events[0].Patient != demo.Patient {
		t.Errorf("%d audit events, want one for each watch", len(events))
	}
	wrong := "abc"
	_, err, _ := follow(t, here.Records.WatchFiles(ctx, actor, demo.Patient, &wrong)).next()
	if f := clinical.AsFailure(err); f == nil || f.Kind != clinical.Invalid || f.Field != "afterCursor" {
		t.Errorf("got %v", err)
	}
}

// Without notifications watchers look by themselves.
func TestWatchFilesUnfed(t *testing.T) {
	c := open(t)
	w := follow(t, c.Records.WatchFiles(patience(t), c.As("clinician"), demo.Patient, nil))
	told := make(chan records.FileChange, 1)
	go func() {
		e, _, _ := w.next()
		told <- e
	}()
	f := c.upload("clinician", intake(), pdf)
	if e := <-told; e.File != f.ID {
		t.Errorf("got %+v, want %s", e, f.ID)
	}
}

// TestP4_WatcherHearsWhatTheyMaySee: what is hidden from a watcher is passed
// over, and a chart that is hidden is not there.
func TestP4_WatcherHearsWhatTheyMaySee(t *testing.T) {
	c := open(t)
	lab := intake()
	lab.Kind = "lab-report"
	c.upload("clinician", lab, pdf) // not for the clerk
	form := c.upload("clinician", intake(), pdf)
	c.upload("clinician", lab, pdf)
	all := ""
	for _, after := range []*string{nil, &all} {
		w := follow(t, c.Records.WatchFiles(patience(t), c.As("clerk"), demo.Patient, after))
		if e := w.want(); e.File != form.ID {
			t.Errorf("the clerk hears of %s, want %s", e.File, form.ID)
		}
	}
	for _, who := range []string{"colleague", "outsider"} {
		for _, patient := range []clinical.PatientID{demo.Patient, nobody, "x"} {
			follow(t, c.Records.WatchFiles(patience(t), c.As(who), patient, nil)).wantEnd(clinical.NotFound)
		}
	}
}

// TestP4_RightsThatEndEndTheStream: a membership or a panel that ends while a
// stream is open is felt by its next event.
func TestP4_RightsThatEndEndTheStream(t *testing.T) {
	here, there := replicas(t)
	actor := here.As("clinician")
	here.upload("clinician", intake(), pdf)
	begun, err := here.Records.BeginUpload(t.Context(), here.As("colleague"), records.BeginUpload{
		Patient: demo.ColleaguePatient, Kind: "intake-form", ContentType: "application/pdf",
	})
	if err != nil {
		t.Fatal(err)
	}
	files := follow(t, there.Records.WatchFiles(patience(t), actor, demo.Patient, nil))
	files.want()
	progress := follow(t, there.Records.WatchUpload(patience(t), here.As("colleague"), begun.Upload.ID))
	progress.want()

	here.endMembership("clinician")
	here.endMembership("colleague")
	here.tell(demo.Patient)
	files.wantEnd(clinical.Forbidden)
	progress.wantEnd(clinical.Forbidden) // by its own look: nothing happens to the upload
	if events := here.events("fileEvents"); len(events) != 2 || events[1].Outcome != clinical.MinorFailure || events[1].Rule != "membership-ended" {
		t.Errorf("audit: %+v", events)
	}
}

func TestP4_PatientHiddenMidStream(t *testing.T) {
	here, there := replicas(t)
	here.upload("clinician", intake(), pdf)
	w := follow(t, there.Records.WatchFiles(patience(t), here.As("clinician"), demo.Patient, nil))
	w.want()
	admin := here.As("admin")
	if _, err := here.Records.SetPanel(t.Context(), admin, records.SetPanel{
		Member: here.As("clinician").ID, Remove: []clinical.PatientID{demo.Patient},
	}); err != nil {
		t.Fatal(err)
	}
	here.tell(demo.Patient)
	w.wantEnd(clinical.NotFound)
}

// tell commits an event about a patient that nobody's verb made.
func (c clinic) tell(p clinical.PatientID) {
	c.t.Helper()
	now := time.Now()
	err := c.Store.InTx(c.t.Context(), demo.Harbor, func(ctx context.Context, tx *store.Tx) error {
		return tx.AppendOutbox(ctx, store.Event{
			ID: clinical.NewID[string](now), Tenant: demo.Harbor, Type: "file.updated", SubjectType: "DocumentReference",
			Subject: nobody, Patient: p, Version: 1, At: now,
		})
	})
	if err != nil {
		c.t.Fatal(err)
	}
}

// One principal cannot open streams without end.
func TestWatchesAreBounded(t *testing.T) {
	c := open(t)
	c.upload("clinician", intake(), pdf)
	ctx, stop := context.WithCancel(patience(t))
	defer stop()
	opened, refused := 0, false
	for range 201 {
		next, end := iter.Pull2(c.Records.WatchFiles(ctx, c.As("clinician"), demo.Patient, nil))
		defer end()
		switch _, err, _ := next(); {
		case err == nil:
			opened++
		case clinical.Is(err, clinical.Busy):
			refused = true
		default:
			t.Fatal(err)
		}
	}
	if opened != 200 || !refused {
		t.Errorf("%d opened, one refused: %v", opened, refused)
	}
}
