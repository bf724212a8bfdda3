package store

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
	"github.com/bonfiredb/bonfire/seal"
)

// furnishSeals puts a row into each table of the seals.
func (h *house) furnishSeals(f clinical.File) {
	h.Helper()
	h.seal(f.Tenant)
	h.in(f.Tenant, func(ctx context.Context, tx *Tx) error {
		line := sha256.Sum256([]byte(f.ID))
		fresh, err := tx.NoteDownload(ctx, line[:], clinical.NewID[clinical.AuditEventID](noon))
		if err != nil || !fresh {
			h.Errorf("a new line: %v, %v", fresh, err)
		}
		_, err = tx.exec(ctx, `INSERT INTO audit_unsealed (tenant_id, seq, recorded_at, id) VALUES ($1, 1000000, now(), $2)`,
			string(f.Tenant), string(f.ID))
		return err
	})
}

// seal writes one seal of what waits and returns it; nil when nothing does.
func (h *house) seal(tenant clinical.TenantID) (made *seal.Seal) {
	h.Helper()
	h.in(tenant, func(ctx context.Context, tx *Tx) error {
		made = nil
		if mine, err := tx.LockSeals(ctx, true); err != nil || !mine {
			h.Errorf("no lock: %v", err)
		}
		rows, err := tx.Unsealed(ctx, 100)
		if err != nil || len(rows) == 0 {
			return err
		}
		end, now, err := tx.SealEnd(ctx)
		if err != nil {
			return err
		}
		s := end.Next(string(tenant), rows, now)
		made = &s
		return tx.InsertSeal(ctx, s)
	})
	return made
}

func (h *house) append(e clinical.AuditEvent) {
	h.Helper()
	h.in(e.Tenant, func(ctx context.Context, tx *Tx) error { return tx.AppendAudit(ctx, e) })
}

// A row's hash covers every column there is. One that a migration adds is not
// covered: it takes a new format of the seal, and this test says so.
func TestSealCoversEveryColumn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.append(newAudit(h.file(h.patient(north))))
	columns, err := h.db.names(t.Context(), `SELECT a.attname FROM pg_attribute a
		WHERE a.attrelid = 'audit_event'::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY 1`)
	check(t, err)
	same(t, seal.Columns(), columns, nil)
	h.in(north, func(ctx context.Context, tx *Tx) error {
		rows, err := tx.Unsealed(ctx, 10)
		check(t, err)
		var members map[string]any
		check(t, json.Unmarshal(rows[0].Canonical(), &members))
		same(t, slices.Sorted(maps.Keys(members)), columns, nil)
		if rows[0].RecordedAt != noon {
			t.Errorf("recorded at %s", rows[0].RecordedAt)
		}
		return nil
	})
}

// What was written reads back as the same seal: the anchor is made from that.
func TestSealIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	f := h.file(h.patient(north))
	h.append(newAudit(f))
	h.append(newAudit(f))
	first := h.seal(north)
	h.append(newAudit(f))
	second := h.seal(north)
	if again := h.seal(north); again != nil {
		t.Errorf("sealed twice: %+v", again)
	}
	if first.Number != 1 || second.Number != 2 || second.Previous != first.Head() || len(first.Rows) != 2 || len(second.Rows) != 1 {
		t.Fatalf("%+v\n%+v", first, second)
	}
	h.in(north, func(ctx context.Context, tx *Tx) error {
		stored, err := tx.Seals(ctx, 0, 10)
		same(t, stored, []StoredSeal{{*first, true}, {*second, true}}, err)
		due, err := tx.Unanchored(ctx, 1)
		same(t, due, []seal.Seal{*first}, err)
		check(t, tx.Anchored(ctx, 1))
		check(t, tx.Anchored(ctx, 1))
		stored, err = tx.Seals(ctx, 0, 1)
		same(t, stored, []StoredSeal{{*first, false}}, err)
		return nil
	})
	work, err := h.db.SealWork(t.Context())
	same(t, work, []clinical.TenantID{north}, err)
	h.append(newAudit(h.file(h.patient(south))))
	work, err = h.db.SealWork(t.Context())
	same(t, work, []clinical.TenantID{north, south}, err)
}

// A transaction that drew its seq early and commits late: what others wrote
// meanwhile is sealed at once, its own row by the next seal, and none twice (P5).
func TestP5_SlowTransactionIsSealedWhenItCommits(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	f := h.file(h.patient(north))
	slow, quick := newAudit(f), newAudit(f)
	drawn, release, done := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		var once sync.Once
		done <- h.db.InTx(h.Context(), north, func(ctx context.Context, tx *Tx) error {
			err := tx.AppendAudit(ctx, slow)
			once.Do(func() { close(drawn) })
			<-release
			return err
		})
	}()
	<-drawn
	h.append(quick)
	first := h.seal(north)
	if first == nil || len(first.Rows) != 1 || first.Rows[0].ID != string(quick.ID) {
		t.Fatalf("while it is under way: %+v", first)
	}
	close(release)
	check(t, <-done)
	second := h.seal(north)
	if second == nil || len(second.Rows) != 1 || second.Rows[0].ID != string(slow.ID) {
		t.Fatalf("after it: %+v", second)
	}
	if second.Rows[0].Seq >= first.Rows[0].Seq {
		t.Fatalf("seqs %d and %d: the test tests nothing", first.Rows[0].Seq, second.Rows[0].Seq)
	}
	v := seal.NewVerifier(string(north))
	for _, s := range []*seal.Seal{first, second} {
		h.in(north, func(ctx context.Context, tx *Tx) error {
			rows, err := tx.RowsUpTo(ctx, PastSeq(v.Loaded()), s.ToSeq(), 10)
			check(t, err)
			v.Load(rows)
			v.Check(v.Trust(s.Number, s, seal.Anchor{Unknown: true}))
			return nil
		})
	}
	if !v.OK() || v.Rows != 2 {
		t.Errorf("%+v", v.Report)
	}
}

// An event whose transaction fails is not waited for.
func TestRowThatWasRolledBackDoesNotWait(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	e := newAudit(h.file(h.patient(north)))
	_ = h.db.InTx(h.Context(), north, func(ctx context.Context, tx *Tx) error {
		check(t, tx.AppendAudit(ctx, e))
		return errors.New("fails")
	})
	if s := h.seal(north); s != nil {
		t.Errorf("sealed %+v", s)
	}
}

// One sealer at a time for each tenant; the other tenants are free.
func TestOneSealerForEachTenant(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	other := h.open(h.env.AppURL)
	h.in(north, func(ctx context.Context, tx *Tx) error {
		mine, err := tx.LockSeals(ctx, false)
		if err != nil || !mine {
			t.Errorf("the first: %v, %v", mine, err)
		}
		for tenant, want := range map[clinical.TenantID]bool{north: false, south: true} {
			check(t, other.InTx(t.Context(), tenant, func(ctx context.Context, tx *Tx) error {
				got, err := tx.LockSeals(ctx, false)
				same(t, got, want, err)
				return nil
			}))
		}
		return nil
	})
	// A seal over rows that somebody else has sealed is not written.
	h.append(newAudit(h.file(h.patient(north))))
	s := h.seal(north)
	again := s.End().Next(string(north), []seal.Row{{Seq: s.FromSeq(), ID: s.Rows[0].ID}}, noon)
	wantKind(t, h.db.InTx(t.Context(), north, func(ctx context.Context, tx *Tx) error { return tx.InsertSeal(ctx, again) }), clinical.Conflict)
}

// What a check asks for: rows by place, by seq, those that wait and those that are lost.
func TestSealReading(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	f := h.file(h.patient(north))
	var ids []string
	for range 5 {
		e := newAudit(f)
		ids = append(ids, string(e.ID))
		h.append(e)
	}
	gone := ids[4]
	h.exec(h.as(h.env.AdminURL), `DELETE FROM audit_event WHERE id = $1`, gone)
	h.in(north, func(ctx context.Context, tx *Tx) error {
		var got []string
		for after := PastSeq(math.MinInt64); ; {
			rows, err := tx.RowsUpTo(ctx, after, math.MaxInt64, 3)
			check(t, err)
			for _, r := range rows {
				got = append(got, r.ID)
				after = Mark{Seq: r.Seq, ID: r.ID}
			}
			if len(rows) < 3 {
				break
			}
		}
		same(t, got, ids[:4], nil)
		lost, err := tx.Lost(ctx)
		if err != nil || len(lost) != 1 || lost[0].ID != gone {
			t.Errorf("lost: %+v, %v", lost, err)
		}
		rows, err := tx.Unsealed(ctx, 10)
		check(t, err)
		waiting, err := tx.Waiting(ctx, rows)
		same(t, len(waiting), 4, err)
		some, err := tx.RowsOf(ctx, []int64{rows[1].Seq, rows[3].Seq, -1})
		same(t, some, []seal.Row{rows[1], rows[3]}, err)
		return nil
	})
}

// To hand rows out takes a decision about the whole trail of the tenant.
func TestP4_SealedRowsTakeADecision(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	f := h.file(h.patient(north))
	h.append(newAudit(f))
	s := h.seal(north)
	auditor := h.user(north, clinical.Auditor)
	whole := h.decide(operating(auditor), policy.ReadAudit, policy.OfAuditLog(north, ""))
	h.in(north, func(ctx context.Context, tx *Tx) error {
		for name, d := range map[string]policy.Decision{
			"none":        {},
			"one patient": h.decide(operating(auditor), policy.ReadAudit, policy.OfAuditLog(north, f.Patient)),
			"a denial":    h.decide(h.clinician(north, f.Patient), policy.ReadAudit, policy.OfAuditLog(north, "")),
		} {
			_, _, err := tx.SealsWithin(ctx, d, nil, nil)
			if !clinical.Is(err, clinical.Internal) {
				t.Errorf("seals under %s: %v", name, err)
			}
			if _, err := tx.SealedRows(ctx, d, *s); !clinical.Is(err, clinical.Internal) {
				t.Errorf("rows under %s: %v", name, err)
			}
			if _, err := tx.Repeated(ctx, d, *s); !clinical.Is(err, clinical.Internal) {
				t.Errorf("repeats under %s: %v", name, err)
			}
		}
		rows, err := tx.SealedRows(ctx, whole, *s)
		same(t, len(rows), 1, err)
		for _, c := range []struct {
			from, before time.Duration
			want         int64
		}{{-time.Hour, time.Hour, 1}, {0, time.Microsecond, 1}, {time.Microsecond, time.Hour, 0}, {-time.Hour, 0, 0}} {
			from, before := noon.Add(c.from), noon.Add(c.before)
			after, last, err := tx.SealsWithin(ctx, whole, &from, &before)
			same(t, []int64{after, last}, []int64{0, c.want}, err)
		}
		return nil
	})
}

func operating(a clinical.Actor) clinical.Actor {
	a.Session.Purpose = clinical.Operations
	return a
}
