package events_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bonfiredb/bonfire/events"
)

func woken(w *events.Watch) bool {
	synctest.Wait()
	select {
	case <-w.C:
		return true
	default:
		return false
	}
}

func TestHubWakesWhoWatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var hub events.Hub
		a, _ := hub.Watch("x", "one", 0, nil)
		b, _ := hub.Watch("x", "one", 0, nil)
		c, _ := hub.Watch("x", "two", 0, nil)
		hub.Wake("one")
		hub.Wake("one")
		hub.Wake("nobody's")
		if !woken(a) || !woken(b) || woken(c) || woken(a) {
			t.Error("want those of the topic, once")
		}
		a.Close()
		a.Close()
		hub.Wake("one")
		if woken(a) || !woken(b) {
			t.Error("want those who still watch")
		}
		hub.Feed(true)
		if !hub.Fed() || !woken(b) || !woken(c) {
			t.Error("want all of them, who may have missed something")
		}
	})
}

// However many watch, one pulse is felt, and none once nobody watches.
func TestHubFeelsOnePulse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var hub events.Hub
		var felt atomic.Int64
		var now atomic.Value
		now.Store("a")
		var broken atomic.Bool
		pulse := func(context.Context) (string, error) {
			felt.Add(1)
			if broken.Load() {
				return "", errors.New("broken")
			}
			return now.Load().(string), nil
		}
		one, _ := hub.Watch("x", "u", time.Second, pulse)
		two, _ := hub.Watch("y", "u", time.Second, pulse)
		if !woken(one) || !woken(two) { // the first look
			t.Error("not woken by the first look")
		}
		time.Sleep(10*time.Second + time.Millisecond)
		if n := felt.Load(); n != 11 || woken(one) {
			t.Errorf("felt %d times", n)
		}
		now.Store("b")
		time.Sleep(time.Second)
		if !woken(one) || !woken(two) {
			t.Error("a change woke nobody")
		}
		broken.Store(true)
		time.Sleep(time.Second)
		if !woken(one) {
			t.Error("an error woke nobody")
		}
		one.Close()
		two.Close()
		synctest.Wait()
		before := felt.Load()
		time.Sleep(time.Minute)
		if felt.Load() != before {
			t.Error("felt though nobody watches")
		}
	})
}
