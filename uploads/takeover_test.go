package uploads_test

import (
	"context"
	"net/http"
	"path"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/tus/tusd/v2/pkg/handler"

	"github.com/bonfiredb/bonfire/internal/faultproxy"
	"github.com/bonfiredb/bonfire/ledger"
	"github.com/bonfiredb/bonfire/uploads"
)

// TestP1_CutConnectionKeepsWhatArrived: what the server had read of a request
// whose connection broke is durable and told by the next HEAD.
func TestP1_CutConnectionKeepsWhatArrived(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for _, size := range []int{100, 100 << 10, 1500 << 10, 20 * mib} {
		t.Run(strconv.Itoa(size), func(t *testing.T) {
			s := s.on(t)
			b := content(size + 1000)
			u := s.create(int64(len(b)), raw)
			p := s.stall(u, b[:size])
			p.cut()
			eventually(t, "what arrived to be durable", func() bool { // a HEAD would cut the reading short
				return s.one(`SELECT lease IS NULL AND at_offset > 0 FROM upload WHERE id = $1`, u[len(u)-36:]) == "true"
			})
			s.wantOffset(s.head(u), int64(size))
			s.wantRecord(s.patch(u, int64(size), b[size:]), b)
		})
	}
	s.wantClean()
}

// TestTakeover: the newest client gets the upload from one that stalls, with
// every byte that it had sent, on the same replica and on another. How soon is
// measured by BenchmarkTakeover.
func TestTakeover(t *testing.T) {
	t.Parallel()
	s := serve(t) // leases as in production
	s.listen()
	other := s.replica()
	for name, at := range map[string]*server{"the same replica": s, "another replica": other} {
		t.Run(name, func(t *testing.T) {
			s, at := s.on(t), at.on(t)
			for i := range 10 {
				size := 1000 + i*40_000
				b := content(size + 10)
				u := s.create(int64(len(b)), raw)
				p := s.stall(u, b[:size])
				a := at.head(at.here(u))
				at.want(a, http.StatusOK)
				at.wantOffset(a, int64(size))
				if a := p.answer(); a.StatusCode < 400 {
					t.Errorf("the one who was interrupted is told %d", a.StatusCode)
				}
				at.wantRecord(at.patch(at.here(u), int64(size), b[size:]), b)
			}
		})
	}
	s.wantClean()
}

// TestTakeoverOfTheDead: a replica that died, or has lost its database, holds an
// upload no longer than its lease.
func TestTakeoverOfTheDead(t *testing.T) {
	t.Parallel()
	s := serve(t, quick())
	script := &faultproxy.Script{}
	dead := s.rigUp(t, script.Judge)
	b := content(9 * mib)
	u := s.create(int64(len(b)), raw)
	s.want(s.patch(u, 0, b[:1000]), http.StatusNoContent)
	p := dead.stall(dead.here(u), b[1000:8*mib+2000], "Upload-Offset", "1000")
	script.Crash()
	a := s.head(u)
	s.want(a, http.StatusOK)
	at, _ := strconv.Atoi(a.Header.Get("Upload-Offset"))
	if at < 1000 {
		t.Fatalf("P1: the offset went down to %d", at)
	}
	p.cut()
	s.wantRecord(s.patch(u, int64(at), b[at:]), b)
	s.wantClean()
}

// TestP1_StaleWriterIsHarmless: a writer whose lease went to another while its
// commit was on the way changes nothing, and is told so.
func TestP1_StaleWriterIsHarmless(t *testing.T) {
	t.Parallel()
	s := serve(t, quick())
	for _, c := range []struct {
		name string
		hold func(faultproxy.Op) bool
	}{
		{"in a commit", func(op faultproxy.Op) bool {
			return op.SQL && contains(op.Name, "WITH moved AS (UPDATE upload SET at_offset")
		}},
		{"in a reservation", func(op faultproxy.Op) bool { return op.SQL && contains(op.Name, "UPDATE upload SET next_part") }},
		{"in a part", func(op faultproxy.Op) bool { return op.Name == "UploadPart" }},
		{"in a scratch object", func(op faultproxy.Op) bool { return op.Name == "PutObject" && contains(op.Key, "/scratch/") }},
	} {
		for _, size := range []int{1000, 1001, 2 * mib, 2*mib + 1, 9 * mib, 9*mib + 1} {
			t.Run(c.name+" of "+strconv.Itoa(size), func(t *testing.T) {
				s := s.on(t)
				held, goOn := make(chan struct{}), make(chan struct{})
				release := sync.OnceFunc(func() { close(goOn) })
				defer release()
				var once sync.Once
				stale := s.rigUp(t, func(op faultproxy.Op) faultproxy.Fate {
					if c.hold(op) {
						once.Do(func() {
							close(held)
							<-goOn
						})
					} else if op.SQL && contains(op.Name, "SET lease_until") {
						return faultproxy.Refused // it cannot keep its lease
					}
					return faultproxy.Passes
				})
				b, stales := content(size+100), content(2 * size)[:size]
				u := s.create(int64(len(b)), raw)
				late := make(chan answer, 1)
				go func() {
					a, _ := stale.try(http.MethodPatch, stale.here(u), reader(stales), map[string]string{"Upload-Offset": "0"})
					late <- a
				}()
				select {
				case <-held:
				case <-late: // this size does not come by there
					return
				}
				a := s.head(u) // waits for the stale one's lease to end
				s.want(a, http.StatusOK)
				at, _ := strconv.Atoi(a.Header.Get("Upload-Offset"))
				goesOn := func() {
					release()
					if a := <-late; a.Response != nil && a.StatusCode < 400 {
						t.Errorf("the stale writer is told %d", a.StatusCode)
					}
				}
				if size%2 == 0 { // it goes on before its successor has sent anything
					goesOn()
					s.wantOffset(s.head(u), int64(at))
				}
				copy(b, stales[:at]) // what it committed while it was its turn
				s.want(s.patch(u, int64(at), b[at:size]), http.StatusNoContent)
				if size%2 != 0 {
					goesOn()
				}
				s.wantOffset(s.head(u), int64(size))
				s.wantRecord(s.patch(u, int64(size), b[size:]), b)
			})
		}
	}
	s.wantClean()
}

// TestP2_RacingWriters: many clients on two replicas send the same file at
// once, each from where it is told; one record comes of it.
func TestP2_RacingWriters(t *testing.T) {
	t.Parallel()
	s := serve(t, quick())
	s.listen()
	other := s.replica(quick())
	other.listen()
	b := content(20*mib + 17)
	u := s.create(int64(len(b)), raw)
	var writers sync.WaitGroup
	for i := range 6 {
		writers.Go(func() {
			at := []*server{s, other}[i%2]
			for range 200 {
				h, err := at.try(http.MethodHead, at.here(u), nil, nil)
				if err != nil || h.StatusCode != http.StatusOK {
					time.Sleep(time.Duration(i+1) * 5 * time.Millisecond)
					continue
				}
				offset, _ := strconv.Atoi(h.Header.Get("Upload-Offset"))
				if offset == len(b) {
					return
				}
				end := min(offset+(i+1)*700_001, len(b))
				_, _ = at.try(http.MethodPatch, at.here(u), reader(b[offset:end]), map[string]string{"Upload-Offset": strconv.Itoa(offset)})
			}
		})
	}
	writers.Wait()
	a := s.head(u)
	s.wantOffset(a, int64(len(b)))
	s.wantRecord(a, b)
	if n := s.one(`SELECT count(*) FROM file`); n != "1" {
		t.Errorf("%s records", n)
	}
	s.wantClean()
}

// TestHeadWaitsForTheFinish: while a received upload is being stored, HEAD waits
// for it, and says 423 when it takes too long; never that it is all there.
func TestHeadWaitsForTheFinish(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for _, size := range []int{100 << 10, 9 * mib} {
		for _, patience := range []time.Duration{50 * time.Millisecond, 20 * time.Second} {
			t.Run(strconv.Itoa(size)+" for "+patience.String(), func(t *testing.T) {
				s := s.on(t)
				storing, stored := make(chan struct{}), make(chan struct{})
				var once sync.Once
				slow := s.rigUp(t, func(op faultproxy.Op) faultproxy.Fate {
					if op.Name == "CompleteMultipartUpload" || op.SQL && contains(op.Name, "SET state = 'completed'") {
						once.Do(func() {
							close(storing)
							<-stored
						})
					}
					return faultproxy.Passes
				}, func(o *ledger.Options) { o.Patience = patience })
				b := content(size)
				u := s.create(int64(size), raw)
				last := make(chan answer, 1)
				go func() {
					a, _ := slow.try(http.MethodPatch, slow.here(u), reader(b), map[string]string{"Upload-Offset": "0"})
					last <- a
				}()
				<-storing
				if patience < time.Second {
					for range 3 {
						a := slow.head(slow.here(u))
						slow.want(a, http.StatusLocked)
						if a.Header.Get("Upload-Offset") != "" {
							t.Errorf("P2: HEAD says %s of what is not stored", a.Header.Get("Upload-Offset"))
						}
					}
					close(stored)
				} else {
					time.AfterFunc(100*time.Millisecond, func() { close(stored) })
					a := slow.head(slow.here(u))
					slow.want(a, http.StatusOK)
					slow.wantRecord(a, b)
				}
				a := <-last
				slow.want(a, http.StatusNoContent)
				slow.wantRecord(a, b)
			})
		}
	}
	s.wantClean()
}

// TestSlowFinishGoesOn: the request that brought the last bytes is answered 423
// when storing them takes too long; the work goes on and the record comes.
func TestSlowFinishGoesOn(t *testing.T) {
	t.Parallel()
	s := serve(t)
	stored := make(chan struct{})
	slow := s.rigUp(t, func(op faultproxy.Op) faultproxy.Fate {
		if op.Name == "CompleteMultipartUpload" {
			<-stored
		}
		return faultproxy.Passes
	}, steady, func(o *ledger.Options) { o.Patience = time.Second })
	edge := serveClinic(t, slow.Clinic, func(o *uploads.Options) {
		o.HeadPatience, o.FinishPatience, o.Authenticate = 50*time.Millisecond, 50*time.Millisecond, s.principals()
	})
	b := content(9 * mib)
	u := s.create(int64(len(b)), raw)
	edge.wantSays(edge.patch(edge.here(u), 0, b), http.StatusLocked, "ask again")
	edge.want(edge.head(edge.here(u)), http.StatusLocked)
	close(stored)
	eventually(t, "the record", func() bool { return s.state(u) == "completed" })
	s.wantRecord(s.head(u), b)
	eventually(t, "the lease to be given back", func() bool { return s.one(`SELECT count(*) FROM upload WHERE lease IS NOT NULL`) == "0" })
	s.wantClean()
}

// TestLostLeaseMidBody: a writer that cannot keep its lease stops by itself, and
// what it had committed stays.
func TestLostLeaseMidBody(t *testing.T) {
	t.Parallel()
	s := serve(t, quick())
	lonely := s.rigUp(t, func(op faultproxy.Op) faultproxy.Fate {
		if op.SQL && contains(op.Name, "SET lease_until") {
			return faultproxy.Refused
		}
		return faultproxy.Passes
	}, func(o *ledger.Options) { o.LeaseLife = 4 * time.Second }) // enough for two parts on a busy machine
	b := content(20 * mib)
	u := s.create(int64(len(b)), raw)
	p := lonely.stall(lonely.here(u), b[:17*mib])
	eventually(t, "two parts", func() bool { return s.one(`SELECT at_offset FROM upload`) == strconv.Itoa(16*mib) })
	eventually(t, "the lease to end", func() bool { return s.one(`SELECT lease_until < now() FROM upload`) == "true" })
	time.Sleep(150 * time.Millisecond) // a heartbeat: the writer has noticed
	p.send(b[17*mib:])
	a := p.answer()
	lonely.want(a, http.StatusLocked)
	s.wantOffset(s.head(u), 16*mib)
	s.wantRecord(s.patch(u, 16*mib, b[16*mib:]), b)
	s.wantClean()
}

// TestP1_ShutdownCommitsWhatArrived: a server that stops keeps what it has of
// every request and answers 503, after which clients go on elsewhere.
func TestP1_ShutdownCommitsWhatArrived(t *testing.T) {
	t.Parallel()
	s := serve(t)
	stopping, stop := context.WithCancel(context.Background())
	defer stop()
	s.around(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithCancelCause(r.Context())
			defer cancel(nil)
			defer context.AfterFunc(stopping, func() { cancel(handler.ErrServerShutdown) })()
			next.ServeHTTP(w, r.WithContext(ctx))
		})
	})
	other := serveClinic(t, s.Clinic)
	type one struct {
		u    string
		size int
		p    *stalled
		sum  bool
	}
	var all []one
	for i, size := range []int{1000, 300 << 10, 9 * mib} {
		for _, sum := range []bool{false, true} {
			u := s.create(20*mib, raw)
			var more []string
			if sum {
				more = []string{"Upload-Checksum", checksum("sha1", content(100))}
			}
			all = append(all, one{u, size, s.stall(u, content(20 * mib)[:size], more...), sum})
			_ = i
		}
	}
	time.Sleep(50 * time.Millisecond)
	stop()
	for _, x := range all {
		if a := x.p.answer(); a.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("%d bytes, checksum %v: answered %d %s", x.size, x.sum, a.StatusCode, a.Body)
		}
		want := x.size
		if x.sum {
			want = 0
		}
		other.wantOffset(other.head(other.here(x.u)), int64(want))
	}
	for _, x := range all {
		a := other.head(other.here(x.u))
		at, _ := strconv.Atoi(a.Header.Get("Upload-Offset"))
		other.wantRecord(other.patch(other.here(x.u), int64(at), content(20 * mib)[at:]), content(20*mib))
	}
	s.wantClean()
}

// TestLateWishes: a wish for an upload that reaches a replica when its holder
// has left long ago does not interrupt who came after.
func TestLateWishes(t *testing.T) {
	t.Parallel()
	s := serve(t) // leases as in production: nobody looks for wishes meanwhile
	s.listen()
	newcomer := s.replica()
	b := content(1000)
	u, another := s.create(1000, raw), s.create(1000, raw)
	id := path.Base(u)
	first := s.stall(u, b[:100])
	nonce := s.one(`SELECT lease FROM upload WHERE id = $1`, id)
	s.wantOffset(s.head(u), 100)
	first.answer()
	p, q := s.stall(u, b[100:200], "Upload-Offset", "100"), s.stall(another, b[:100])
	s.sql(`SELECT pg_notify('bonfire_release', tenant_id || '/' || id || '/' || $2) FROM upload WHERE id = $1`, id, nonce)
	s.wantOffset(newcomer.head(newcomer.here(another)), 100) // wishes are heard in order
	q.answer()
	p.send(b[200:])
	a := p.end()
	s.want(a, http.StatusNoContent)
	s.wantRecord(a, b)
}
