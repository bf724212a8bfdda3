package e2e

import (
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/internal/faultproxy"
)

const mib = 1 << 20

// long reports whether the long variants run (make chaos).
func long() bool { return os.Getenv("BONFIRE_CHAOS") == "1" }

// entry is one upload of a plan.
type entry struct {
	n        int // its number, which also gives its content
	seed     uint64
	size     int
	chunk    int64 // bytes a PATCH
	deferred bool
	checksum string // algorithm of the checksum extension, "" for none
}

func (e entry) content() []byte {
	b := make([]byte, e.size)
	var key [32]byte
	key[0], key[1], key[2], key[3] = byte(e.seed), byte(e.n), byte(e.n>>8), 1
	_, _ = io.ReadFull(rand.NewChaCha8(key), b)
	return b
}

// dice gives the random numbers of one concern of a plan.
func (e entry) dice() *rand.Rand { return rand.New(rand.NewPCG(e.seed, uint64(e.n)+100)) }

// victim is what is killed, and comes back.
type victim int

const (
	nobody victim = iota
	firstReplica
	secondReplica
	postgres
)

// plan is what a run does, all of it drawn from a seed before it begins. What a
// seed cannot repeat is which of the things that happen at once comes first.
type plan struct {
	seed    uint64
	entries []entry
	kills   []victim // before the entry of the same number is begun
}

// boundaries are the sizes around which something is done differently: S3's
// smallest part, the usual part, several parts.
var boundaries = []int{0, 1, 5*mib - 1, 5 * mib, 5*mib + 1, 8*mib - 1, 8 * mib, 8*mib + 1, 13 * mib, 17*mib + 3}

// planned draws a plan. The seed is printed, and BONFIRE_CHAOS_SEED gives it
// again; BONFIRE_CHAOS_UPLOADS says how many uploads.
func planned(t *testing.T, uploads int) plan {
	t.Helper()
	p := plan{seed: 1}
	if long() {
		p.seed = uint64(time.Now().UnixNano())
	}
	setting(t, "BONFIRE_CHAOS_SEED", func(s string) (err error) { p.seed, err = strconv.ParseUint(s, 10, 64); return err })
	setting(t, "BONFIRE_CHAOS_UPLOADS", func(s string) (err error) { uploads, err = strconv.Atoi(s); return err })
	t.Logf("BONFIRE_CHAOS_SEED=%d BONFIRE_CHAOS_UPLOADS=%d", p.seed, uploads)
	d := rand.New(rand.NewPCG(p.seed, 0))
	order := d.Perm(len(boundaries))
	for n := range uploads {
		e := entry{n: n, seed: p.seed, size: boundaries[order[n%len(order)]], checksum: []string{"", "", "sha1", "sha256", "crc32"}[d.IntN(5)]}
		e.chunk = []int64{int64(e.size) + 1, 8 * mib, 3*mib + 1, mib}[d.IntN(4)]
		if d.IntN(4) == 0 { // a live recording
			e.deferred, e.size, e.chunk = true, d.IntN(mib), 16<<10+d.Int64N(48<<10)
		}
		p.entries = append(p.entries, e)
		kill := nobody
		if n%5 == 2 {
			kill = []victim{firstReplica, secondReplica, postgres}[(uint64(n/5)+p.seed)%3]
		}
		p.kills = append(p.kills, kill)
	}
	return p
}

func setting(t *testing.T, name string, parse func(string) error) {
	t.Helper()
	if s := os.Getenv(name); s != "" {
		if err := parse(s); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
}

// dice are random numbers for many goroutines.
type dice struct {
	mu sync.Mutex
	r  *rand.Rand
}

func (p plan) dice(concern uint64) *dice { return &dice{r: rand.New(rand.NewPCG(p.seed, concern))} }

func (d *dice) under(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.r.IntN(n)
}

// cuts decides how many bytes a client's connection lives.
func (d *dice) cuts() (up, down int64) {
	switch d.under(4) {
	case 0:
		return int64(d.under(12 * mib)), -1
	case 1:
		return int64(d.under(200 << 10)), -1
	case 2:
		return -1, int64(d.under(600))
	}
	return -1, -1
}

// weather fails, delays and drops answers of a share of the calls to S3.
func (d *dice) weather(faultproxy.Op) faultproxy.Fate {
	switch n := d.under(1000); {
	case n < 40:
		return faultproxy.Refused
	case n < 80:
		return faultproxy.Lost
	case n < 120:
		return faultproxy.Failed
	case n > 950:
		time.Sleep(time.Duration(d.under(200)) * time.Millisecond)
	}
	return faultproxy.Passes
}
