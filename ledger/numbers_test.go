package ledger_test

import (
	"testing"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/ledger"
)

// TestP1_NumbersOfALease: a part number that came with a lease is nobody else's,
// also when its writer has lost the lease before it used it.
func TestP1_NumbersOfALease(t *testing.T) {
	t.Parallel()
	h := open(t)
	u := h.reserve(t, 100*mib)
	announcing := func(n int64) *ledger.Session {
		t.Helper()
		w := want(u)
		w.Announced = n
		s, err := h.Ledger.Acquire(t.Context(), w)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Release)
		return s
	}
	write := func(s *ledger.Session, n int64) error {
		defer s.Release()
		_, err := s.Write(t.Context(), piece(s.Upload().Offset, n), nil)
		return err
	}
	row := func(what string) (n int) {
		t.Helper()
		if err := h.admin.QueryRowContext(t.Context(), `SELECT `+what+` FROM upload WHERE id = $1`, string(u.ID)).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	last := `(SELECT max(number) FROM upload_part WHERE upload_id = upload.id)`

	if err := write(announcing(8*mib), 8*mib); err != nil { // begins the multipart
		t.Fatal(err)
	}
	announcing(mib).Release()
	if got := row("next_part"); got != 2 {
		t.Errorf("a request of no part took a number: the next one is %d", got)
	}
	stale := announcing(8 * mib)
	if _, err := h.admin.ExecContext(t.Context(), `UPDATE upload SET lease_until = now() - interval '1 second' WHERE id = $1`, string(u.ID)); err != nil {
		t.Fatal(err)
	}
	if err := write(announcing(8*mib), 8*mib); err != nil {
		t.Fatal(err)
	}
	if got := row(last); got != 3 {
		t.Errorf("the successor sent under %d, want 3", got)
	}
	if err := write(stale, 8*mib); !clinical.Is(err, clinical.Busy) {
		t.Errorf("the writer without its lease: %v", err)
	}
	if at, got := row("at_offset"), row(last); at != 16*mib || got != 3 {
		t.Errorf("it left offset %d, part %d", at, got)
	}
	for row("at_offset") < 96*mib { // a long request reserves what it has used before
		if err := write(announcing(80*mib), 80*mib); err != nil {
			t.Fatal(err)
		}
	}
	if got := row("next_part"); got > 3+10+1+8 {
		t.Errorf("ten parts took the numbers up to %d", got)
	}
}
