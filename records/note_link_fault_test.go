package records_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/clinictest"
	"github.com/bonfiredb/bonfire/internal/faultproxy"
	"github.com/bonfiredb/bonfire/records"
)

// TestP3_KilledLinkToANoteLeavesNoObject kills the server at each of the calls to
// database and bucket that the first link to a note takes, before the call and
// after it: each object is named by a row, what no link leads to goes, and the
// next link serves the text.
func TestP3_KilledLinkToANoteLeavesNoObject(t *testing.T) {
	calm := openDamaged(t)
	calm.ahead = 2 * time.Hour
	way := newPeril(t, calm.Env)
	clinician, killed := calm.As("clinician"), 0
	for n, done := 1, false; !done; n++ {
		for _, fate := range []faultproxy.Fate{faultproxy.Refused, faultproxy.Lost} {
			note := calm.draft("clinician")
			mortal := clinictest.New(t, clinictest.Setup{Env: &way.env}) // whose connections did not die with the last one
			var err error
			done = !way.killed(t, n, fate, func(ctx context.Context) {
				_, err = mortal.Records.SignedURL(ctx, clinician, records.SignedURL{Document: string(note.ID)})
			})
			_ = mortal.Store.Close()
			if !done {
				killed++
			} else if err != nil {
				t.Fatal(err)
			}

			if found, _ := calm.compare(records.DriftCheck{}); len(found) > 0 {
				t.Fatalf("killed at call %d (%d): %v", n, fate, found)
			}
			calm.exec(`UPDATE blob_garbage SET not_before = now() - interval '1 second', settles = now() - interval '1 second'`)
			if err := calm.Records.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
			if found, _ := calm.compare(records.DriftCheck{Deep: true}); len(found) > 0 || calm.count(calm.admin, `SELECT count(*) FROM blob_garbage`) > 0 {
				t.Fatalf("killed at call %d (%d), swept: %v", n, fate, found)
			}
			objects := 0
			for _, err := range calm.Bucket.List(t.Context(), string(note.Tenant)+"/") {
				calm.must(err)
				objects++
			}
			if rows := calm.texts(); rows != objects {
				t.Fatalf("killed at call %d (%d): %d objects of %d rows", n, fate, objects, rows)
			}
			if got := calm.fetch(calm.noteLink(note, records.SignedURL{}).URL); got != note.Text {
				t.Fatalf("killed at call %d (%d), then served %q", n, fate, got)
			}
		}
		if n > 200 {
			t.Fatal("a link has no end")
		}
	}
	if killed < 20 {
		t.Errorf("killed %d times only", killed)
	}
}

// A copy that is missing or spoilt is named, and a repair makes way for another:
// the row is the text.
func TestP3_ACopyOfATextIsMadeAnew(t *testing.T) {
	d := openDamaged(t)
	lost, spoilt, short := d.draft("clinician"), d.draft("clinician"), d.draft("clinician")
	for _, n := range []clinical.Note{lost, spoilt, short} {
		d.noteLink(n, records.SignedURL{})
	}
	d.ahead = 2 * time.Hour
	if found, _ := d.compare(records.DriftCheck{Deep: true, Repair: true}); len(found) > 0 {
		t.Fatalf("whole copies: %v", found)
	}
	keys := map[clinical.NoteID]string{lost.ID: d.key(lost, 1), spoilt.ID: d.key(spoilt, 1), short.ID: d.key(short, 1)}
	d.remove(keys[lost.ID])
	d.put(keys[spoilt.ID], "S: worse \nP: rest"[:len(spoilt.Text)])
	d.put(keys[short.ID], "S:")
	found, report := d.compare(records.DriftCheck{Deep: true, Repair: true})
	want := map[string]bool{
		"row-without-object " + keys[lost.ID] + " Note " + string(lost.ID) + " repaired": true,
		"digest-differs " + keys[spoilt.ID] + " Note " + string(spoilt.ID) + " repaired": true,
		"size-differs " + keys[short.ID] + " Note " + string(short.ID) + " repaired":     true,
	}
	for _, f := range found {
		if !want[f] {
			t.Errorf("found %s", f)
		}
	}
	if len(found) != 3 || report.Left() != 0 {
		t.Errorf("%v, %d left", found, report.Left())
	}
	for _, n := range []clinical.Note{lost, spoilt, short} {
		if got := d.fetch(d.noteLink(n, records.SignedURL{}).URL); got != n.Text || d.exists(keys[n.ID]) {
			t.Errorf("%q, the old one there: %t", got, d.exists(keys[n.ID]))
		}
	}
	if found, _ := d.compare(records.DriftCheck{Deep: true}); len(found) > 0 {
		t.Errorf("left: %v", found)
	}
	e := d.events("removeOrphan")
	if len(e) != 3 || e[0].Patient != lost.Patient || e[0].Entities[0].Type != "DocumentReference" {
		t.Errorf("%d on the trail: %+v", len(e), e)
	}
}

// The bucket is away: the caller is told so, and may ask again.
func TestALinkToANoteWhileTheBucketIsAway(t *testing.T) {
	c := open(t)
	n := c.draft("clinician")
	s3, err := faultproxy.NewS3(c.Env.Endpoint, func(faultproxy.Op) faultproxy.Fate { return faultproxy.Refused })
	c.must(err)
	defer s3.Close()
	env := *c.Env
	env.Endpoint = s3.URL
	away := clinictest.New(t, clinictest.Setup{Env: &env})
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	l, err := away.Records.SignedURL(ctx, away.As("clinician"), records.SignedURL{Document: string(n.ID)})
	if l.URL != "" || !clinical.Is(err, clinical.Unavailable) {
		t.Errorf("%q, %v", l.URL, err)
	}
	if res, _ := get(t, c.noteLink(n, records.SignedURL{}).URL); res.StatusCode != http.StatusOK {
		t.Errorf("asked again: %s", res.Status)
	}
}
