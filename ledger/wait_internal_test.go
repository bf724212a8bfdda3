package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bonfiredb/bonfire/blob"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/store"
)

var errBusy error = clinical.Fail(clinical.Busy, "held", nil)

// A newcomer asks at once, soon again, and then four times a second until its
// patience is over.
func TestAwaitBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithTimeout(t.Context(), 15*time.Second)
		defer stop()
		began := time.Now()
		var asked []time.Duration
		err := await(ctx, func(context.Context) error {
			asked = append(asked, time.Since(began))
			return errBusy
		})
		if !clinical.Is(err, clinical.Busy) || time.Since(began) != 15*time.Second {
			t.Fatalf("%v after %v", err, time.Since(began))
		}
		ms := time.Millisecond
		if want := []time.Duration{0, 5 * ms, 15 * ms, 35 * ms, 75 * ms, 155 * ms, 315 * ms, 565 * ms, 815 * ms}; !slices.Equal(asked[:len(want)], want) {
			t.Errorf("asked at %v, want %v", asked[:len(want)], want)
		}
		if len(asked) > 70 {
			t.Errorf("asked %d times", len(asked))
		}
	})
}

// It has the upload within a quarter of a second of its being let go.
func TestAwaitComesSoonAfterTheRelease(t *testing.T) {
	for _, held := range []time.Duration{0, time.Millisecond, 100 * time.Millisecond, 3 * time.Second, 14 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			ctx, stop := context.WithTimeout(t.Context(), 15*time.Second)
			defer stop()
			began := time.Now()
			err := await(ctx, func(context.Context) error {
				if time.Since(began) < held {
					return errBusy
				}
				return nil
			})
			if late := time.Since(began) - held; err != nil || late > 250*time.Millisecond {
				t.Errorf("held for %v: %v, %v late", held, err, late)
			}
		})
	}
}

func TestAwaitEndsWithAnythingButBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		err := await(t.Context(), func(context.Context) error { n++; return clinical.Missing() })
		if !clinical.Is(err, clinical.NotFound) || n != 1 {
			t.Errorf("%v after %d", err, n)
		}
	})
}

// lifeOf runs a keeper whose renewals do what renew says, and tells when it
// believed its lease lost, 0 for never within a minute.
func lifeOf(t *testing.T, renew func(ctx context.Context, at time.Duration) (bool, error)) (lost time.Duration, wanted, beats int) {
	t.Helper()
	began, done := time.Now(), make(chan struct{})
	k := keeper{
		life: 15 * time.Second, every: 5 * time.Second,
		renew: func(ctx context.Context) (bool, error) {
			beats++
			return renew(ctx, time.Since(began))
		},
		wanted: func() { wanted++ },
		lost:   func() { lost = time.Since(began) },
	}
	over := make(chan struct{})
	go func() { k.run(done, began); close(over) }()
	time.Sleep(time.Minute)
	close(done)
	<-over
	return lost, wanted, beats
}

func TestKeeperBeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lost, wanted, beats := lifeOf(t, func(context.Context, time.Duration) (bool, error) { return false, nil })
		if lost != 0 || wanted != 0 || beats < 11 || beats > 12 {
			t.Errorf("lost %v, wanted %d, beats %d", lost, wanted, beats)
		}
	})
}

func TestKeeperHearsOfAWish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, wanted, _ := lifeOf(t, func(_ context.Context, at time.Duration) (bool, error) { return at == 10*time.Second, nil })
		if wanted != 1 {
			t.Errorf("told %d times", wanted)
		}
	})
}

// A lease that went to another writer is noticed at the next beat.
func TestKeeperNoticesALoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lost, _, beats := lifeOf(t, func(context.Context, time.Duration) (bool, error) { return false, store.ErrLeaseLost })
		if lost != 5*time.Second || beats != 1 {
			t.Errorf("lost after %v and %d beats", lost, beats)
		}
	})
}

// A database that does not answer costs the lease no sooner than its life, and
// not much later: then another may have it.
func TestKeeperStopsWhenItCannotRenew(t *testing.T) {
	away := clinical.Fail(clinical.Unavailable, "away", nil)
	for name, renew := range map[string]func(context.Context, time.Duration) (bool, error){
		"refused": func(context.Context, time.Duration) (bool, error) { return false, away },
		"hangs": func(ctx context.Context, _ time.Duration) (bool, error) {
			<-ctx.Done()
			return false, errors.Join(away, ctx.Err())
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			if lost, _, _ := lifeOf(t, renew); lost < 15*time.Second || lost > 20*time.Second {
				t.Errorf("%s: lost after %v", name, lost)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) { // it comes back in time
		lost, _, _ := lifeOf(t, func(_ context.Context, at time.Duration) (bool, error) {
			if at < 12*time.Second {
				return false, away
			}
			return false, nil
		})
		if lost != 0 {
			t.Errorf("lost after %v", lost)
		}
	})
}

// S3 is left alone for a while after it did not answer, and not a moment longer
// than it takes to answer again.
func TestAwayTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := New(Options{})
		away := func(want bool) {
			t.Helper()
			if e.away() != want {
				t.Errorf("away %v, want %v", e.away(), want)
			}
		}
		away(false)
		e.noted(errAway)
		away(true)
		time.Sleep(awayTime - time.Millisecond)
		away(true)
		time.Sleep(2 * time.Millisecond)
		away(false)
		e.noted(errAway)
		e.noted(nil)
		away(false)
		e.noted(errors.New("a verdict on one object"))
		away(false)
	})
}

var errAway = fmt.Errorf("%w", blob.ErrUnavailable)
