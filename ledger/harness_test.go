package ledger_test

import (
	"context"
	"database/sql"
	"io"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/clinictest"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
	"github.com/bonfiredb/bonfire/ledger"
	"github.com/bonfiredb/bonfire/store"
)

func TestMain(m *testing.M) { devtest.Main(m) }

const mib = 1 << 20

// house is a clinic whose ledger is tested from below: without the verbs, the
// gate and the protocol.
type house struct {
	*clinictest.Clinic
	t     testing.TB
	admin *sql.DB
	spool string
}

func open(t testing.TB, setup ...clinictest.Setup) *house {
	t.Helper()
	h := &house{Clinic: clinictest.New(t, setup...), t: t, spool: t.TempDir()}
	var err error
	if h.admin, err = sql.Open("pgx", h.Env.AdminURL); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.admin.Close() })
	return h
}

// fataler is a testing.TB or a rapid.T.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// reserve inserts an upload; a negative length is deferred.
func (h *house) reserve(t fataler, length int64) clinical.Upload {
	t.Helper()
	now := time.Now()
	file := clinical.NewID[clinical.FileID](now)
	u := clinical.Upload{
		ID: clinical.NewID[clinical.UploadID](now), Tenant: demo.Harbor, Patient: demo.Patient, Owner: demo.Principals()[0].Actor.ID,
		Kind: "raw", Category: "raw", Resource: clinical.Binary, ContentType: "application/octet-stream", MaxSize: 1 << 30,
		State: clinical.UploadOpen, File: file, NextPart: 1, ObjectKey: clinical.ObjectKey(demo.Harbor, file, now),
		TTL: time.Hour, CreatedAt: now, UpdatedAt: now, ExpiresAt: now.Add(time.Hour),
		Scan: clinical.ScanNone, Mismatch: clinical.RefuseMismatch, AllowEmpty: true,
	}
	if length >= 0 {
		u.Length = &length
	}
	if err := h.Store.InTx(context.Background(), u.Tenant, func(ctx context.Context, tx *store.Tx) error {
		return tx.InsertUpload(ctx, u, nil)
	}); err != nil {
		t.Fatalf("%v", err)
	}
	return u
}

func want(u clinical.Upload) ledger.Want { return ledger.Want{Tenant: u.Tenant, Upload: u.ID} }

// stream is endless content in which every byte is told by its place, so that
// whoever sends a piece sends the right one.
type stream struct{ at int64 }

func (s *stream) Read(p []byte) (int, error) {
	for i := range p {
		n := uint64(s.at) / 8
		n = (n ^ n>>31) * 0x9e3779b97f4a7c15
		p[i] = byte(n >> (8 * (uint64(s.at) % 8)))
		s.at++
	}
	return len(p), nil
}

func piece(from, n int64) io.Reader { return io.LimitReader(&stream{from}, n) }
