package uploads

import (
	"io"
	"net/http"
	"slices"
	"testing"
	"time"
)

// BenchmarkReplicaTakeover: a client stalls in the middle of a PATCH and another comes
// for the same upload, on another replica. Measured is how long its HEAD takes,
// which answers with every byte that the first one sent.
func BenchmarkReplicaTakeover(b *testing.B) {
	g := openGateway(b, false)
	db, data := durable(b), b.TempDir()
	holder := newReplica(b, g, g.URL, db, data).sender.(*tus)
	newcomer := newReplica(b, g, g.URL, db, data).sender.(*tus)
	var took []time.Duration
	for b.Loop() {
		b.StopTimer()
		o, err := holder.begin(b.Context(), 100_000)
		if err != nil {
			b.Fatal(err)
		}
		stalled := stall(b, o)
		b.StartTimer()
		began := time.Now()
		head, err := newcomer.do(b.Context(), http.MethodHead, newcomer.url+o.url[len(holder.url):], nil, o.by)
		took = append(took, time.Since(began))
		b.StopTimer()
		if err != nil {
			b.Fatal(err)
		}
		if offset := head.Get("Upload-Offset"); offset != "1000" {
			b.Fatalf("the newcomer is told %q", offset)
		}
		_ = stalled.Close()
		b.StartTimer()
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}

// stall begins a PATCH and sends a thousand bytes of it, which the server has
// read when it returns, as far as anybody outside can know.
func stall(b *testing.B, o *open) io.Closer {
	b.Helper()
	body, sent := io.Pipe()
	req, err := http.NewRequestWithContext(b.Context(), http.MethodPatch, o.url, body)
	if err != nil {
		b.Fatal(err)
	}
	go func() {
		_, _ = o.t.answer(req, o.by, map[string]string{"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"})
	}()
	if _, err := sent.Write(make([]byte, 1000)); err != nil {
		b.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond)
	return sent
}
