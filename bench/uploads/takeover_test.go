package uploads

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/internal/clinictest"
)

// BenchmarkTakeover: a client stalls in the middle of a PATCH and another comes
// for the same upload, on another replica. Measured is how long its HEAD takes,
// which answers with every byte that the first one sent.
func BenchmarkTakeover(b *testing.B) {
	c := clinictest.New(b)
	holder := newOurs(b, c)
	second := *c
	second.Open(clinictest.Setup{})
	newcomer := newOurs(b, &second)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go func() { _ = c.Ledger.Run(ctx) }()
	var took []time.Duration
	for b.Loop() {
		b.StopTimer()
		at, err := holder.do(ctx, http.MethodPost, holder.url, nil, map[string]string{"Upload-Length": "100000"})
		if err != nil {
			b.Fatal(err)
		}
		stalled := stall(b, holder, at)
		b.StartTimer()
		began := time.Now()
		offset := head(b, newcomer, newcomer.url+at[len(holder.url):])
		took = append(took, time.Since(began))
		b.StopTimer()
		if offset != "1000" {
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
func stall(b *testing.B, t *tus, at string) io.Closer {
	b.Helper()
	body, sent := io.Pipe()
	req, err := http.NewRequestWithContext(b.Context(), http.MethodPatch, at, body)
	if err != nil {
		b.Fatal(err)
	}
	for k, v := range t.header {
		req.Header.Set(k, v)
	}
	for k, v := range map[string]string{"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"} {
		req.Header.Set(k, v)
	}
	go func() {
		if res, err := http.DefaultClient.Do(req); err == nil {
			_ = res.Body.Close()
		}
	}()
	if _, err := sent.Write(make([]byte, 1000)); err != nil {
		b.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond)
	return sent
}

// head asks for the offset.
func head(b *testing.B, t *tus, at string) string {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), http.MethodHead, at, nil)
	if err != nil {
		b.Fatal(err)
	}
	for k, v := range t.header {
		req.Header.Set(k, v)
	}
	req.Header.Set("Tus-Resumable", "1.0.0")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		b.Fatal("HEAD: " + strconv.Itoa(res.StatusCode))
	}
	return res.Header.Get("Upload-Offset")
}
