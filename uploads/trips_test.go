package uploads_test

import (
	"net/http"
	"strings"
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
	r := s.rigUp(t, script.Judge, steady)
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
			if op.SQL && !strings.HasPrefix(op.Name, "prepare ") { // once a connection
				n++
			}
		}
		return n
	}
	for range 3 { // statements are prepared, the principal is known
		trips(patch(1000))
		trips(func() { r.headWith(u, by(token)...) })
	}
	long, token2 := r.begin("clinician", 200*mib)
	sent := 0
	send := func(n int) func() {
		return func() {
			r.want(r.patch(long, int64(sent), content(n), by(token2)...), http.StatusNoContent)
			sent += n
		}
	}
	trips(send(8 * mib)) // begins the multipart
	for _, c := range []struct {
		what string
		do   func()
		most int
	}{
		{"PATCH of 16 KiB", patch(16 << 10), 2},
		{"HEAD", func() { r.headWith(u, by(token)...) }, 2},
		{"the first PATCH of 1 MiB", patch(mib), 3 + 1}, // and notes, once, that there are scratch objects
		{"PATCH of 1 MiB", patch(mib), 2},
		{"PATCH of a part", send(8 * mib), 2},
	} {
		if n := trips(c.do); n > c.most {
			t.Errorf("%s: %d round trips, want %d", c.what, n, c.most)
			for _, op := range script.Calls() {
				t.Logf("  %.90s", op.Name)
			}
		}
	}
	// Of the numbers for eight parts one comes with the lease, then 1, 2 and 4.
	asked := 0
	trips(send(64 * mib))
	for _, op := range script.Calls() {
		if strings.HasPrefix(op.Name, "UPDATE upload SET next_part") {
			asked++
		}
	}
	if asked != 3 {
		t.Errorf("PATCH of eight parts: %d reservations, want 3", asked)
	}
}
