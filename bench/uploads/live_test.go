package uploads

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

// A live recorder sends 4 kB of speech a second, 8 kB with each request.
const (
	livePiece = 8000
	liveEvery = 2 * time.Second
)

// BenchmarkUploadLive has 1,000 recorders send to one process for a minute, each
// at its own moment, and then declare their length. Latencies are those of the
// requests in between, counted from when they were due.
func BenchmarkUploadLive(b *testing.B) {
	recorders := setting(b, "BENCH_RECORDERS", 1000)
	pieces := setting(b, "BENCH_LIVE_SECONDS", 60) / int(liveEvery/time.Second)
	g := openGateway(b, false)
	for _, enter := range []func(*testing.B, *gateway, string) *rival{newTusd, newOurs} {
		r := enter(b, g, g.URL)
		l := &live{t: r.sender.(*tus), piece: make([]byte, livePiece), pieces: pieces}
		before := cpu(b, r.server.cmd.Process.Pid)
		l.run(recorders)
		used := cpu(b, r.server.cmd.Process.Pid) - before
		b.Run(r.name, func(b *testing.B) {
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(milliseconds(l.late, 0.5), "p50-ms")
			b.ReportMetric(milliseconds(l.late, 0.99), "p99-ms")
			b.ReportMetric(milliseconds(l.last, 0.99), "last-p99-ms")
			b.ReportMetric(float64(l.failed), "errors")
			b.ReportMetric(used.Seconds(), "cpu-s")
			b.ReportMetric(r.server.peak(b), "peak-MiB")
		})
		if l.failed > 0 {
			b.Logf("%s: %v", r.name, l.why)
		}
	}
}

// live are recorders that speak at the same time.
type live struct {
	t      *tus
	piece  []byte
	pieces int

	mu         sync.Mutex
	late, last []time.Duration
	failed     int
	why        error
}

func (l *live) run(recorders int) {
	ctx, stop := context.WithTimeout(context.Background(), 10*time.Minute)
	defer stop()
	var all sync.WaitGroup
	start := time.Now()
	for range recorders {
		first := start.Add(time.Duration(rand.Int64N(int64(liveEvery))))
		all.Go(func() {
			if err := l.record(ctx, first); err != nil {
				l.mu.Lock()
				l.failed, l.why = l.failed+1, err
				l.mu.Unlock()
			}
		})
	}
	all.Wait()
}

func (l *live) record(ctx context.Context, due time.Time) error {
	time.Sleep(time.Until(due))
	o, err := l.t.begin(ctx, -1)
	if err != nil {
		return err
	}
	for n := 1; n <= l.pieces; n++ {
		due = due.Add(liveEvery)
		time.Sleep(time.Until(due))
		length := -1
		if n == l.pieces {
			length = n * len(l.piece)
		}
		if err := o.patch(ctx, l.piece, length); err != nil {
			return err
		}
		l.mu.Lock()
		if length < 0 {
			l.late = append(l.late, time.Since(due))
		} else {
			l.last = append(l.last, time.Since(due))
		}
		l.mu.Unlock()
	}
	return nil
}

// milliseconds is a quantile.
func milliseconds(ds []time.Duration, q float64) float64 {
	if len(ds) == 0 {
		return -1
	}
	slices.Sort(ds)
	return float64(ds[int(q*float64(len(ds)-1))].Microseconds()) / 1000
}
