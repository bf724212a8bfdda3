package uploads_test

import (
	"net/http"
	"testing"

	"github.com/bonfiredb/bonfire/internal/faultproxy"
)

// TestRoundTrips: what a request by upload token costs the database. A live
// recorder's small PATCH is one round trip to take the upload and one to commit
// its bytes and give it back.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	s := serve(t)
	script := &faultproxy.Script{}
	r := s.rigUp(t, script.Judge)
	u, token := r.begin("clinician", -1)
	at := 0
	patch := func(n int) func() {
		return func() {
			r.want(r.patch(u, int64(at), content(n), by(token)...), http.StatusNoContent)
			at += n
		}
	}
	trips := func(do func()) (n int) {
		script.Plan(0, faultproxy.Passes, false)
		do()
		for _, op := range script.Calls() {
			if op.SQL {
				n++
			}
		}
		return n
	}
	for range 3 { // statements are prepared, the principal is known
		trips(patch(1000))
		trips(func() { r.headWith(u, by(token)...) })
	}
	for _, c := range []struct {
		what string
		do   func()
		most int
	}{
		{"PATCH of 16 KiB", patch(16 << 10), 2},
		{"HEAD", func() { r.headWith(u, by(token)...) }, 2},
		{"the first PATCH of 1 MiB", patch(mib), 3 + 1}, // and notes, once, that there are scratch objects
		{"PATCH of 1 MiB", patch(mib), 2},
	} {
		if n := trips(c.do); n > c.most {
			t.Errorf("%s: %d round trips, want %d", c.what, n, c.most)
			for _, op := range script.Calls() {
				t.Logf("  %.90s", op.Name)
			}
		}
	}
}
