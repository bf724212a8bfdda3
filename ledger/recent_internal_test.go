package ledger

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"
)

func ropeOf(t *testing.T, b *Budget, p []byte) *rope {
	t.Helper()
	r := newRope(b)
	if err := r.add(p); err != nil {
		t.Fatal(err)
	}
	return r
}

func bytesOf(t *testing.T, r *rope) (out []byte) {
	t.Helper()
	if err := r.each(func(p []byte) { out = append(out, p...) }); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestRecentGivesWayToSpools: what is kept is never in the way of what arrives,
// the oldest goes first, and all memory comes back.
func TestRecentGivesWayToSpools(t *testing.T) {
	const piece = firstBlock + laterBlock
	b, err := NewBudget(3*piece, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]byte{}
	for _, key := range []string{"a", "b", "c"} {
		want[key] = bytes.Repeat([]byte(key), piece)
		b.recent.keep(key, ropeOf(t, b, want[key]))
	}
	if b.Used() != 0 || b.Kept() != 3*piece {
		t.Fatalf("%d used, %d kept", b.Used(), b.Kept())
	}
	spool := ropeOf(t, b, make([]byte, piece))
	if b.Spills() != 0 || b.Used() != piece || b.Kept() != 2*piece {
		t.Errorf("%d spills, %d used, %d kept: the spool did not get the memory of the oldest", b.Spills(), b.Used(), b.Kept())
	}
	if b.recent.take("a") != nil {
		t.Error("the oldest was not the one to go")
	}
	for _, key := range []string{"b", "c"} {
		r := b.recent.take(key)
		if r == nil || !bytes.Equal(bytesOf(t, r), want[key]) {
			t.Fatalf("%s: other bytes, or none", key)
		}
		if b.recent.take(key) != nil {
			t.Errorf("%s: given up twice", key)
		}
		if err := spool.join(r); err != nil {
			t.Fatal(err)
		}
	}
	if got := bytesOf(t, spool); !bytes.Equal(got, append(make([]byte, piece), append(want["b"], want["c"]...)...)) {
		t.Error("joined bytes are others")
	}
	more := ropeOf(t, b, make([]byte, piece)) // nothing is left to give
	if b.Spills() != 1 {
		t.Errorf("%d spills, want 1", b.Spills())
	}
	b.recent.keep("file", more)
	if b.Kept() != 0 {
		t.Error("a file was kept")
	}
	if err := spool.join(more); err != nil || int64(len(bytesOf(t, spool))) != 4*piece {
		t.Errorf("joined to what is in a file: %v, %d bytes", err, len(bytesOf(t, spool)))
	}
	more.free()
	spool.free()
	if b.Used() != 0 || b.Kept() != 0 {
		t.Errorf("%d used and %d kept at the end", b.Used(), b.Kept())
	}
}

// TestRecentEnds: an upload that does not go on holds no memory for long.
func TestRecentEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, err := NewBudget(mib, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		b.recent.keep("gone", ropeOf(t, b, make([]byte, 1000)))
		b.recent.keep("deleted", ropeOf(t, b, make([]byte, 1000)))
		b.recent.drop("deleted", "unknown")
		time.Sleep(recentTime - time.Second)
		if b.Kept() != firstBlock {
			t.Errorf("%d kept within the minute", b.Kept())
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if b.Kept() != 0 || b.Used() != 0 {
			t.Errorf("%d kept, %d used after it", b.Kept(), b.Used())
		}
	})
}
