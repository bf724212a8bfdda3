package uploads_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/faultproxy"
	"github.com/bonfiredb/bonfire/ledger"
	"github.com/bonfiredb/bonfire/records"
)

// course is one way through the engine that writes. send goes along it and stops
// at the first thing that does not work; end goes on, on a server that works,
// until the upload has ended as it should.
type course struct {
	name string
	send func(*journey)
	end  func(*journey)
}

// journey is one run along a course, with a fault or a death at its n-th call.
type journey struct {
	*rig
	calm  *server // unharmed, and another replica
	b     []byte
	url   string
	acked int
}

// create begins the upload; false when the client got no address.
func (j *journey) create(length int, meta string) bool {
	h := map[string]string{"Upload-Metadata": meta, "Upload-Length": strconv.Itoa(length)}
	if length < 0 {
		h["Upload-Length"], h["Upload-Defer-Length"] = "", "1"
	}
	a, err := j.try(http.MethodPost, j.URL+"/uploads/", nil, h)
	if err != nil || a.StatusCode != http.StatusCreated {
		return false
	}
	j.url = a.Header.Get("Location")
	return true
}

// patch sends the next n bytes; false when they were not all acknowledged.
func (j *journey) patch(n int, more ...string) bool {
	h := map[string]string{"Upload-Offset": strconv.Itoa(j.acked)}
	for i := 0; i < len(more); i += 2 {
		h[more[i]] = more[i+1]
	}
	a, err := j.try(http.MethodPatch, j.url, reader(j.b[j.acked:j.acked+n]), h)
	if err != nil || a.StatusCode != http.StatusNoContent {
		return false
	}
	j.acked, err = strconv.Atoi(a.Header.Get("Upload-Offset"))
	return err == nil
}

func (j *journey) id() clinical.UploadID { return clinical.UploadID(j.url[len(j.url)-36:]) }

// pieces is a course of a declared length whose bytes are sent so.
func pieces(name string, sizes ...int) course {
	total := 0
	for _, n := range sizes {
		total += n
	}
	return course{name: name, end: becomesRecord, send: func(j *journey) {
		j.b = content(total)
		if !j.create(total, raw) {
			return
		}
		for _, n := range sizes {
			if !j.patch(n) {
				return
			}
		}
	}}
}

// recorded is a course of a recording whose length is declared when it is over, by
// a request without bytes.
func recorded(name string, finish func(*journey), sizes ...int) course {
	total := 0
	for _, n := range sizes {
		total += n
	}
	return course{name: name, end: becomesRecord, send: func(j *journey) {
		j.b = content(total)
		if !j.create(-1, raw) {
			return
		}
		for _, n := range sizes {
			if !j.patch(n) {
				return
			}
		}
		finish(j)
	}}
}

var courses = []course{
	pieces("a small file", 1000),
	pieces("tails", 100<<10, 100<<10, 100<<10),
	pieces("scratch objects", mib, 2*mib, 100),
	pieces("parts in one request", 17*mib),
	pieces("parts and tails", 8*mib, 1000, 6*mib, 100),
	recorded("a recording, length declared", func(j *journey) { j.patch(0, "Upload-Length", strconv.Itoa(len(j.b))) }, 6*mib, 50<<10, mib),
	recorded("a recording, finished", func(j *journey) {
		_, _ = j.Records.FinishUpload(context.Background(), j.calm.As("clinician"), j.id(), records.FinishUpload{DeclareLength: true})
	}, 6*mib, 50<<10, 60<<10),
	{name: "cancelled", end: endsAs("cancelled"), send: func(j *journey) {
		j.b = content(20 * mib)
		if j.create(len(j.b), raw) && j.patch(9*mib) && j.patch(mib) {
			_, _ = j.try(http.MethodDelete, j.url, nil, nil)
		}
	}},
	{name: "expired", end: endsAs("expired"), send: func(j *journey) {
		j.b = content(20 * mib)
		if j.create(len(j.b), raw) && j.patch(9*mib) && j.patch(mib) {
			j.calm.sql(`UPDATE upload SET expires_at = now() - interval '1 hour' WHERE id = $1`, string(j.id()))
			_ = j.Records.Sweep(context.Background())
		}
	}},
	{name: "another digest than announced", end: endsAs("failed"), send: func(j *journey) {
		j.b = content(9 * mib)
		sum := sha256.Sum256([]byte("something else"))
		if j.create(len(j.b), raw+",sha256 "+b64(hex.EncodeToString(sum[:]))) {
			j.patch(len(j.b))
		}
	}},
	{name: "another type than declared", end: endsAs("failed"), send: func(j *journey) {
		j.b = append([]byte("%PDF-1.7\n"), content(1000)...)
		if j.create(len(j.b), with()) && j.patch(300) {
			j.patch(len(j.b) - 300)
		}
	}},
}

// becomesRecord: what was received becomes a record without anybody asking for
// it; what was not is sent by the client, who was told the truth.
func becomesRecord(j *journey) {
	t, s := j.calm.t, j.calm
	if j.acked < len(j.b) && s.one(`SELECT length IS NULL OR at_offset < length FROM upload WHERE id = $1`, string(j.id())) == "true" {
		c := client{at: func() *server { return s }, piece: len(j.b), deferred: s.one(`SELECT length IS NULL FROM upload WHERE id = $1`, string(j.id())) == "true"}
		if c.goOn(j.url, j.b, j.acked).url == "" {
			return
		}
	} else if s.one(`SELECT length IS NULL FROM upload WHERE id = $1`, string(j.id())) == "true" {
		if (client{at: func() *server { return s }, piece: len(j.b) + 1, deferred: true}).goOn(j.url, j.b, j.acked).url == "" {
			return
		}
	} else { // P2, by the sweeper alone
		eventually(t, "the sweeper to make the record of "+j.url, func() bool {
			_ = s.Records.Sweep(context.Background())
			return s.state(j.url) == "completed"
		})
	}
	s.wantRecord(s.head(s.here(j.url)), j.b)
	if n := s.one(`SELECT count(*) FROM file WHERE upload_id = $1`, string(j.id())); n != "1" {
		t.Errorf("P2: %s records", n)
	}
}

// endsAs: however often the client has to ask, and whoever has to sweep, the
// upload ends without a record.
func endsAs(state string) func(*journey) {
	return func(j *journey) {
		t, s := j.calm.t, j.calm
		eventually(t, state+" of "+j.url, func() bool {
			a := s.head(s.here(j.url))
			if a.StatusCode == http.StatusGone {
				return true
			}
			at, err := strconv.Atoi(a.Header.Get("Upload-Offset"))
			if a.StatusCode == http.StatusLocked || a.StatusCode == 460 {
				return false
			}
			if err != nil || at < j.acked {
				t.Fatalf("P1: %d acknowledged, and HEAD says %d %q", j.acked, a.StatusCode, a.Header.Get("Upload-Offset"))
			}
			switch state {
			case "cancelled":
				s.do(http.MethodDelete, s.here(j.url), nil, nil)
			case "expired":
				s.sql(`UPDATE upload SET expires_at = now() - interval '1 hour' WHERE id = $1`, string(j.id()))
				_ = s.Records.Sweep(context.Background())
			case "failed":
				s.do(http.MethodPatch, s.here(j.url), reader(j.b[at:]), map[string]string{"Upload-Offset": strconv.Itoa(at)})
			}
			return false
		})
		if got := s.state(j.url); got != state {
			t.Errorf("the upload is %s, want %s", got, state)
		}
		if n := s.one(`SELECT count(*) FROM file WHERE upload_id = $1`, string(j.id())); n != "0" {
			t.Errorf("P2: %s records", n)
		}
	}
}

// TestP1P2P3_ChaosAtEveryCall goes along every course with its n-th call to S3 or
// Postgres refused, or taking effect without an answer, for every n; and again
// with the process dying at that moment, so that nothing but its lease is left.
// Without BONFIRE_CHAOS=1 a sample of all n is taken, another one each time.
func TestP1P2P3_ChaosAtEveryCall(t *testing.T) {
	t.Parallel()
	d := seeded(t)
	for _, p := range courses {
		t.Run(strings.ReplaceAll(p.name, " ", "-"), func(t *testing.T) {
			s := serve(t, quick())
			calls := s.journey(t, p, 0, faultproxy.Passes, false)
			step, first := 1, 1
			if !long() {
				step = max(1, calls/6)
				first = 1 + d.under(step)
			}
			t.Logf("%d calls, every %d. from the %d.", calls, step, first)
			var runs sync.WaitGroup
			places := make(chan struct{}, 8)
			for n := first; n <= calls+2; n += step {
				for _, fate := range []faultproxy.Fate{faultproxy.Refused, faultproxy.Lost} {
					for _, dies := range []bool{false, true} {
						if !long() && d.under(2) == 0 {
							continue
						}
						places <- struct{}{}
						runs.Go(func() {
							defer func() { <-places }()
							s.on(named{t, fmt.Sprintf("call %d, fate %d, dies %v: ", n, fate, dies)}).journey(t, p, n, fate, dies)
						})
					}
				}
			}
			runs.Wait()
			s.sql(`UPDATE upload SET expires_at = now() - interval '1 hour' WHERE at_offset = 0 AND state = 'open'`) // whose clients got no address
			s.wantClean()
		})
	}
}

// journey goes once along a course and tells how many calls that took.
func (s *server) journey(t *testing.T, p course, n int, fate faultproxy.Fate, dies bool) int {
	script := &faultproxy.Script{}
	r := s.rigUp(t, script.Judge, func(o *ledger.Options) { o.LeaseLife, o.Heartbeat = 400*time.Millisecond, 100*time.Millisecond })
	defer r.close()
	script.Plan(n, fate, dies)
	j := &journey{rig: r, calm: s}
	p.send(j)
	calls := len(script.Calls())
	script.Plan(0, faultproxy.Passes, false)
	if dies {
		script.Crash()
	}
	if j.url != "" {
		p.end(j)
	}
	return calls
}

// named tells which run a failure belongs to.
type named struct {
	testing.TB
	name string
}

func (n named) Errorf(format string, args ...any) {
	n.TB.Helper()
	n.TB.Errorf(n.name+format, args...)
}

func (n named) Fatalf(format string, args ...any) {
	n.TB.Helper()
	n.TB.Fatalf(n.name+format, args...)
}
