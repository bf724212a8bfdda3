package store

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

// furnishLife puts a row into every table about a file's later life.
func (h *house) furnishLife(f clinical.File) {
	h.Helper()
	h.in(f.Tenant, func(ctx context.Context, tx *Tx) error {
		check(h, tx.AppendScan(ctx, clinical.Scan{
			ID: clinical.NewID[string](noon), Tenant: f.Tenant, File: f.ID, Version: 1, Status: clinical.ScanClean, Engine: "e", By: f.UploadedBy, At: noon,
		}))
		_, err := tx.AddKind(ctx, clinical.TenantKind{FileKind: clinical.DefaultKinds()[0], SetBy: f.UploadedBy, SetAt: noon})
		return err
	})
	h.exec(h.as(h.env.AdminURL), `INSERT INTO deletion (tenant_id, file_id, patient_id, kind, object_key, size, sha256, rule, decided_at)
		VALUES ($1, $2, $3, 'k', 'o', 1, 'x', 'r', now())`, string(f.Tenant), string(f.ID), string(f.Patient))
}

func TestKindsKeepEveryVersion(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	k := clinical.TenantKind{FileKind: clinical.DefaultKinds()[2], SetBy: clinical.NewID[clinical.ActorID](noon), SetAt: noon}
	h.in(north, func(ctx context.Context, tx *Tx) error {
		for want := 1; want <= 3; want++ {
			k.Display, k.Retired = "version", want == 3
			got, err := tx.AddKind(ctx, k)
			check(t, err)
			if got.Version != want {
				t.Errorf("version %d, want %d", got.Version, want)
			}
		}
		own, err := tx.Kinds(ctx)
		check(t, err)
		if len(own) != 1 || own[0].Version != 3 || !own[0].Retired || own[0].Type == nil || *own[0].Type != *k.Type || !slices.Equal(own[0].ContentTypes, k.ContentTypes) || own[0].SetBy != k.SetBy {
			t.Errorf("kinds: %+v", own)
		}
		return nil
	})
	h.in(south, func(ctx context.Context, tx *Tx) error {
		if own, err := tx.Kinds(ctx); err != nil || len(own) != 0 {
			t.Errorf("another clinic's: %+v (%v)", own, err)
		}
		return nil
	})
	for _, statement := range []string{`UPDATE kind SET retired = false`, `DELETE FROM kind`, `UPDATE scan SET status = 'clean'`, `DELETE FROM deletion`, `UPDATE deletion SET rule = 'x'`} {
		err := h.db.InTx(h.Context(), north, func(ctx context.Context, tx *Tx) error { _, err := tx.exec(ctx, statement); return err })
		if sqlState(err) != insufficientPrivilege {
			t.Errorf("%s: %v", statement, err)
		}
	}
}

// A hold outranks retention at the database, too.
func TestBytesUnderLegalHoldStay(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	f := h.file(h.patient(north), func(f *clinical.File) { f.LegalHold = true })
	_, err := h.as(h.env.AdminURL).Exec(`UPDATE file SET purged_at = now() WHERE id = $1`, string(f.ID))
	if sqlState(err) != restrictViolation {
		t.Errorf("given up under a hold: %v", err)
	}
	if _, err := h.as(h.env.AdminURL).Exec(`UPDATE file SET legal_hold = false, purged_at = now() WHERE id = $1`, string(f.ID)); sqlState(err) != restrictViolation {
		t.Errorf("given up while the hold is lifted: %v", err)
	}
	if _, err := h.as(h.env.AdminURL).Exec(`UPDATE file SET legal_hold = false WHERE id = $1`, string(f.ID)); err != nil {
		t.Error(err)
	}
	if _, err := h.as(h.env.AdminURL).Exec(`UPDATE file SET purged_at = now() WHERE id = $1`, string(f.ID)); err != nil {
		t.Error(err)
	}
	if _, err := h.as(h.env.AdminURL).Exec(`UPDATE file SET purged_at = NULL WHERE id = $1`, string(f.ID)); sqlState(err) != restrictViolation {
		t.Errorf("taken back: %v", err)
	}
}

// A note is signed while the recording's time has come: either the signature is
// there first and the bytes stay, or the bytes went before it.
func TestPurgeWaitsForTheSignature(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.patient(north)
	doctor := h.clinician(north, p.ID)
	f := h.file(p)
	due := Retention{Kind: f.Kind, Before: noon.Add(time.Hour)}
	n := h.note(p, doctor, func(n *clinical.Note) {
		n.Sources = []clinical.NoteSource{{File: f.ID, Type: clinical.Media, Version: 1}}
	})
	d := h.decide(doctor, policy.SignNote, policy.OfNote(n, nil))
	held, purge := make(chan struct{}), make(chan error, 1)
	var wg sync.WaitGroup
	wg.Go(func() {
		<-held
		purge <- h.db.InTx(h.Context(), north, func(ctx context.Context, tx *Tx) error {
			_, err := tx.PurgeFile(ctx, f.ID, due, "retention", noon)
			return err
		})
	})
	once := sync.OnceFunc(func() { close(held) })
	h.in(north, func(ctx context.Context, tx *Tx) error {
		stray, err := tx.Stray(ctx, p.ID, []clinical.FileID{f.ID}, nil)
		check(t, err)
		if len(stray) != 0 {
			t.Errorf("stray: %v", stray)
		}
		once()
		waiting(t, h) // until the purge stands at the lock
		n.Status, n.Signer, n.SignedAt = clinical.NoteSigned, doctor.ID, &noon
		_, err = tx.ChangeNote(ctx, d, n, doctor)
		return err
	})
	wg.Wait()
	wantKind(t, <-purge, clinical.NotFound)
}

// waiting returns once another transaction waits for a lock of this database.
func waiting(t *testing.T, h *house) {
	t.Helper()
	admin := h.as(h.env.AdminURL)
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		var n int
		check(t, admin.QueryRow(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&n))
		if n > 0 {
			return
		}
	}
	t.Fatal("nobody waits")
}
