package uploads

import (
	"context"
	b64 "encoding/base64"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/internal/clinictest"
)

const mib = 1 << 20

func base64(s string) string { return b64.StdEncoding.EncodeToString([]byte(s)) }

// BenchmarkUploadOnePatch sends 256 MiB in one request.
func BenchmarkUploadOnePatch(b *testing.B) { compare(b, 1, 256*mib, 0) }

// BenchmarkUpload8MiBPatches sends 256 MiB in requests of 8 MiB, one after the other.
func BenchmarkUpload8MiBPatches(b *testing.B) { compare(b, 1, 256*mib, 8*mib) }

// BenchmarkUploadManyClients has 50 clients send 10 MiB each in requests of 1 MiB.
func BenchmarkUploadManyClients(b *testing.B) { compare(b, 50, 10*mib, mib) }

// compare runs the rivals in turn, five rounds, and reports the medians of the
// throughput ratios within a round: above 1 is faster than the other.
func compare(b *testing.B, clients, size, piece int) {
	c := clinictest.New(b)
	names := []string{"sdk", "tusd", "ours"}
	rivals := map[string]rival{"sdk": newDirect(c.Env), "tusd": newTusd(b, c.Env), "ours": newOurs(b, c)}
	content := make([]byte, size)
	_, _ = io.ReadFull(rand.NewChaCha8([32]byte{7}), content)
	took := map[string][]float64{}
	for range b.N {
		for round := range 6 {
			for i := range names { // a different one goes first each time
				name := names[(i+round)%len(names)]
				seconds := run(b, rivals[name], clients, content, piece)
				if round > 0 { // the first round warms connections and caches
					took[name] = append(took[name], seconds)
				}
			}
		}
	}
	ratios := func(of, to string) float64 {
		var out []float64
		for i := range took[of] {
			out = append(out, took[to][i]/took[of][i])
		}
		return median(out)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ratios("ours", "sdk"), "x-sdk")
	b.ReportMetric(ratios("ours", "tusd"), "x-tusd")
	b.ReportMetric(ratios("tusd", "sdk"), "tusd-x-sdk")
	b.ReportMetric(float64(clients*size)/mib/median(took["ours"]), "MiB/s")
	uploaded := float64(6 * b.N * clients)
	for _, name := range names[1:] {
		calls, _ := rivals[name].traffic()
		b.ReportMetric(float64(calls)/uploaded, name+"-s3calls/file")
	}
}

func run(b *testing.B, r rival, clients int, content []byte, piece int) float64 {
	ctx, stop := context.WithTimeout(context.Background(), 5*time.Minute)
	defer stop()
	start := time.Now()
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			if err := r.send(ctx, content, piece); err != nil {
				b.Error(err)
			}
		})
	}
	all.Wait()
	return time.Since(start).Seconds()
}

func median(xs []float64) float64 {
	xs = slices.Sorted(slices.Values(xs))
	return xs[len(xs)/2]
}
