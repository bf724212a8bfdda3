package uploads

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/internal/faultproxy"
)

// watched is a gateway whose calls and bytes are counted.
type watched struct {
	url   string
	wire  *network // both directions, headers included
	mu    sync.Mutex
	calls map[string]int
}

func watch(b *testing.B, g *gateway) *watched {
	b.Helper()
	w := &watched{calls: map[string]int{}}
	p, err := faultproxy.NewS3(g.URL, func(op faultproxy.Op) faultproxy.Fate {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.calls[op.Name]++
		return faultproxy.Passes
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(p.Close)
	w.wire = newNetwork(b, strings.TrimPrefix(p.URL, "http://"), 0, 0)
	w.url = "http://" + w.wire.addr
	return w
}

// made is the calls since it was asked last.
func (w *watched) made() (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, k := range w.calls {
		n += k
	}
	clear(w.calls)
	return n
}

// BenchmarkUploadCalls counts the requests to S3 that one request of a client
// costs, after a first part has been stored.
func BenchmarkUploadCalls(b *testing.B) {
	g := openGateway(b, false)
	for _, enter := range []func(*testing.B, *gateway, string) *rival{newTusd, newOurs} {
		w := watch(b, g)
		r := enter(b, g, w.url)
		w.made()
		costs := count(b, r.sender.(*tus), w)
		b.Run(r.name, func(b *testing.B) {
			b.ReportMetric(0, "ns/op")
			for what, n := range costs {
				b.ReportMetric(float64(n), what)
			}
		})
	}
}

func count(b *testing.B, t *tus, w *watched) map[string]int {
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	costs := map[string]int{}
	step := func(what string, do func() error) {
		if err := do(); err != nil {
			b.Fatalf("%s: %v", what, err)
		}
		costs[what] = w.made()
	}
	var o *open
	send := func(n int) func() error { return func() error { return o.patch(ctx, make([]byte, n), -1) } }
	step("create", func() (err error) { o, err = t.begin(ctx, 100*mib); return err })
	step("first-part", send(8*mib))
	step("part-patch", send(8*mib))
	step("small-patch", send(16<<10))
	step("small-patch", send(16<<10)) // with a tail before it
	step("1MiB-patch", send(mib))
	step("head", func() error { return o.head(ctx) })
	step("small-file", func() error { return t.send(ctx, make([]byte, 100<<10), 0) })
	return costs
}

// BenchmarkUploadSpeech sends an hour of speech of 64 kbit/s in requests of two
// seconds, faster than it is spoken, and counts what moves between server and S3.
func BenchmarkUploadSpeech(b *testing.B) {
	const each = 16000
	pieces := setting(b, "BENCH_SPEECH_MINUTES", 60) * 30
	g := openGateway(b, false)
	for _, enter := range []func(*testing.B, *gateway, string) *rival{newTusd, newOurs} {
		w := watch(b, g)
		r := enter(b, g, w.url)
		w.made()
		up, down := w.wire.up.Load(), w.wire.down.Load()
		if err := speak(r.sender.(*tus), make([]byte, each), pieces); err != nil {
			b.Fatal(err)
		}
		calls := w.made()
		total := float64(pieces * each)
		b.Run(r.name, func(b *testing.B) {
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(calls), "s3-calls")
			b.ReportMetric(float64(w.wire.up.Load()-up)/total, "x-sent")
			b.ReportMetric(float64(w.wire.up.Load()-up+w.wire.down.Load()-down)/total, "x-moved")
		})
	}
}

func speak(t *tus, piece []byte, pieces int) error {
	ctx, stop := context.WithTimeout(context.Background(), 30*time.Minute)
	defer stop()
	o, err := t.begin(ctx, -1)
	for n := 1; err == nil && n <= pieces; n++ {
		length := -1
		if n == pieces {
			length = n * len(piece)
		}
		err = o.patch(ctx, piece, length)
	}
	return err
}
