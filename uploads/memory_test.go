package uploads_test

import (
	"bytes"
	"crypto/sha256"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/clinictest"
	"github.com/bonfiredb/bonfire/ledger"
	"github.com/bonfiredb/bonfire/uploads"
)

// TestOneBudgetForAllSpools: 200 clients that stall in the middle of a part and
// one that sends a large file (of BONFIRE_LARGE_MIB, 96 without) share one
// budget, which is never exceeded; the stalled ones keep the other from nothing.
func TestOneBudgetForAllSpools(t *testing.T) {
	const clients, limit = 200, 16 * mib
	large := int64(96 * mib)
	if n, err := strconv.ParseInt(os.Getenv("BONFIRE_LARGE_MIB"), 10, 64); err == nil {
		large = n * mib
	}
	budget, err := ledger.NewBudget(limit, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, clinictest.Setup{Ledger: func(o *ledger.Options) { o.Budget = budget }})
	most, heap, rest := watchMemory(budget)

	first := content(512 << 10)
	var all sync.WaitGroup
	stalled := make([]*stalled, clients)
	for i := range stalled {
		u := s.create(16*mib, raw)
		stalled[i] = s.announcing(u, 0, 16*mib)
		all.Go(func() { stalled[i].write(first) })
	}
	all.Wait()
	eventually(t, "the stalled bytes to fill the budget", func() bool { return budget.Spills() > clients/2 })

	u := s.create(large, raw)
	source, sum := io.LimitReader(rand.NewChaCha8([32]byte{9}), large), sha256.New()
	a := s.do(http.MethodPatch, u, io.TeeReader(source, sum), map[string]string{"Upload-Offset": "0"})
	s.want(a, http.StatusNoContent)
	f, err := s.Records.File(t.Context(), s.As("clinician"), clinical.FileID(a.Header.Get(uploads.ResourceIDHeader)))
	if err != nil || f.Size != large || !bytes.Equal(f.Digests.SHA256, sum.Sum(nil)) {
		t.Fatalf("%+v, %v", f, err)
	}
	for _, p := range stalled {
		p.cut()
	}
	eventually(t, "the stalled uploads to be let go of", func() bool { return s.one(`SELECT count(*) FROM upload WHERE lease IS NOT NULL`) == "0" })
	rest()
	if *most > limit {
		t.Errorf("spools held %d bytes, more than their budget of %d", *most, limit)
	}
	if got := budget.Used(); got != 0 {
		t.Errorf("%d bytes were never given back", got)
	}
	// A request costs some 100 KiB beside its spool, on both its ends here.
	if *heap > limit+clients*mib/2 {
		t.Errorf("the heap grew to %d MiB", *heap/mib)
	}
	t.Logf("at most %d KiB of spools, %d MiB of heap, %d spills", *most>>10, *heap/mib, budget.Spills())
}

// watchMemory samples what spools and heap hold until rest is called.
func watchMemory(b *ledger.Budget) (most, heap *int64, rest func()) {
	var end atomic.Bool
	var done sync.WaitGroup
	most, heap = new(int64), new(int64)
	done.Go(func() {
		for n := 0; !end.Load(); n++ {
			*most = max(*most, b.Used())
			if n%64 == 0 {
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				*heap = max(*heap, int64(m.HeapInuse))
			}
			time.Sleep(time.Millisecond)
		}
	})
	return most, heap, func() { end.Store(true); done.Wait() }
}
