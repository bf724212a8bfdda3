package store

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

// The same call with the same key makes one thing, however many make it at once.
func TestRememberOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	actor := clinical.NewID[clinical.ActorID](noon)
	call := func(key string, input []byte) (made, existing string, err error) {
		made = clinical.NewID[string](noon)
		err = h.db.InTx(h.Context(), north, func(ctx context.Context, tx *Tx) error {
			existing, err = tx.Remember(ctx, actor, "createUpload", key, input, made)
			if err != nil || existing != "" {
				return err
			}
			return tx.InsertPatient(ctx, clinical.Patient{ID: clinical.PatientID(made), Tenant: north, CreatedAt: noon, CreatedBy: actor}, nil)
		})
		return made, existing, err
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	results := map[string]int{}
	for range 16 {
		all.Go(func() {
			made, existing, err := call("key-0001", []byte("input"))
			if err != nil {
				t.Error(err)
			}
			if existing != "" {
				made = existing
			}
			mu.Lock()
			defer mu.Unlock()
			results[made]++
		})
	}
	all.Wait()
	if len(results) != 1 {
		t.Errorf("16 calls made %d things", len(results))
	}
	_, _, err := call("key-0001", []byte("other input"))
	wantKind(t, err, clinical.Conflict)
	if field := clinical.AsFailure(err).Field; field != "idempotencyKey" {
		t.Errorf("the field is %q", field)
	}
	// Another key, verb or actor is another call; so is the same when the first one failed.
	if _, existing, err := call("key-0002", []byte("input")); err != nil || existing != "" {
		t.Errorf("another key: %q (%v)", existing, err)
	}
	failing := h.db.InTx(h.Context(), north, func(ctx context.Context, tx *Tx) error {
		_, err := tx.Remember(ctx, actor, "createUpload", "key-0003", []byte("input"), clinical.NewID[string](noon))
		check(t, err)
		return errors.New("fails")
	})
	wantKind(t, failing, clinical.Internal)
	if _, existing, err := call("key-0003", []byte("input")); err != nil || existing != "" {
		t.Errorf("after a failure: %q (%v)", existing, err)
	}
	h.in(north, func(ctx context.Context, tx *Tx) error { return tx.Forget(ctx, time.Now().Add(time.Minute)) })
	if _, existing, err := call("key-0001", []byte("other input")); err != nil || existing != "" {
		t.Errorf("after forgetting: %q (%v)", existing, err)
	}
}

func TestLinks(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.patient(north)
	f, g := h.file(p), h.file(p)
	doctor, colleague, admin := h.clinician(north, p.ID), h.clinician(north, p.ID), h.user(north, clinical.Admin)
	link := func(f clinical.File, a clinical.Actor) clinical.Link {
		l := newLink(f)
		l.Actor = a.ID
		h.in(north, func(ctx context.Context, tx *Tx) error { return tx.InsertLink(ctx, l) })
		return l
	}
	mine, others, ofOtherFile := link(f, doctor), link(f, colleague), link(g, doctor)
	expired := noon.Add(time.Hour)
	h.in(north, func(ctx context.Context, tx *Tx) error {
		got, err := tx.LinkByToken(ctx, mine.TokenHash)
		same(t, got, mine, err)
		_, err = tx.LinkByToken(ctx, []byte("unknown"))
		wantKind(t, err, clinical.NotFound)
		check(t, tx.MarkUsed(ctx, mine.ID, noon.Add(time.Second)))
		check(t, tx.MarkUsed(ctx, mine.ID, noon.Add(time.Minute)))
		used := noon.Add(time.Second)
		mine.UsedAt = &used
		wantKind(t, tx.MarkUsed(ctx, clinical.NewID[clinical.LinkID](noon), noon), clinical.NotFound)

		own := h.filter(doctor, policy.ReadLink, policy.Link)
		links, err := tx.Links(ctx, own, LinkQuery{File: f.ID})
		same(t, links, []clinical.Link{mine}, err)
		links, err = tx.Links(ctx, own, LinkQuery{Patient: p.ID, LiveAt: &expired})
		same(t, len(links), 0, err)
		links, err = tx.Links(ctx, own, LinkQuery{Patient: p.ID, LiveAt: &noon})
		same(t, len(links), 2, err)
		_, err = tx.Links(ctx, own, LinkQuery{LiveAt: &noon})
		wantKind(t, err, clinical.Invalid)
		_, err = tx.RevokeLinks(ctx, own, LinkQuery{}, noon, "asked to")
		wantKind(t, err, clinical.Invalid)

		// Whose links may be ended is the gate's to say.
		revoked, err := tx.RevokeLinks(ctx, h.filter(doctor, policy.RevokeLink, policy.Link), LinkQuery{ID: others.ID}, noon, "asked to")
		same(t, len(revoked), 0, err)
		revoked, err = tx.RevokeLinks(ctx, h.filter(admin, policy.RevokeLink, policy.Link), LinkQuery{Actor: colleague.ID}, noon, "asked to")
		others.RevokedAt, others.RevokedBy, others.RevokedReason = &noon, admin.ID, "asked to"
		same(t, revoked, []clinical.Link{others}, err)
		revoked, err = tx.RevokeLinks(ctx, h.filter(admin, policy.RevokeLink, policy.Link), LinkQuery{Actor: colleague.ID}, expired, "asked to")
		same(t, len(revoked), 0, err)

		subject, err := tx.FileSubject(ctx, g.ID)
		check(t, err)
		revoked, err = tx.RevokeFileLinks(ctx, h.decide(doctor, policy.RefileFile, subject), noon)
		ofOtherFile.RevokedAt = &noon
		same(t, revoked, []clinical.Link{ofOtherFile}, err)
		links, err = tx.FileLinks(ctx, h.decide(doctor, policy.RefileFile, subject))
		same(t, links, []clinical.Link{ofOtherFile}, err)
		return nil
	})
}

// Two fetches of a single-use link wait for each other, and the second finds it used.
func TestLinkByTokenHoldsTheLink(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	l := newLink(h.file(h.patient(north)))
	h.in(north, func(ctx context.Context, tx *Tx) error { return tx.InsertLink(ctx, l) })
	fetch := func(between func()) (state clinical.LinkState, err error) {
		err = h.db.InTx(h.Context(), north, func(ctx context.Context, tx *Tx) error {
			got, err := tx.LinkByToken(ctx, l.TokenHash)
			if err != nil {
				return err
			}
			state = got.State(noon)
			between()
			return tx.MarkUsed(ctx, got.ID, noon)
		})
		return state, err
	}
	second := make(chan clinical.LinkState, 1)
	first, err := fetch(func() {
		go func() {
			state, err := fetch(func() {})
			if err != nil {
				t.Error(err)
			}
			second <- state
		}()
		for waiting := 0; waiting == 0 && len(second) == 0; {
			check(t, h.db.pool.QueryRow(h.Context(), `SELECT count(*) FROM pg_stat_activity
				 WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&waiting))
		}
	})
	same(t, first, clinical.LinkLive, err)
	same(t, <-second, clinical.LinkUsed, nil)
}

// Whoever listens hears of an event when it commits, and never of one that did not.
func TestOutboxNotifiesOnCommit(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	f := h.file(h.patient(north))
	ctx, stop := context.WithCancel(h.Context())
	defer stop()
	ready, heard, ended := make(chan struct{}), make(chan Event, 10), make(chan error, 1)
	go func() { ended <- h.db.ListenEvents(ctx, func() { close(ready) }, func(e Event) { heard <- e }) }()
	<-ready
	lost, kept := newEvent(f), newEvent(f)
	_ = h.db.InTx(h.Context(), north, func(ctx context.Context, tx *Tx) error {
		check(t, tx.AppendOutbox(ctx, lost))
		return errors.New("fails")
	})
	h.in(north, func(ctx context.Context, tx *Tx) error { return tx.AppendOutbox(ctx, kept) })
	same(t, <-heard, kept, nil)
	stop()
	wantKind(t, <-ended, clinical.Unavailable)
}

func TestOutboxDelivery(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	f := h.file(h.patient(north))
	e, later := newEvent(f), newEvent(f)
	later.At = time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond)
	h.in(north, func(ctx context.Context, tx *Tx) error {
		check(t, tx.AppendOutbox(ctx, e))
		return tx.AppendOutbox(ctx, later)
	})
	due := func() []DueEvent {
		work, err := h.db.OutboxWork(h.Context(), 10)
		check(t, err)
		return work
	}
	claim := func(retry time.Time) (attempt int, err error) {
		err = h.db.InTx(h.Context(), north, func(ctx context.Context, tx *Tx) error {
			got, n, err := tx.ClaimEvent(ctx, e.ID, retry)
			if err == nil {
				same(t, got, e, nil)
			}
			attempt = n
			return err
		})
		return attempt, err
	}
	same(t, due(), []DueEvent{{north, e.ID}}, nil)
	attempt, err := claim(time.Now().Add(time.Minute))
	same(t, attempt, 1, err)
	same(t, len(due()), 0, nil)
	_, err = claim(time.Now())
	wantKind(t, err, clinical.NotFound)
	h.in(north, func(ctx context.Context, tx *Tx) error { return tx.MarkFailed(ctx, e.ID, noon) })
	attempt, err = claim(noon) // the one who took it dies, so it is due again
	same(t, attempt, 2, err)
	same(t, due(), []DueEvent{{north, e.ID}}, nil)
	h.in(north, func(ctx context.Context, tx *Tx) error { return tx.MarkDelivered(ctx, e.ID, time.Now()) })
	same(t, len(due()), 0, nil)

	h.in(north, func(ctx context.Context, tx *Tx) error { // "later" is not due yet, and may be given up all the same
		check(t, tx.MarkDead(ctx, later.ID, time.Now()))
		wantKind(t, tx.MarkDead(ctx, e.ID, time.Now()), clinical.NotFound)
		return nil
	})
	h.in(north, func(ctx context.Context, tx *Tx) error { return tx.MarkFailed(ctx, later.ID, noon) })
	same(t, len(due()), 0, nil)
	err = h.db.InTx(h.Context(), north, func(ctx context.Context, tx *Tx) error {
		_, _, err := tx.ClaimEvent(ctx, later.ID, noon)
		return err
	})
	wantKind(t, err, clinical.NotFound)
}

func TestGarbage(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.in(north, func(ctx context.Context, tx *Tx) error {
		check(t, tx.AddGarbage(ctx, "north/a", ""))
		check(t, tx.AddGarbage(ctx, "north/a", ""))
		return tx.AddGarbage(ctx, "north/a", "multipart")
	})
	work, err := h.db.GarbageWork(h.Context(), 10)
	same(t, len(work), 2, err)
	h.in(north, func(ctx context.Context, tx *Tx) error {
		check(t, tx.DropGarbage(ctx, "north/a", ""))
		return tx.DropGarbage(ctx, "north/a", "")
	})
	work, err = h.db.GarbageWork(h.Context(), 10)
	same(t, work, []Garbage{{north, "north/a", "multipart"}}, err)
}

func TestUploadToken(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	u := h.upload(h.patient(north))
	h.in(north, func(ctx context.Context, tx *Tx) error {
		check(t, tx.SetUploadToken(ctx, u.ID, []byte("another")))
		hash, _, err := tx.UploadToken(ctx, u.ID)
		same(t, hash, []byte("another"), err)
		check(t, tx.SetUploadToken(ctx, u.ID, nil))
		hash, _, err = tx.UploadToken(ctx, u.ID)
		same(t, hash, nil, err)
		wantKind(t, tx.SetUploadToken(ctx, clinical.NewID[clinical.UploadID](noon), nil), clinical.NotFound)
		return nil
	})
}
