package ledger_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"pgregory.net/rapid"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/clinictest"
	"github.com/bonfiredb/bonfire/ledger"
	"github.com/bonfiredb/bonfire/store"
)

// model is what an upload should be, said simply.
type model struct {
	length int64 // -1 while deferred
	offset int64
	state  clinical.UploadState
	holder *ledger.Session // whose nonce is in the row
	lapsed bool            // its time is over
}

func (m *model) receives() bool { return m.state.Receives() }
func (m *model) complete() bool { return m.offset == m.length }

// machine drives the real ledger, on two engines, and the model beside it.
type machine struct {
	h        *house
	engines  [2]*ledger.Engine
	up       clinical.Upload
	weather  *weather
	sessions []*ledger.Session // some of them have lost their lease long ago
	model    model
}

// TestP1_LedgerIsItsModel: whatever writers, successors and writers that lost
// their lease do, in whatever order, the ledger is what a few lines say it is.
func TestP1_LedgerIsItsModel(t *testing.T) {
	var w weather
	h := open(t, clinictest.Setup{Blob: w.between(t)})
	checks(t, 100, 2000)
	rapid.Check(t, func(t *rapid.T) {
		length := int64(-1)
		if rapid.Bool().Draw(t, "length is known") {
			length = sizes().Draw(t, "length")
		}
		m := &machine{h: h, engines: [2]*ledger.Engine{h.replica(t), h.replica(t)}, weather: &w, up: h.reserve(t, length)}
		m.model = model{length: length, state: clinical.UploadOpen}
		defer func() {
			for _, s := range m.sessions {
				s.Release()
			}
		}()
		t.Repeat(map[string]func(*rapid.T){
			"": m.check, "take": m.take, "lapse": m.lapse, "write": m.write, "write badly": m.writeBadly, "cut": m.cut,
			"declare": m.declare, "assemble": m.assemble, "complete": m.completeIt, "end": m.end, "release": m.release,
			"write in bad weather": m.writeInBadWeather, "assemble in bad weather": m.assembleInBadWeather, "crash": m.crash,
		})
	})
}

func sizes() *rapid.Generator[int64] {
	return rapid.OneOf(
		rapid.SampledFrom([]int64{0, 1, 100, 255 << 10, 256 << 10, mib, 5*mib - 1, 5 * mib, 8 * mib, 9 * mib}),
		rapid.Int64Range(0, 300<<10),
	)
}

func (m *machine) take(t *rapid.T) {
	e := m.engines[rapid.IntRange(0, 1).Draw(t, "engine")]
	w := want(m.up)
	w.Announced = rapid.SampledFrom([]int64{0, 8 * mib}).Draw(t, "announced")
	s, err := e.TryAcquire(context.Background(), w)
	if free := m.model.holder == nil || m.model.lapsed; free != (err == nil) {
		t.Fatalf("free %v, and taking it says %v", free, err)
	}
	if err != nil {
		if !clinical.Is(err, clinical.Busy) {
			t.Fatalf("%v", err)
		}
		return
	}
	if u := s.Upload(); u.Offset != m.model.offset || u.State != m.model.state {
		t.Fatalf("the session has %d %s, the model %d %s", u.Offset, u.State, m.model.offset, m.model.state)
	}
	m.sessions = append(m.sessions, s)
	m.model.holder, m.model.lapsed = s, false
}

// lapse lets the lease's time run out; its holder does not know.
func (m *machine) lapse(t *rapid.T) {
	m.exec(t, `UPDATE upload SET lease_until = now() - interval '1 second' WHERE id = $1`, string(m.up.ID))
	m.model.lapsed = true
}

func (m *machine) exec(t *rapid.T, query string, args ...any) {
	if _, err := m.h.admin.Exec(query, args...); err != nil {
		t.Fatalf("%v", err)
	}
}

func (m *machine) session(t *rapid.T) *ledger.Session {
	if len(m.sessions) == 0 {
		t.Skip("nobody came yet")
	}
	if rapid.IntRange(0, 3).Draw(t, "a stale one?") > 0 && m.model.holder != nil {
		return m.model.holder
	}
	return m.sessions[rapid.IntRange(0, len(m.sessions)-1).Draw(t, "session")]
}

func (m *machine) write(t *rapid.T) {
	s, n := m.session(t), sizes().Draw(t, "bytes")
	from := s.Upload().Offset
	var verify func() error
	if rapid.Bool().Draw(t, "with its checksum") {
		verify = func() error { return nil }
	}
	wrote, err := s.Write(context.Background(), piece(from, n), verify)
	if s != m.model.holder {
		if wrote != 0 || (err == nil && n > 0 && from != m.model.length) {
			t.Fatalf("without the lease: wrote %d, %v", wrote, err)
		}
		return
	}
	m.wrote(t, s, n, wrote, err)
}

func (m *machine) wrote(t *rapid.T, s *ledger.Session, n, wrote int64, err error) {
	if !m.model.receives() {
		if wrote != 0 || err == nil {
			t.Fatalf("in %s: wrote %d, %v", m.model.state, wrote, err)
		}
		return
	}
	declared := m.model.length < 0 && s.Upload().Length != nil
	if declared {
		m.model.length = *s.Upload().Length
	}
	if m.model.length >= 0 {
		n = min(n, m.model.length-m.model.offset)
	}
	if err != nil || wrote != n {
		t.Fatalf("wrote %d of %d: %v", wrote, n, err)
	}
	if n == 0 && !declared {
		return
	}
	m.model.offset += n
	m.model.state = s.Upload().State // stored at once, when it was all there and in one piece
	if m.model.state != clinical.UploadReceiving && (m.model.state != clinical.UploadStored || !m.model.complete()) {
		t.Fatalf("%s at %d of %d", m.model.state, m.model.offset, m.model.length)
	}
	if !m.model.complete() {
		s.Release() // as every request ends; mostly the last commit has done it
		m.model.holder = nil
	}
}

var errBad = clinical.Fail(clinical.ChecksumMismatch, "bad", nil)

// writeBadly sends bytes whose checksum turns out to be wrong.
func (m *machine) writeBadly(t *rapid.T) {
	s, n := m.session(t), sizes().Draw(t, "bytes")
	wrote, err := s.Write(context.Background(), io.LimitReader(&stream{77}, n), func() error { return errBad })
	if wrote != 0 {
		t.Fatalf("kept %d bad bytes", wrote)
	}
	if err == nil && n > 0 && s == m.model.holder && m.model.receives() && !m.model.complete() {
		t.Fatalf("not told")
	}
}

// cut sends a body that breaks off.
func (m *machine) cut(t *rapid.T) {
	s, n := m.session(t), sizes().Draw(t, "bytes")
	if length := s.Upload().Length; s != m.model.holder || !m.model.receives() || (length != nil && m.model.offset+n >= *length) {
		t.Skip("as any other write")
	}
	declared := m.model.length < 0 && s.Upload().Length != nil
	wrote, err := s.Write(context.Background(), io.MultiReader(piece(m.model.offset, n), broken{}), nil)
	if wrote != n || !clinical.Is(err, clinical.Unavailable) {
		t.Fatalf("kept %d of %d: %v", wrote, n, err)
	}
	if n == 0 && !declared {
		return
	}
	if declared {
		m.model.length = *s.Upload().Length
	}
	m.model.offset += n
	s.Release()
	m.model.state, m.model.holder = clinical.UploadReceiving, nil
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

func (m *machine) declare(t *rapid.T) {
	s, n := m.session(t), sizes().Draw(t, "length")
	u := s.Upload()
	err := s.DeclareLength(n)
	if ok := n >= u.Offset && (u.Length == nil || *u.Length == n); ok != (err == nil) {
		t.Fatalf("declared %d at %d of %v: %v", n, u.Offset, u.Length, err)
	}
}

func (m *machine) assemble(t *rapid.T) {
	s, declare := m.session(t), rapid.Bool().Draw(t, "declare")
	before := s.Upload()
	err := s.Assemble(context.Background(), declare)
	if before.State == clinical.UploadStored || before.State == clinical.UploadCompleted {
		if err != nil {
			t.Fatalf("again: %v", err)
		}
		return
	}
	whole := before.Complete() || (declare && before.Length == nil)
	switch {
	case s != m.model.holder, !m.model.receives(), !whole:
		if err == nil {
			t.Fatalf("assembled %s, %d of %v", m.model.state, before.Offset, before.Length)
		}
	case err != nil:
		t.Fatalf("not assembled: %v", err)
	default:
		m.model.length, m.model.state = m.model.offset, clinical.UploadStored
	}
}

func (m *machine) completeIt(t *rapid.T) {
	err := m.h.Store.InTx(context.Background(), m.up.Tenant, func(ctx context.Context, tx *store.Tx) error {
		return tx.CompleteUpload(ctx, m.up.ID)
	})
	if (err == nil) != (m.model.state == clinical.UploadStored) {
		t.Fatalf("completed from %s: %v", m.model.state, err)
	}
	if err == nil {
		m.model.state = clinical.UploadCompleted
		if m.model.holder != nil {
			m.model.holder.Ended(clinical.UploadCompleted, nil)
		}
	}
}

func (m *machine) end(t *rapid.T) {
	s := m.session(t)
	as := rapid.SampledFrom([]clinical.UploadState{clinical.UploadCancelled, clinical.UploadExpired, clinical.UploadFailed}).Draw(t, "as")
	if rapid.IntRange(0, 4).Draw(t, "really?") > 0 {
		t.Skip("most do not end so")
	}
	err := m.h.Store.InTx(context.Background(), m.up.Tenant, func(ctx context.Context, tx *store.Tx) error {
		return tx.EndUpload(ctx, s.Lease(), as, nil)
	})
	may := s == m.model.holder && (m.model.receives() && !m.model.complete() || as == clinical.UploadFailed && !m.model.state.Terminal())
	if may != (err == nil) {
		t.Fatalf("%s as %s, %d of %d: %v", m.model.state, as, m.model.offset, m.model.length, err)
	}
	if err == nil {
		s.Ended(as, nil)
		m.model.state = as
	}
}

func (m *machine) release(t *rapid.T) {
	s := m.session(t)
	s.Release()
	if s == m.model.holder {
		m.model.holder = nil
	}
}
