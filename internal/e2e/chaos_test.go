package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/internal/devstack"
	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
	"github.com/bonfiredb/bonfire/internal/faultproxy"
)

// TestP1P2P3_ChaosOfProcesses: two server processes on one database and bucket,
// which are killed and come back, like Postgres; a share of the calls to S3
// fails, is late, or takes effect without an answer; the clients' connections
// are cut at random bytes. No acknowledged byte is lost, every upload becomes
// one record with the right bytes, and bucket and database agree.
func TestP1P2P3_ChaosOfProcesses(t *testing.T) {
	uploads := 16
	if long() {
		uploads = 1000
	}
	p := planned(t, uploads)
	s := storm(t, p)
	done := make([]*outcome, len(p.entries))
	jobs := make(chan int)
	var clients sync.WaitGroup
	for range 6 {
		clients.Go(func() {
			for n := range jobs {
				done[n] = s.upload(p.entries[n])
			}
		})
	}
	began := time.Now()
	for n, kill := range p.kills {
		s.kill(kill)
		jobs <- n
	}
	close(jobs)
	clients.Wait()
	s.calm.Store(true)
	t.Logf("%d uploads in %v: %d connections cut, %d calls to S3 troubled, %d kills",
		len(done), time.Since(began).Round(time.Second), s.cut.Load(), s.troubled.Load(), s.kills)
	for _, o := range done {
		s.verify(o)
	}
	s.agree(len(done))
	s.bonfire("fsck", "--deep", "--json", "--older-than", "1m") // exit code 0: nothing found
}

// tempest is the house, and what shakes it.
type tempest struct {
	*house
	c        *client
	replicas [2]*process
	urls     [2]string // where the replicas are
	fronts   [2]string // and where clients find them, host and port
	calm     atomic.Bool
	cut      atomic.Int64
	troubled atomic.Int64
	kills    int
}

func storm(t *testing.T, p plan) *tempest {
	t.Helper()
	s := &tempest{house: &house{t: t, dir: devtest.Dir(t)}}
	t.Cleanup(func() { _ = devstack.Remove(filepath.Join(s.dir, ".data")) })
	s.startStack()
	endpoint := s.setting("BONFIRE_S3_ENDPOINT")
	s.calm.Store(true) // until everything stands
	weather := p.dice(1)
	s3, err := faultproxy.NewS3(endpoint, func(op faultproxy.Op) faultproxy.Fate {
		if s.calm.Load() {
			return faultproxy.Passes
		}
		fate := weather.weather(op)
		if fate != faultproxy.Passes {
			s.troubled.Add(1)
		}
		return fate
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s3.Close)
	s.c = &client{h: s.house, t: t}
	s.env = append(s.env, "BONFIRE_S3_ENDPOINT="+s3.URL, "BONFIRE_S3_PUBLIC_ENDPOINT="+endpoint)
	for i := range s.replicas {
		s.urls[i] = "http://" + freeAddress(t)
		s.replicas[i] = s.serveAt(s.urls[i])
		cuts := p.dice(uint64(2 + i))
		front, err := faultproxy.NewTCP(strings.TrimPrefix(s.urls[i], "http://"), func() (up, down int64) {
			if s.calm.Load() {
				return -1, -1
			}
			if up, down = cuts.cuts(); up >= 0 || down >= 0 {
				s.cut.Add(1)
			}
			return up, down
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(front.Close)
		s.fronts[i] = front.Addr
	}
	s.URL = s.urls[0]
	s.c.token = s.token("clinician")
	s.calm.Store(false)
	return s
}

// setting is a line of what the stack printed.
func (h *house) setting(name string) string {
	h.t.Helper()
	for _, kv := range h.env {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			return v
		}
	}
	h.t.Fatalf("the stack did not print %s", name)
	return ""
}

// kill ends a victim without warning, and waits until it is back.
func (s *tempest) kill(v victim) {
	s.t.Helper()
	switch v {
	case nobody:
		return
	case postgres:
		pid := s.postgres()
		_ = syscall.Kill(pid, syscall.SIGKILL)
		s.ready(s.replicas[0], s.urls[0])
	default:
		i := int(v - firstReplica)
		s.replicas[i].stop(syscall.SIGKILL)
		s.replicas[i] = s.serveAt(s.urls[i])
	}
	s.kills++
}

// postgres is the process that the stack runs it in.
func (h *house) postgres() int {
	h.t.Helper()
	out, err := exec.Command("pgrep", "-P", strconv.Itoa(h.stack.cmd.Process.Pid), "-x", "postgres").Output()
	if err != nil {
		h.t.Fatalf("no Postgres to be killed: %v", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		h.t.Fatal(err)
	}
	return pid
}

// outcome is how an entry of the plan ended for its client.
type outcome struct {
	witness
	id  string // of the upload
	err error
}

// upload does one entry of the plan, with all the patience of the world.
func (s *tempest) upload(e entry) *outcome {
	d := e.dice()
	o := &outcome{witness: witness{entry: e, host: func() string { return s.fronts[d.IntN(2)] }}}
	ctx, stop := context.WithTimeout(s.t.Context(), 4*time.Minute)
	defer stop()
	in := map[string]any{
		"patientId": demo.Patient, "kind": "raw", "contentType": "application/octet-stream",
		"idempotencyKey": fmt.Sprintf("chaos-%d-%d", e.seed, e.n),
	}
	if !e.deferred {
		in["size"] = e.size
	}
	var at target
	for {
		if at, o.err = s.c.tryCreate("http://"+o.host(), in); o.err == nil {
			break
		}
		select {
		case <-ctx.Done():
			return o
		case <-time.After(100 * time.Millisecond):
		}
	}
	o.id = at.ID
	header := http.Header{}
	for k, v := range maps.All(at.Header) {
		header.Set(k, v)
	}
	o.err = o.send(ctx, at.URL, header)
	return o
}

// verify holds what became of an entry against what was sent.
func (s *tempest) verify(o *outcome) {
	s.t.Helper()
	what := fmt.Sprintf("upload %d (%d bytes by %d, deferred %v, checksum %q)", o.n, o.size, o.chunk, o.deferred, o.checksum)
	for _, l := range o.losses() {
		s.t.Errorf("%s: %s", what, l)
	}
	if o.err != nil {
		s.t.Errorf("%s: %v", what, o.err)
		return
	}
	var out struct {
		Upload struct {
			State string
			File  *struct{ ID, SHA256 string }
		}
	}
	for end := time.Now().Add(time.Minute); out.Upload.File == nil; time.Sleep(50 * time.Millisecond) {
		s.c.ask(&out, `query($id: ID!) { upload(id: $id) { state file { id sha256 } } }`, map[string]any{"id": o.id})
		if time.Now().After(end) {
			s.t.Errorf("P2: %s: is %s, and no record", what, out.Upload.State)
			return
		}
	}
	want := sha256.Sum256(o.content())
	b, _ := s.c.download(out.Upload.File.ID)
	if got := sha256.Sum256(b); got != want || out.Upload.File.SHA256 != hex.EncodeToString(want[:]) {
		s.t.Errorf("P1: %s: %d other bytes came back", what, len(b))
	}
}
