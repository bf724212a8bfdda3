package uploads_test

import (
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/internal/faultproxy"
)

// long reports whether the long variants run (make chaos).
func long() bool { return os.Getenv("BONFIRE_CHAOS") == "1" }

// dice are random numbers for many goroutines, from a seed that is logged and
// can be given again as BONFIRE_CHAOS_SEED. The goroutines take turns as they come, so
// that a seed gives the same numbers and not always the same run.
type dice struct {
	mu sync.Mutex
	r  *rand.Rand
}

func seeded(t testing.TB) *dice {
	t.Helper()
	seed, err := strconv.ParseUint(os.Getenv("BONFIRE_CHAOS_SEED"), 10, 64)
	if err != nil {
		seed = rand.Uint64()
	}
	t.Logf("BONFIRE_CHAOS_SEED=%d", seed)
	return &dice{r: rand.New(rand.NewPCG(seed, 0))}
}

func (d *dice) under(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.r.IntN(n)
}

// misfortune is a Judge that breaks a share of the calls.
func (d *dice) misfortune(op faultproxy.Op) faultproxy.Fate {
	n := d.under(1000)
	switch {
	case op.SQL && n < 8, !op.SQL && n < 40:
		return faultproxy.Refused
	case op.SQL && n < 16, !op.SQL && n < 80:
		return faultproxy.Lost
	case !op.SQL && n < 120:
		return faultproxy.Failed
	case n > 970:
		time.Sleep(time.Duration(d.under(60)) * time.Millisecond)
	}
	return faultproxy.Passes
}

// cuts decides how many bytes a client's connection lives.
func (d *dice) cuts() (up, down int64) {
	switch d.under(4) {
	case 0:
		return int64(d.under(12 * mib)), -1
	case 1:
		return int64(d.under(200 << 10)), -1
	case 2:
		return -1, int64(d.under(400))
	}
	return -1, -1
}

// boundaries are the sizes around which something is done differently.
var boundaries = []int{
	0, 1, 511, 512, 32<<10 + 1, 256<<10 - 1, 256 << 10, 1 * mib, 5*mib - 1, 5 * mib, 5*mib + 1, 8*mib - 1, 8 * mib, 8*mib + 1, 13 * mib, 17*mib + 3,
}

// TestP1P2P3_Chaos: two replicas that lose a share of their calls to S3 and
// Postgres, and die and are replaced now and then; clients whose connections are
// cut at random bytes. No acknowledged byte is lost, every upload becomes one
// record with the right bytes, and nothing is left behind.
func TestP1P2P3_Chaos(t *testing.T) {
	t.Parallel()
	uploads, workers := 30, 6
	if long() {
		uploads = 1000
	}
	if n, err := strconv.Atoi(os.Getenv("BONFIRE_CHAOS_UPLOADS")); err == nil {
		uploads = n
	}
	d := seeded(t)
	s := serve(t, quick()) // unharmed, to look
	var replicas [2]replica
	for i := range replicas {
		replicas[i].replace(t, s, d)
	}
	var clients sync.WaitGroup
	var kept kept
	jobs := make(chan int)
	for range workers {
		clients.Go(func() {
			for range jobs {
				size := boundaries[d.under(len(boundaries))]
				c := client{
					at:       func() *server { return replicas[d.under(2)].front() },
					piece:    max(1, size/(1+d.under(4))),
					deferred: d.under(3) == 0,
					checksum: []string{"", "", "sha1", "crc32"}[d.under(4)],
					patience: 2 * time.Minute,
				}
				for !kept.add(c.upload(content(size))) && !t.Failed() { // its creation fell victim
				}
			}
		})
	}
	for i := range uploads {
		if i%7 == 6 {
			replicas[d.under(2)].replace(t, s, d)
		}
		jobs <- i
	}
	close(jobs)
	clients.Wait()
	for i := range replicas {
		replicas[i].die()
	}
	kept.check(s)
	s.sql(`UPDATE upload SET lease_until = now() - interval '1 second', expires_at = now() - interval '1 second'
		WHERE state IN ('open', 'receiving')`) // created, and their clients were never told
	s.wantClean()
}

// replica is a server that can die, and the front that clients know it by.
type replica struct {
	mu     sync.Mutex
	script *faultproxy.Script
	shown  *server
}

func (r *replica) front() *server {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.shown
}

func (r *replica) die() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.script.Crash()
}

// replace lets the replica die and puts another in its place.
func (r *replica) replace(t *testing.T, s *server, d *dice) {
	t.Helper()
	if r.script != nil {
		r.die()
	}
	script := &faultproxy.Script{}
	var ready atomic.Bool
	up := s.rigUp(t, func(op faultproxy.Op) faultproxy.Fate {
		if fate := script.Judge(op); fate != faultproxy.Passes || !ready.Load() {
			return fate
		}
		return d.misfortune(op)
	})
	ready.Store(true)
	up.listen()
	cut, err := faultproxy.NewTCP(up.URL[len("http://"):], d.cuts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cut.Close)
	shown := up.on(t)
	shown.URL = "http://" + cut.Addr
	r.mu.Lock()
	defer r.mu.Unlock()
	r.script, r.shown = script, shown
}
