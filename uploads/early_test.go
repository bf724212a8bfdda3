package uploads_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/bonfiredb/bonfire/blob"
	"github.com/bonfiredb/bonfire/internal/clinictest"
	"github.com/bonfiredb/bonfire/internal/faultproxy"
	"github.com/bonfiredb/bonfire/ledger"
)

// announcing begins a PATCH that says how long its body is.
func (s *server) announcing(to string, offset, length int) *stalled {
	return s.stall(to, nil, "Transfer-Encoding", "", "Content-Length", strconv.Itoa(length), "Upload-Offset", strconv.Itoa(offset))
}

// TestP1_APartThatStopsHalfWay: a part that is on its way to S3 when its client
// leaves is none. What arrived of it is kept, and the upload goes on from there.
func TestP1_APartThatStopsHalfWay(t *testing.T) {
	t.Parallel()
	s := serve(t)
	b := content(24 * mib)
	for _, arrived := range []int{100 << 10, mib, 6 * mib, 8*mib + 100<<10, 14 * mib} {
		t.Run(strconv.Itoa(arrived), func(t *testing.T) {
			s := s.on(t)
			u := s.create(int64(len(b)), raw)
			tried := s.calls(func() {
				p := s.announcing(u, 0, 16*mib)
				p.write(b[:arrived])
				eventually(t, "the server to have received it", func() bool { return s.Bucket.Calls()["UploadPart.attempts"] > 0 })
				p.cut()
				eventually(t, "the upload to be let go of", func() bool {
					return s.one(`SELECT lease IS NULL AND at_offset > 0 FROM upload WHERE id = $1`, u[len(u)-36:]) == "true"
				})
			})
			if tried["UploadPart"] == 0 {
				t.Errorf("nothing was on its way: %v", tried)
			}
			at, err := strconv.Atoi(s.head(u).Header.Get("Upload-Offset"))
			if err != nil || at < 1 || at > arrived {
				t.Fatalf("offset %d (%v) of %d bytes that were sent", at, err, arrived)
			}
			s.wantRecord(s.patch(u, int64(at), b[at:]), b)
		})
	}
	s.wantClean()
}

// TestAStoreThatTakesNoTrailers gets its parts once they are complete, and is
// not asked again and again.
func TestAStoreThatTakesNoTrailers(t *testing.T) {
	t.Parallel()
	env := clinictest.Env(t)
	target, err := url.Parse(env.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	var refused atomic.Int64
	next := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = r.In.Host }}
	old := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Amz-Trailer") != "" {
			refused.Add(1)
			w.WriteHeader(http.StatusNotImplemented)
			_, _ = w.Write([]byte("<Error><Code>NotImplemented</Code></Error>"))
			return
		}
		next.ServeHTTP(w, r)
	}))
	t.Cleanup(old.Close)
	s := serve(t, clinictest.Setup{Env: env, Blob: func(c *blob.Config) { c.PublicEndpoint, c.Endpoint = c.Endpoint, old.URL }})
	b := content(16 * mib)
	u := s.create(int64(len(b)), raw)
	s.want(s.patch(u, 0, b[:8*mib]), http.StatusNoContent)
	once := refused.Load()
	s.wantRecord(s.patch(u, 8*mib, b[8*mib:]), b)
	if once == 0 || refused.Load() != once {
		t.Errorf("it was asked %d times with the first part, %d times in all", once, refused.Load())
	}
	s.wantClean()
}

// TestPartsThatDoNotFitIntoMemory are sent from their file while it is written.
func TestPartsThatDoNotFitIntoMemory(t *testing.T) {
	t.Parallel()
	budget, err := ledger.NewBudget(mib, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, clinictest.Setup{Ledger: func(o *ledger.Options) { o.Budget = budget }})
	b := content(30*mib + 5)
	u := s.create(int64(len(b)), raw)
	calls := s.calls(func() { s.wantRecord(s.patch(u, 0, b), b) })
	if calls["UploadPart"] != 4 || budget.Spills() == 0 {
		t.Errorf("%v, %d spills", calls, budget.Spills())
	}
	s.wantClean()
}

// TestLongRequestsHaveLongParts: while there is memory for them, and not at the
// end, where the client would wait for the last one.
func TestLongRequestsHaveLongParts(t *testing.T) {
	t.Parallel()
	b := content(120*mib + 5)
	for limit, parts := range map[int64][]int64{
		256 * mib: {32, 32, 8, 8, 8, 8, 8, 8, 8}, // 120, 88 and 56 MiB are left
		64 * mib:  {8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8},
	} {
		budget, err := ledger.NewBudget(limit, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		s := serve(t, clinictest.Setup{Ledger: func(o *ledger.Options) { o.Budget = budget }})
		u := s.create(int64(len(b))+1, raw)
		s.want(s.patch(u, 0, b), http.StatusNoContent)
		want := ""
		for _, p := range parts {
			want += fmt.Sprintf("%d ", p*mib)
		}
		if got := s.one(`SELECT string_agg(size || ' ', '' ORDER BY number) FROM upload_part`); got != want {
			t.Errorf("with %d MiB: %s, want %s", limit/mib, got, want)
		}
		s.wantRecord(s.patch(u, int64(len(b)), []byte{7}), append(b[:len(b):len(b)], 7))
		s.wantClean()
	}
}

// TestP1_AStreamedPartWhoseAnswerIsLost is sent again, and counts once.
func TestP1_AStreamedPartWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	for name, fate := range map[string]faultproxy.Fate{"lost": faultproxy.Lost, "refused": faultproxy.Refused, "failed": faultproxy.Failed} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t)
			var parts atomic.Int64
			r := s.rigUp(t, func(op faultproxy.Op) faultproxy.Fate {
				if op.Name == "UploadPart" && parts.Add(1) == 1 {
					return fate
				}
				return faultproxy.Passes
			}, steady)
			b := content(16 * mib)
			u := r.create(int64(len(b)), raw)
			r.want(r.patch(u, 0, b[:8*mib]), http.StatusNoContent)
			r.wantRecord(r.patch(u, 8*mib, b[8*mib:]), b)
			if parts.Load() != 3 {
				t.Errorf("%d requests brought two parts, one of them twice", parts.Load())
			}
			s.wantClean()
		})
	}
}
