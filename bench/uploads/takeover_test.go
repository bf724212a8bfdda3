package uploads

import (
	"context"
	"net/http"
	"strconv"
	"testing"
	"time"
)

// silence is what a sender has sent when it falls silent.
const silence = 64 << 10

// BenchmarkUploadTakeover asks for an upload whose sender has fallen silent in
// the middle of a request, as a device does that changes its network.
func BenchmarkUploadTakeover(b *testing.B) {
	tries := setting(b, "BENCH_TAKEOVERS", 30)
	g := openGateway(b, false)
	for _, enter := range []func(*testing.B, *gateway, string) *rival{newTusd, newOurs} {
		r := enter(b, g, g.URL)
		var took []time.Duration
		for range tries {
			d, _, err := takeOver(r.sender.(*tus), r.sender.(*tus))
			if err != nil {
				b.Fatalf("%s: %v", r.name, err)
			}
			took = append(took, d)
		}
		b.Run(r.name, func(b *testing.B) {
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(milliseconds(took, 0.5), "p50-ms")
			b.ReportMetric(milliseconds(took, 1), "max-ms")
		})
	}
}

// BenchmarkReplicaTakeover is the same where the one who asks comes to another
// replica; the answer has every byte that was sent.
func BenchmarkReplicaTakeover(b *testing.B) {
	g := openGateway(b, false)
	db, data := durable(b), b.TempDir()
	holder := newReplica(b, g, g.URL, db, data).sender.(*tus)
	newcomer := newReplica(b, g, g.URL, db, data).sender.(*tus)
	var took []time.Duration
	for range setting(b, "BENCH_TAKEOVERS", 100) {
		d, offset, err := takeOver(holder, newcomer)
		if err != nil {
			b.Fatal(err)
		}
		if offset != strconv.Itoa(silence) {
			b.Fatalf("the newcomer is told %q", offset)
		}
		took = append(took, d)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(milliseconds(took, 0.5), "p50-ms")
	b.ReportMetric(milliseconds(took, 0.99), "p99-ms")
}

// takeOver begins an upload with one server, falls silent in the middle of a
// request, and asks the other for its offset.
func takeOver(holder, newcomer *tus) (took time.Duration, offset string, err error) {
	ctx, stop := context.WithTimeout(context.Background(), 30*time.Second)
	defer stop()
	o, err := holder.begin(ctx, mib)
	if err != nil {
		return 0, "", err
	}
	silent := &stalled{left: silence, reached: make(chan struct{}), end: ctx.Done()}
	go func() { _ = o.stream(ctx, silent, mib) }()
	<-silent.reached
	time.Sleep(50 * time.Millisecond) // the server has read what there is
	start := time.Now()
	head, err := newcomer.do(ctx, http.MethodHead, newcomer.url+o.url[len(holder.url):], nil, o.by)
	return time.Since(start), head.Get("Upload-Offset"), err
}

// stalled is a body that stops in the middle.
type stalled struct {
	left    int
	reached chan struct{}
	end     <-chan struct{}
}

func (s *stalled) Read(p []byte) (int, error) {
	if s.left == 0 {
		close(s.reached)
		<-s.end
		return 0, context.Canceled
	}
	n := min(len(p), s.left)
	s.left -= n
	return n, nil
}
