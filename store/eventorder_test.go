package store

import (
	"context"
	"sync"
	"testing"

	"github.com/bonfiredb/bonfire/clinical"
)

func (h *house) placed(f clinical.File, after int64) (out []PlacedEvent) {
	h.Helper()
	h.in(north, func(ctx context.Context, tx *Tx) (err error) {
		check(h, tx.PlaceEvents(ctx, f.Patient))
		out, err = tx.PatientEvents(ctx, f.Patient, "file.", after, 100)
		return err
	})
	return out
}

// An event with the smaller id commits after a reader has seen the one with the
// larger: it comes behind it, and the reader who goes on from there gets it.
func TestEventsThatCommitLateAreNotMissed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	f := h.file(h.patient(north))
	early, late := newEvent(f), newEvent(f)
	if early.ID > late.ID {
		early, late = late, early
	}
	written, seen, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- h.db.InTx(h.Context(), north, func(ctx context.Context, tx *Tx) error {
			if err := tx.AppendOutbox(ctx, early); err != nil {
				return err
			}
			close(written)
			<-seen
			return nil
		})
	}()
	<-written
	h.in(north, func(ctx context.Context, tx *Tx) error { return tx.AppendOutbox(ctx, late) })
	first := h.placed(f, 0)
	same(t, first, []PlacedEvent{{Event: late, Place: 1}}, nil)
	close(seen)
	check(t, <-done)
	same(t, h.placed(f, first[0].Place), []PlacedEvent{{Event: early, Place: 2}}, nil)

	h.in(north, func(ctx context.Context, tx *Tx) error {
		newest, err := tx.NewestEvents(ctx, f.Patient, "file.", 1)
		same(t, newest, []PlacedEvent{{Event: early, Place: 2}}, err)
		none, err := tx.PatientEvents(ctx, f.Patient, "note.", 0, 10)
		same(t, len(none), 0, err)
		none, err = tx.PatientEvents(ctx, "x", "file.", 0, 10)
		same(t, len(none), 0, err)
		return nil
	})
}

// However many write and read at once, whoever goes on from the last place seen
// sees every event once.
func TestEventsReadWhileTheyAreWritten(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	f := h.file(h.patient(north))
	const writers, each = 4, 15
	var work sync.WaitGroup
	for range writers {
		work.Go(func() {
			for range each {
				h.in(north, func(ctx context.Context, tx *Tx) error { return tx.AppendOutbox(ctx, newEvent(f)) })
			}
		})
	}
	for range 3 {
		work.Go(func() {
			seen, last := map[string]bool{}, int64(0)
			for len(seen) < writers*each && h.Context().Err() == nil {
				for _, e := range h.placed(f, last) {
					if seen[e.ID] || e.Place != last+1 {
						t.Errorf("place %d after %d, seen before: %v", e.Place, last, seen[e.ID])
					}
					seen[e.ID], last = true, e.Place
				}
			}
		})
	}
	work.Wait()
}
