package uploads

import (
	"context"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

// BenchmarkUploadOnePatch sends a file in one request, over http, over https
// (between server and S3), and to a far S3.
func BenchmarkUploadOnePatch(b *testing.B) {
	b.Run("http", func(b *testing.B) { compare(b, near, work{clients: 1, size: large(b)}) })
	b.Run("https", func(b *testing.B) { compare(b, secure, work{clients: 1, size: large(b)}) })
	b.Run("far", func(b *testing.B) { compare(b, far, work{clients: 1, size: large(b)}) })
}

// BenchmarkUpload8MiBPatches sends a file in requests of 8 MiB, one after the other.
func BenchmarkUpload8MiBPatches(b *testing.B) {
	b.Run("http", func(b *testing.B) { compare(b, near, work{clients: 1, size: large(b), piece: 8 * mib}) })
	b.Run("https", func(b *testing.B) { compare(b, secure, work{clients: 1, size: large(b), piece: 8 * mib}) })
}

// BenchmarkUploadManyClients has 100 clients send 10 MiB each in requests of 1 MiB.
func BenchmarkUploadManyClients(b *testing.B) {
	b.Run("http", func(b *testing.B) { compare(b, near, work{clients: 100, size: 10 * mib, piece: mib}) })
}

// BenchmarkUploadFloor is UploadOnePatch/https beside a server that does nothing
// but hash and pass on: what is left to save.
func BenchmarkUploadFloor(b *testing.B) {
	b.Run("https", func(b *testing.B) { compare(b, secure, work{clients: 1, size: large(b)}, newBare, newTusd, newOurs) })
}

func large(b *testing.B) int { return setting(b, "BENCH_MIB", 1024) * mib }

// work is what every rival is asked to do.
type work struct{ clients, size, piece int }

// usual are the rivals of most workloads.
var usual = []maker{newDirect, newTusd, newOurs}

// orders are those of three rivals: each goes as often after each other one,
// because a turn leaves its traces in the next.
var orders = [][3]int{{0, 1, 2}, {2, 1, 0}, {1, 2, 0}, {0, 2, 1}, {2, 0, 1}, {1, 0, 2}}

type distance int

const (
	near distance = iota
	secure
	far
)

// round is what one rival's turn cost.
type round struct{ wall, server, database, gateway float64 }

// compare runs three rivals in turn and reports medians: of the seconds, of the
// ratios of seconds within a round (x-, above 1 is faster than the other), of what
// the server's process used of the processor for each GiB, and of the ratios of
// that within a round (cpu-x-, below 1 is less than the other).
func compare(b *testing.B, where distance, w work, makers ...maker) {
	g := openGateway(b, where == secure)
	url := g.URL
	if where == far {
		url = "http://" + newNetwork(b, g.addr, farRate, farDelay).addr
	}
	if makers == nil {
		makers = usual
	}
	var rivals []*rival
	for _, one := range makers {
		rivals = append(rivals, one(b, g, url))
	}
	content := make([]byte, w.size)
	_, _ = io.ReadFull(rand.NewChaCha8([32]byte{7}), content)
	took := map[string][]round{}
	rounds := setting(b, "BENCH_ROUNDS", len(orders))
	for n := range rounds + 1 {
		for _, i := range orders[n%len(orders)] {
			r := rivals[i]
			one := w
			if n == 0 { // warms connections and caches
				one.size = min(w.size, 64*mib)
			}
			cost := turn(b, r, g, one, content[:one.size])
			if n > 0 {
				took[r.name] = append(took[r.name], cost)
			}
			g.empty(b)
		}
	}
	for _, r := range rivals {
		report(b, r, rivals, took, float64(w.clients*w.size)/(1<<30))
	}
}

func turn(b *testing.B, r *rival, g *gateway, w work, content []byte) (cost round) {
	ctx, stop := context.WithTimeout(context.Background(), 10*time.Minute)
	defer stop()
	if p, ok := r.sender.(*put); ok {
		p.expect(content)
	}
	used := func() (server, database, gateway time.Duration) {
		if r.server != nil {
			server = cpu(b, r.server.cmd.Process.Pid)
		}
		if r.database != nil {
			database = cpu(b, r.database()...)
		}
		return server, database, cpu(b, g.cmd.Process.Pid)
	}
	s, d, v := used()
	start := time.Now()
	var all sync.WaitGroup
	for range w.clients {
		all.Go(func() {
			if err := r.sender.send(ctx, content, w.piece); err != nil {
				b.Errorf("%s: %v", r.name, err)
			}
		})
	}
	all.Wait()
	cost.wall = time.Since(start).Seconds()
	s2, d2, v2 := used()
	cost.server, cost.database, cost.gateway = (s2 - s).Seconds(), (d2 - d).Seconds(), (v2 - v).Seconds()
	return cost
}

// report gives one rival's figures as a benchmark's of its own, so that tools
// for Go's benchmark format read them.
func report(b *testing.B, r *rival, others []*rival, took map[string][]round, gib float64) {
	b.Run(r.name, func(b *testing.B) {
		of := func(f func(round) float64) float64 {
			var xs []float64
			for _, c := range took[r.name] {
				xs = append(xs, f(c))
			}
			return median(xs)
		}
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(of(func(c round) float64 { return c.wall }), "s")
		for _, other := range others {
			if other.name == "bonfire" || other == r {
				continue
			}
			b.ReportMetric(ratio(took[other.name], took[r.name], func(c round) float64 { return c.wall }), "x-"+other.name)
			if r.server != nil && other.server != nil {
				b.ReportMetric(ratio(took[r.name], took[other.name], func(c round) float64 { return c.server }), "cpu-x-"+other.name)
			}
		}
		if r.server == nil {
			return
		}
		b.ReportMetric(of(func(c round) float64 { return c.server / gib }), "cpu-s/GiB")
		b.ReportMetric(of(func(c round) float64 { return c.database / gib }), "postgres-cpu-s/GiB")
		b.ReportMetric(of(func(c round) float64 { return c.gateway / gib }), "s3-cpu-s/GiB")
		b.ReportMetric(r.server.peak(b), "peak-MiB")
	})
}

// ratio is the median of the ratios of one figure within rounds.
func ratio(of, to []round, figure func(round) float64) float64 {
	var out []float64
	for i := range of {
		out = append(out, figure(of[i])/figure(to[i]))
	}
	return median(out)
}

func median(xs []float64) float64 {
	if len(xs) == 0 {
		return 0
	}
	xs = slices.Sorted(slices.Values(xs))
	return (xs[(len(xs)-1)/2] + xs[len(xs)/2]) / 2
}
