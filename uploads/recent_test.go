package uploads_test

import (
	"net/http"
	"testing"

	"github.com/bonfiredb/bonfire/internal/clinictest"
	"github.com/bonfiredb/bonfire/ledger"
)

// TestPiecesAreReadBackWhereTheyAreNotRemembered: a part is made of the bytes that
// this server has put into scratch objects, without reading them; of those of
// another server, or that no memory was left for, by reading them; and the file
// is the same.
func TestPiecesAreReadBackWhereTheyAreNotRemembered(t *testing.T) {
	t.Parallel()
	s := serve(t)
	other := s.replica()
	small, err := ledger.NewBudget(1500<<10, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	narrow := s.replica(clinictest.Setup{Ledger: func(o *ledger.Options) { o.Budget = small }})
	for _, c := range []struct {
		name        string
		first, then *server
		reads       int64
	}{
		{"the same server", s, s, 0},
		{"another server", s, other, 4},
		{"a server without memory for them", narrow, narrow, 4}, // a piece and what arrives fill it
	} {
		t.Run(c.name, func(t *testing.T) {
			first, then := c.first.on(t), c.then.on(t)
			b := content(10 * mib)
			u := s.on(t).create(int64(len(b)), raw)
			for at := 0; at < 4*mib; at += mib {
				first.want(first.patch(first.here(u), int64(at), b[at:at+mib]), http.StatusNoContent)
			}
			calls := then.calls(func() {
				then.want(then.patch(then.here(u), 4*mib, b[4*mib:5*mib]), http.StatusNoContent)
			})
			if calls["GetObject"] != c.reads || calls["UploadPart"] != 1 {
				t.Errorf("%v, want %d reads", calls, c.reads)
			}
			then.wantRecord(then.patch(then.here(u), 5*mib, b[5*mib:]), b)
		})
	}
	s.wantClean()
}
