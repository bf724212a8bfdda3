package ledger_test

import (
	"context"
	"flag"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/bonfiredb/bonfire/blob"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/faultproxy"
	"github.com/bonfiredb/bonfire/ledger"
)

// checks sets how many random runs a test makes, in the suite and in make
// chaos, unless -rapid.checks says it.
func checks(t *testing.T, few, many int) {
	t.Helper()
	const name = "rapid.checks"
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == name })
	if given {
		return
	}
	if os.Getenv("BONFIRE_CHAOS") == "1" {
		few = many
	}
	before := flag.Lookup(name).Value.String()
	if err := flag.Set(name, strconv.Itoa(few)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = flag.Set(name, before) })
}

// weather is what S3's next calls meet; without more of it, they pass.
type weather struct {
	mu   sync.Mutex
	next []faultproxy.Fate
}

func (w *weather) judge(faultproxy.Op) faultproxy.Fate {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.next) == 0 {
		return faultproxy.Passes
	}
	fate := w.next[0]
	w.next = w.next[1:]
	return fate
}

func (w *weather) set(next []faultproxy.Fate) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next = next
}

// between puts the weather between a clinic and its S3.
func (w *weather) between(t *testing.T) func(*blob.Config) {
	return func(c *blob.Config) {
		p, err := faultproxy.NewS3(c.Endpoint, w.judge)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Close)
		c.Endpoint = p.URL
	}
}

// bad draws some bad weather and gives back the good.
func (m *machine) bad(t *rapid.T) (good func()) {
	fates := rapid.SampledFrom([]faultproxy.Fate{faultproxy.Passes, faultproxy.Refused, faultproxy.Failed, faultproxy.Lost})
	m.weather.set(rapid.SliceOfN(fates, 1, 8).Draw(t, "weather"))
	return func() { m.weather.set(nil) }
}

// writeInBadWeather: whatever S3 does, what is said to be durable is, and
// nothing else is kept.
func (m *machine) writeInBadWeather(t *rapid.T) {
	s, n := m.model.holder, sizes().Draw(t, "bytes")
	if s == nil || !m.model.receives() || m.model.complete() {
		t.Skip("as any other write")
	}
	good := m.bad(t)
	declared := m.model.length < 0 && s.Upload().Length != nil
	wrote, err := s.Write(context.Background(), piece(m.model.offset, n), nil)
	good()
	if err == nil {
		m.wrote(t, s, n, wrote, nil)
		return
	}
	if wrote < 0 || wrote > n || m.model.length >= 0 && m.model.offset+wrote > m.model.length {
		t.Fatalf("wrote %d of %d: %v", wrote, n, err)
	}
	if wrote > 0 && declared {
		m.model.length = *s.Upload().Length
	}
	m.model.offset += wrote
	m.model.state = s.Upload().State
	s.Release()
	m.model.holder = nil
}

// assembleInBadWeather may fail; then it succeeds when it is asked again.
func (m *machine) assembleInBadWeather(t *rapid.T) {
	s := m.model.holder
	if s == nil || !m.model.receives() || !m.model.complete() {
		t.Skip("not to be assembled")
	}
	good := m.bad(t)
	err := s.Assemble(context.Background(), false)
	good()
	if err != nil {
		if !clinical.Is(err, clinical.Unavailable) {
			t.Fatalf("bad weather is not the end of an upload: %v", err)
		}
		if err := s.Assemble(context.Background(), false); err != nil {
			t.Fatalf("assembled again: %v", err)
		}
	}
	m.model.state = clinical.UploadStored
}

// crash: the process of an engine dies. Its leases stand until their time is over.
func (m *machine) crash(t *rapid.T) {
	i := rapid.IntRange(0, 1).Draw(t, "engine")
	m.engines[i] = m.h.replica(t)
}

// replica is a further engine on the same clinic, whose leases last.
func (h *house) replica(t fataler) *ledger.Engine {
	t.Helper()
	b, err := ledger.NewBudget(64<<20, h.spool)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return ledger.New(ledger.Options{
		Store: h.Store, Bucket: h.Bucket, Budget: b, LeaseLife: time.Hour, Heartbeat: time.Hour,
	})
}
