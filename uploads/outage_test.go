package uploads_test

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/clinictest"
	"github.com/bonfiredb/bonfire/internal/faultproxy"
	"github.com/bonfiredb/bonfire/ledger"
	"github.com/bonfiredb/bonfire/store"
)

// outage is a Judge that refuses S3, or fails it, while it lasts.
type outage struct {
	down  atomic.Bool
	fate  faultproxy.Fate
	asked atomic.Int64 // while it lasts
}

func (o *outage) judge(op faultproxy.Op) faultproxy.Fate {
	if !op.SQL && o.down.Load() {
		o.asked.Add(1)
		return o.fate
	}
	return faultproxy.Passes
}

// TestP1_RecordingSurvivesAnOutageOfS3: while S3 does not answer, a recorder's
// small requests go on being acknowledged, almost all without asking it, and the
// record comes when S3 is back, whether or not anybody asks for it.
func TestP1_RecordingSurvivesAnOutageOfS3(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for name, fate := range map[string]faultproxy.Fate{"no answer": faultproxy.Refused, "503": faultproxy.Failed, "lost answers": faultproxy.Lost} {
		for _, before := range []int{0, 6 * mib} {
			t.Run(name+" after "+strconv.Itoa(before), func(t *testing.T) {
				s := s.on(t)
				o := &outage{fate: fate}
				r := s.rigUp(t, o.judge, steady)
				b := content(before + 12*mib)
				u, token := r.begin("clinician", -1)
				if before > 0 {
					r.want(r.patch(u, 0, b[:before], by(token)...), http.StatusNoContent)
				}
				o.down.Store(true)
				last, tried := len(b)-100<<10, 0
				began := time.Now()
				for at := before; at < last; at += 64 << 10 {
					was := o.asked.Load()
					a := r.patch(u, int64(at), b[at:min(at+64<<10, last)], by(token)...)
					r.want(a, http.StatusNoContent)
					if o.asked.Load() > was {
						tried++
					}
				}
				if most := 1 + int(time.Since(began)/(5*time.Second)); tried > most { // S3 is left alone for 5 s after it did not answer
					t.Errorf("%d requests asked S3, want at most %d", tried, most)
				}
				r.wantOffset(r.headWith(u, by(token)...), int64(last))
				a := r.patch(u, int64(last), b[last:], by(token, "Upload-Length", strconv.Itoa(len(b)))...)
				r.wantSays(a, http.StatusLocked, "ask again")
				r.want(r.headWith(u, by(token)...), http.StatusLocked)
				if n := s.one(`SELECT count(*) FROM file WHERE upload_id = $1`, u[len(u)-36:]); n != "0" {
					t.Error("P2: there is a record of what is not stored")
				}
				if before == 0 {
					s.sweep() // a replica that reaches S3
				}
				o.down.Store(false)
				a = r.headWith(u, by(token)...)
				r.wantRecord(a, b)
			})
		}
	}
	s.wantClean()
}

// TestOutageIsBounded: Postgres does not become the store of large files while
// S3 is away; their clients are told to come back, and lose nothing.
func TestOutageIsBounded(t *testing.T) {
	t.Parallel()
	s := serve(t)
	o := &outage{fate: faultproxy.Failed}
	r := s.rigUp(t, o.judge, steady, func(lo *ledger.Options) { lo.OutageTail = 10 * mib })
	b := content(40 * mib)
	u := r.create(int64(len(b)), raw)
	o.down.Store(true)
	at := 0
	for range 8 {
		a := r.patch(u, int64(at), b[at:])
		r.want(a, http.StatusServiceUnavailable)
		h := r.head(u)
		r.want(h, http.StatusOK)
		now, _ := strconv.Atoi(h.Header.Get("Upload-Offset"))
		if now < at {
			t.Fatalf("P1: the offset went from %d to %d", at, now)
		}
		at = now
	}
	if at > 10*mib {
		t.Errorf("%d bytes wait in Postgres", at)
	}
	o.down.Store(false)
	eventually(t, "S3 to be tried again", func() bool {
		h := r.head(u)
		at, _ = strconv.Atoi(h.Header.Get("Upload-Offset"))
		a := r.patch(u, int64(at), b[at:])
		return a.StatusCode == http.StatusNoContent
	})
	r.wantRecord(r.head(u), b)
	s.wantClean()
}

// TestMultipartAbortedBehindOurBack: parts that somebody else removed are gone,
// and that is said: 410, a state that tells why, and nothing left.
func TestMultipartAbortedBehindOurBack(t *testing.T) {
	t.Parallel()
	s := serve(t)
	b := content(20 * mib)
	abort := func(u string) {
		t.Helper()
		row := s.sql(`SELECT unnest(ARRAY[object_key, multipart]) FROM upload WHERE id = $1`, u[len(u)-36:])
		if err := s.Bucket.AbortMultipart(t.Context(), row[0], row[1]); err != nil {
			t.Fatal(err)
		}
	}
	failed := func(u string) {
		t.Helper()
		s.wantState(u, "failed")
		s.want(s.head(u), http.StatusGone)
		up, err := s.Records.Upload(t.Context(), s.As("clinician"), clinical.UploadID(u[len(u)-36:]))
		if err != nil || up.Failure == nil || up.Failure.Code != clinical.FailedStorage || !up.Failure.Retryable {
			t.Errorf("%+v, %v", up.Failure, err)
		}
	}
	u := s.create(int64(len(b)), raw)
	s.want(s.patch(u, 0, b[:8*mib]), http.StatusNoContent)
	abort(u)
	s.wantSays(s.patch(u, 8*mib, b[8*mib:]), http.StatusGone)
	failed(u)

	u = s.create(-1, raw) // found when it is assembled
	s.want(s.patch(u, 0, b[:16*mib]), http.StatusNoContent)
	abort(u)
	s.wantSays(s.patch(u, 16*mib, nil, "Upload-Length", strconv.Itoa(16*mib)), http.StatusGone)
	failed(u)
	s.wantNothing()
}

// TestP2_LateAssembly: a multipart that is gone because S3 is still assembling
// it for somebody who died is not given up.
func TestP2_LateAssembly(t *testing.T) {
	t.Parallel()
	s := serve(t, quick())
	var gone, died atomic.Bool
	dying := s.rigUp(t, func(op faultproxy.Op) faultproxy.Fate {
		if op.Name == "CompleteMultipartUpload" {
			died.Store(true)
		}
		if died.Load() {
			return faultproxy.Refused
		}
		return faultproxy.Passes
	})
	b := content(9 * mib)
	u := s.create(int64(len(b)), raw)
	go func() {
		_, _ = dying.try(http.MethodPatch, dying.here(u), reader(b), map[string]string{"Upload-Offset": "0"})
	}()
	eventually(t, "the replica to die", died.Load)
	successor := s.rigUp(t, func(op faultproxy.Op) faultproxy.Fate {
		if op.Name == "CompleteMultipartUpload" && gone.Load() {
			return faultproxy.Gone
		}
		return faultproxy.Passes
	})
	gone.Store(true)
	successor.want(successor.head(successor.here(u)), http.StatusLocked)
	s.wantState(u, "assembling")
	gone.Store(false)
	successor.wantRecord(successor.head(successor.here(u)), b)
	s.wantClean()
}

// TestPostgresRestart: the database stops, restarts and crashes under uploads;
// clients that ask again lose nothing.
func TestP1_PostgresRestarts(t *testing.T) {
	t.Parallel()
	env := clinictest.PrivateEnv(t)
	s := serve(t, clinictest.Setup{Env: env, Ledger: short})
	s.listen()
	stop := make(chan struct{})
	var clients sync.WaitGroup
	var done atomic.Int64
	var kept kept
	for i := range 4 {
		clients.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				size := []int{1000, 200 << 10, 3 * mib, 11 * mib}[(i+n)%4]
				if kept.add(s.persist(content(size+i), 1+size/5)) {
					done.Add(1)
				}
			}
		})
	}
	pg := env.Stack.Postgres()
	restartsInMidPatch(s.replica(clinictest.Setup{Env: env}), pg)
	for i := range 5 {
		was := done.Load()
		eventually(t, "uploads to go on", func() bool { return done.Load() > was })
		if i%2 == 0 {
			if err := pg.Restart(context.Background()); err != nil {
				t.Fatal(err)
			}
			continue
		}
		pg.Kill()
		time.Sleep(100 * time.Millisecond)
		if err := pg.Start(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	clients.Wait()
	t.Logf("%d uploads", done.Load())
	kept.check(s)
	s.wantClean()
}

// restartsInMidPatch: a PATCH whose bytes arrive while Postgres is away ends as
// any other, because nothing of the database is held while bytes flow.
func restartsInMidPatch(s *server, pg interface{ Restart(context.Context) error }) {
	s.t.Helper()
	b := content(9*mib + 5)
	p := s.stall(s.create(int64(len(b)), raw), b[:300])
	if err := pg.Restart(context.Background()); err != nil {
		s.t.Error(err)
	}
	p.send(b[300:])
	s.wantRecord(p.end(), b)
}

// TestSpoolsOverflowToFiles: past the memory budget bytes go to files, and come
// out as they went in; all of it is given back.
func TestSpoolsOverflowToFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	budget, err := ledger.NewBudget(2*mib, dir)
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, clinictest.Setup{Ledger: func(o *ledger.Options) { o.Budget = budget }})
	most := atomic.Int64{}
	watching, stop := context.WithCancel(t.Context())
	go func() {
		for watching.Err() == nil {
			most.Store(max(most.Load(), budget.Used()))
			time.Sleep(time.Millisecond)
		}
	}()
	var clients sync.WaitGroup
	var kept kept
	for i := range 4 {
		clients.Go(func() {
			for _, size := range []int{1000, 300 << 10, 2 * mib, 17 * mib} {
				kept.add(s.persist(content(size+i), 1+size/2))
			}
		})
	}
	clients.Wait()
	stop()
	kept.check(s)
	if budget.Spills() == 0 {
		t.Error("nothing went to a file")
	}
	if most.Load() > 3*mib || budget.Used() != 0 {
		t.Errorf("up to %d bytes of memory were held, %d still are", most.Load(), budget.Used())
	}
	if left := entries(t, dir); len(left) > 0 {
		t.Errorf("files are left: %v", left)
	}
	s.wantClean()
}

// TestSlowClientsKeepNobodyWaiting: any number of requests that stall hold
// neither connections of the database nor places on the way to S3: of two and
// one, those who come later have enough.
func TestSlowClientsKeepNobodyWaiting(t *testing.T) {
	t.Parallel()
	s := serve(t, clinictest.Setup{
		Ledger: func(o *ledger.Options) { o.Flushes, o.InFlight = 1, 1 },
		Store:  func(o *store.Options) { o.MaxConns = 2 },
	})
	for i := range 20 {
		u := s.create(20*mib, raw)
		s.stall(u, content(9 * mib)[:[]int{100, 300 << 10, 8*mib + 100}[i%3]])
	}
	for _, size := range []int{1000, 9 * mib} {
		b := content(size)
		s.wantRecord(s.patch(s.create(int64(size), raw), 0, b), b)
	}
	eventually(t, "no connection of the database to be held", func() bool { return s.Store.Stats().AcquiredConns() == 0 })
}
