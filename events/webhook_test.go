package events_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/events"
	"github.com/bonfiredb/bonfire/internal/clinictest"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
	"github.com/bonfiredb/bonfire/store"
)

func TestMain(m *testing.M) { devtest.Main(m) }

const secret = "0123456789abcdef0123456789abcdef"

// announce commits events and gives their ids.
func announce(t *testing.T, c *clinictest.Clinic, n int, at time.Time) (ids []string) {
	t.Helper()
	for range n {
		e := store.Event{
			ID: clinical.NewID[string](at), Tenant: demo.Harbor, Type: "file.created", SubjectType: "Media",
			Subject: "00000000-0000-7000-8000-00000000beef", Patient: demo.Patient, Version: 3, At: at.UTC().Truncate(time.Microsecond),
		}
		if err := c.Store.InTx(t.Context(), demo.Harbor, func(ctx context.Context, tx *store.Tx) error { return tx.AppendOutbox(ctx, e) }); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, e.ID)
	}
	return ids
}

// receiver notes what it is sent and answers as told, the n-th request from 1.
type receiver struct {
	*httptest.Server
	mu   sync.Mutex
	got  []string // ids
	fail func(n int, w http.ResponseWriter, r *http.Request)
}

func receive(t *testing.T, fail func(n int, w http.ResponseWriter, r *http.Request)) *receiver {
	t.Helper()
	rc := &receiver{fail: fail}
	rc.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		var e events.Event
		if err := events.Verify(secret, r.Header, body, time.Now()); err != nil || json.Unmarshal(body, &e) != nil || e.ID != r.Header.Get(events.HeaderID) {
			t.Errorf("%v: %s", err, body)
		}
		rc.mu.Lock()
		rc.got = append(rc.got, e.ID)
		n := len(rc.got)
		rc.mu.Unlock()
		if rc.fail != nil {
			rc.fail(n, w, r)
		}
	}))
	t.Cleanup(rc.Close)
	return rc
}

func (rc *receiver) ids() []string {
	rc.mu.Lock()
	defer rc.mu.Unlock()
	return append([]string{}, rc.got...)
}

// run runs a webhook that does not rest; stop waits for its end.
func run(t *testing.T, c *clinictest.Clinic, url string, change func(*events.WebhookOptions)) (w *events.Webhook, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	soon := make(chan struct{})
	go func() {
		for ctx.Err() == nil {
			select {
			case soon <- struct{}{}:
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	o := events.WebhookOptions{
		URL: url, Secret: secret, Outbox: c.Records.Outbox(), Soon: soon, Timeout: 500 * time.Millisecond,
		Retry: func(int) time.Duration { return time.Millisecond }, Log: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&o)
	}
	w = events.NewWebhook(o)
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(stop)
	return w, stop
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: it never happened", what)
		}
	}
}

func delivered(w *events.Webhook, n int64) func() bool {
	return func() bool { d, _, _ := w.Counts(); return d == n }
}

// A receiver that errs, is cut off, dawdles and redirects gets the event again
// until it takes it, and not afterwards.
func TestWebhookTriesUntilTaken(t *testing.T) {
	c := clinictest.New(t)
	elsewhere := receive(t, nil)
	rc := receive(t, func(n int, w http.ResponseWriter, r *http.Request) {
		switch n {
		case 1:
			w.WriteHeader(http.StatusInternalServerError)
		case 2:
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				conn.Close()
			}
		case 3:
			<-r.Context().Done() // its patience is over
		case 4:
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		}
	})
	ids := announce(t, c, 1, time.Now())
	w, stop := run(t, c, rc.URL, nil)
	eventually(t, "delivery", delivered(w, 1))
	stop()
	if got := rc.ids(); len(got) != 5 || got[0] != ids[0] || got[4] != ids[0] || len(elsewhere.ids()) != 0 {
		t.Errorf("got %v, and elsewhere %v", got, elsewhere.ids())
	}
	if _, failed, dead := w.Counts(); failed != 4 || dead != 0 {
		t.Errorf("%d failed, %d dead", failed, dead)
	}
	if due, err := c.Records.Outbox().Due(t.Context(), 10); err != nil || len(due) != 0 {
		t.Errorf("still due: %v %v", due, err)
	}
}

// Two servers work from one outbox: each event is claimed by one of them.
func TestWebhookOfTwoReplicas(t *testing.T) {
	here := clinictest.New(t)
	there := clinictest.New(t, clinictest.Setup{Env: here.Env})
	rc := receive(t, nil)
	const n = 60
	ids := announce(t, here, n, time.Now())
	a, stopA := run(t, here, rc.URL, nil)
	b, stopB := run(t, there, rc.URL, nil)
	eventually(t, "delivery", func() bool {
		x, _, _ := a.Counts()
		y, _, _ := b.Counts()
		return x+y == n
	})
	stopA()
	stopB()
	seen := map[string]int{}
	for _, id := range rc.ids() {
		seen[id]++
	}
	for _, id := range ids {
		if seen[id] != 1 {
			t.Errorf("%s came %d times", id, seen[id])
		}
	}
}

// What nobody took for too long is given up, and not tried again.
func TestWebhookGivesUp(t *testing.T) {
	c := clinictest.New(t)
	rc := receive(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusGone)
	})
	announce(t, c, 1, time.Now().Add(-time.Hour))
	young := announce(t, c, 1, time.Now())
	w, stop := run(t, c, rc.URL, func(o *events.WebhookOptions) { o.GiveUp = 30 * time.Minute })
	eventually(t, "giving up", func() bool { _, failed, dead := w.Counts(); return dead == 1 && failed >= 2 })
	stop()
	for _, id := range rc.ids() {
		if id != young[0] {
			t.Errorf("%s was sent, which was too old", id)
		}
	}
	if due, err := c.Records.Outbox().Due(t.Context(), 10); err != nil || len(due) > 1 {
		t.Errorf("due: %v %v", due, err)
	}
}

// A server that stops breaks its attempts off, soon; another one makes them again.
func TestWebhookStops(t *testing.T) {
	c := clinictest.New(t)
	reached := make(chan struct{}, 1)
	rc := receive(t, func(n int, _ http.ResponseWriter, r *http.Request) {
		if n == 1 {
			reached <- struct{}{}
			<-r.Context().Done()
		}
	})
	announce(t, c, 1, time.Now())
	_, stop := run(t, c, rc.URL, func(o *events.WebhookOptions) { o.Timeout = time.Minute })
	<-reached
	began := time.Now()
	stop()
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("it took %s to stop", took)
	}
	w, _ := run(t, c, rc.URL, nil)
	eventually(t, "delivery", delivered(w, 1))
}

func TestSignature(t *testing.T) {
	body, now := []byte(`{"id":"e"}`), time.Unix(1_700_000_000, 0)
	header := func() http.Header {
		h := http.Header{}
		h.Set(events.HeaderID, "e")
		h.Set(events.HeaderTimestamp, "1700000000")
		h.Set(events.HeaderSignature, "v1,AAAA "+events.Sign(secret, "e", now, body))
		return h
	}
	if err := events.Verify(secret, header(), body, now.Add(time.Minute)); err != nil {
		t.Error(err)
	}
	for name, verify := range map[string]func(h http.Header) error{
		"another secret":  func(h http.Header) error { return events.Verify(strings.ToUpper(secret), h, body, now) },
		"another body":    func(h http.Header) error { return events.Verify(secret, h, []byte(`{}`), now) },
		"another id":      func(h http.Header) error { h.Set(events.HeaderID, "f"); return events.Verify(secret, h, body, now) },
		"replayed later":  func(h http.Header) error { return events.Verify(secret, h, body, now.Add(6*time.Minute)) },
		"from the future": func(h http.Header) error { return events.Verify(secret, h, body, now.Add(-6*time.Minute)) },
		"another timestamp": func(h http.Header) error {
			h.Set(events.HeaderTimestamp, "1700000001")
			return events.Verify(secret, h, body, now)
		},
		"no timestamp": func(h http.Header) error { h.Del(events.HeaderTimestamp); return events.Verify(secret, h, body, now) },
		"no signature": func(h http.Header) error { h.Del(events.HeaderSignature); return events.Verify(secret, h, body, now) },
	} {
		if verify(header()) == nil {
			t.Errorf("%s passes", name)
		}
	}
	// The example of the Standard Webhooks specification's libraries.
	got := events.Sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
