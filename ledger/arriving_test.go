package ledger

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
)

func rig(t *testing.T, memory int64) (*rope, *arriving) {
	t.Helper()
	b, err := NewBudget(memory, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	r := newRope(b)
	r.seen = newArriving()
	t.Cleanup(r.free)
	return r, r.seen
}

// TestFollowersSeeWhatIsWritten: several readers of a rope that is being filled
// all get its bytes, from memory, from its file, and across both.
func TestFollowersSeeWhatIsWritten(t *testing.T) {
	for name, memory := range map[string]int64{"memory": 64 * mib, "file": 0, "both": firstBlock + laterBlock} {
		t.Run(name, func(t *testing.T) {
			r, a := rig(t, memory)
			want := make([]byte, 3*mib+17)
			_, _ = rand.NewChaCha8([32]byte{1}).Read(want)
			type result struct {
				b   []byte
				err error
			}
			got := make(chan result)
			go func() {
				b, err := io.ReadAll(&follower{ctx: t.Context(), a: a, size: int64(len(want))})
				got <- result{b, err}
			}()
			go func() {
				var all bytes.Buffer
				f := &follower{ctx: t.Context(), a: a, size: int64(len(want))}
				_, err := io.CopyN(&all, f, 1000)
				if err == nil {
					_, err = f.WriteTo(&all)
				}
				got <- result{all.Bytes(), err}
			}()
			go func() {
				var all bytes.Buffer
				err := a.each(func(p []byte) { all.Write(p) })
				got <- result{all.Bytes(), err}
			}()
			err := r.fill(iotest.HalfReader(bytes.NewReader(want)), int64(len(want)))
			a.grew(r, true)
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				if g := <-got; g.err != nil || !bytes.Equal(g.b, want) {
					t.Errorf("%d bytes, %v", len(g.b), g.err)
				}
			}
		})
	}
}

// TestAFollowerDoesNotWaitForEver: a part whose client stalls, leaves, or loses
// its lease frees its connection to S3.
func TestAFollowerDoesNotWaitForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, a := rig(t, mib)
		if err := r.add(make([]byte, wakeEvery)); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		read := func() (time.Duration, error) {
			start := time.Now()
			_, err := io.ReadAll(&follower{ctx: ctx, a: a, size: mib})
			return time.Since(start), err
		}
		if took, err := read(); !errors.Is(err, errStalled) || took != stallTime {
			t.Errorf("a stalled client: %v after %v", err, took)
		}
		time.AfterFunc(stallTime/2, stop)
		if took, err := read(); !errors.Is(err, context.Canceled) || took != stallTime/2 {
			t.Errorf("a lost lease: %v after %v", err, took)
		}
		a.grew(r, true)
		if took, err := read(); !errors.Is(err, errCut) || took != 0 {
			t.Errorf("a client that left: %v after %v", err, took)
		}
	})
}
