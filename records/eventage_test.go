package records_test

import (
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/records"
)

// Old events go, except a patient's newest and what waits for delivery; a cursor
// goes on, or says that it cannot: it never skips an event in silence.
func TestForgottenEventsAndTheirCursors(t *testing.T) {
	c := open(t)
	db, ctx, actor := c.admin(), patience(t), c.As("clinician")
	old := func() {
		t.Helper()
		if _, err := db.Exec(`UPDATE outbox SET created_at = created_at - interval '100 days', next_at = next_at - interval '100 days'`); err != nil {
			t.Fatal(err)
		}
	}
	forget := func(want int) {
		t.Helper()
		if err := c.Records.ForgetEvents(ctx, 90*24*time.Hour); err != nil {
			t.Fatal(err)
		}
		if got := c.count(db, `SELECT count(*) FROM outbox`); got != want {
			t.Fatalf("%d events are left, want %d", got, want)
		}
	}
	events := func(cursor string) watching[records.FileChange] {
		return follow(t, c.Records.WatchFiles(ctx, actor, demo.Patient, &cursor))
	}
	for range 4 {
		c.upload("clinician", intake(), pdf)
	}
	w := events("")
	first, second, third, fourth := w.want(), w.want(), w.want(), w.want()
	forget(4) // young

	old()
	if _, err := db.Exec(`UPDATE outbox SET next_at = now() WHERE place = 3`); err != nil { // being delivered
		t.Fatal(err)
	}
	forget(2)
	events(first.Cursor).wantEnd(clinical.Gone)
	if got := events(second.Cursor).want(); got.File != third.File {
		t.Errorf("behind the second is %+v, want the third", got)
	}
	if got := events("").want(); got.File != third.File {
		t.Errorf("the beginning is %+v, want the third", got)
	}

	old()
	forget(1)
	events(second.Cursor).wantEnd(clinical.Gone)
	c.upload("clinician", intake(), pdf)
	w = events(fourth.Cursor)
	if fifth := w.want(); fifth.Cursor != "5" {
		t.Errorf("the next place is %s, want 5: one was given twice, or left out", fifth.Cursor)
	}

	// Events that nobody has read are given places before they go.
	for range 2 {
		c.upload("clinician", intake(), pdf)
	}
	old()
	forget(1)
	events("5").wantEnd(clinical.Gone)
	if got := events("6").want(); got.Cursor != "7" {
		t.Errorf("got %+v, want the seventh", got)
	}
}
