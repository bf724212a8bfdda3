package records_test

import (
	"bytes"
	"context"
	"database/sql"
	"log/slog"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bonfiredb/bonfire/blob"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/clinictest"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/records"
	"github.com/bonfiredb/bonfire/seal"
	"github.com/bonfiredb/bonfire/store"
)

func (c clinic) exec(db *sql.DB, query string, args ...any) {
	c.t.Helper()
	if _, err := db.Exec(query, args...); err != nil {
		c.t.Fatalf("%s: %v", query, err)
	}
}

// look opens the front page of a chart, which is one event.
func (c clinic) look(who string) {
	c.t.Helper()
	if _, err := c.Records.Patient(c.t.Context(), c.As(who), demo.Patient); err != nil {
		c.t.Fatal(err)
	}
}

func (c clinic) seal() {
	c.t.Helper()
	if err := c.Records.Seal(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
}

func (c clinic) verify() seal.Report {
	c.t.Helper()
	report, err := c.Records.VerifyAudit(c.t.Context(), demo.Harbor, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return report
}

// sealedTrail is a clinic with three seals of two events each, one event that
// waits, and the events' seqs and ids in their order.
func sealedTrail(t *testing.T) (c clinic, db *sql.DB, seqs []int64, ids []string) {
	t.Helper()
	c = open(t)
	for range 3 {
		c.look("clinician")
		c.look("clerk")
		c.seal()
	}
	c.look("admin")
	db = c.admin()
	rows, err := db.Query(`SELECT seq, id::text FROM audit_event WHERE tenant_id = $1 ORDER BY seq`, string(demo.Harbor))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var seq int64
		var id string
		if err := rows.Scan(&seq, &id); err != nil {
			t.Fatal(err)
		}
		seqs, ids = append(seqs, seq), append(ids, id)
	}
	if len(seqs) != 7 || rows.Err() != nil {
		t.Fatalf("%d events, want 7", len(seqs))
	}
	return c, db, seqs, ids
}

// forge computes the seals from the numbered one on anew, from the rows as they
// are now, as somebody would who can write every table.
func (c clinic) forge(db *sql.DB, from int64) {
	c.t.Helper()
	err := c.Store.InTx(c.t.Context(), demo.Harbor, func(ctx context.Context, tx *store.Tx) error {
		stored, err := tx.Seals(ctx, 0, 100)
		if err != nil {
			return err
		}
		end := seal.Begin(string(demo.Harbor))
		for _, s := range stored {
			if s.Number < from {
				end = s.End()
				continue
			}
			var seqs []int64
			for _, e := range s.Rows {
				seqs = append(seqs, e.Seq)
			}
			rows, err := tx.RowsOf(ctx, seqs)
			if err != nil {
				return err
			}
			forged := end.Next(s.Tenant, rows, s.SealedAt)
			end = forged.End()
			list, ids, hashes := []int64{}, []string{}, []byte{}
			for _, e := range forged.Rows {
				list, ids, hashes = append(list, e.Seq), append(ids, e.ID), append(hashes, e.Hash[:]...)
			}
			head := forged.Head()
			c.exec(db, `UPDATE audit_seal SET previous = $3, head = $4, seqs = $5, ids = $6, hashes = $7, count = $8, from_seq = $9, to_seq = $10
				WHERE tenant_id = $1 AND number = $2`,
				s.Tenant, s.Number, forged.Previous[:], head[:], list, ids, hashes, len(list), forged.FromSeq(), forged.ToSeq())
		}
		return nil
	})
	if err != nil {
		c.t.Fatal(err)
	}
}

// anchorKey is where the anchor of a seal lies.
func (c clinic) anchorKey(number int64) (key string) {
	c.t.Helper()
	c.must(c.Store.InTx(c.t.Context(), demo.Harbor, func(ctx context.Context, tx *store.Tx) error {
		seals, err := tx.Seals(ctx, number-1, 1)
		key = seals[0].Key()
		return err
	}))
	return key
}

func (c clinic) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// slowly writes an event in a transaction that has drawn its place in the trail
// and does not commit until commit is called.
func (c clinic) slowly() (commit func()) {
	c.t.Helper()
	drawn, release := make(chan struct{}), make(chan struct{})
	var slow errgroup.Group
	slow.Go(func() error {
		return c.Store.InTx(c.t.Context(), demo.Harbor, func(ctx context.Context, tx *store.Tx) error {
			now := time.Now().UTC().Truncate(time.Microsecond)
			err := tx.AppendAudit(ctx, clinical.AuditEvent{
				ID: clinical.NewID[clinical.AuditEventID](now), Tenant: demo.Harbor, RecordedAt: now, Verb: "file",
				Action: clinical.AuditRead, Subtype: "read", Outcome: clinical.Success, Actor: records.SystemID, ActorKind: clinical.System,
			})
			close(drawn)
			<-release
			return err
		})
	})
	<-drawn
	return func() {
		c.t.Helper()
		close(release)
		c.must(slow.Wait())
	}
}

// A transaction that commits late, while a check has passed its place already,
// is no finding.
func TestP5_CheckMeetsALateRow(t *testing.T) {
	c := open(t)
	commit := c.slowly()
	for range 2 {
		c.look("clinician")
		c.seal()
	}
	report, err := c.Records.VerifyAudit(t.Context(), demo.Harbor, func(done, _ int64) {
		if done == 1 {
			commit()
			c.seal()
		}
	})
	c.must(err)
	if !report.OK() || report.Seals != 3 || report.Rows != 3 {
		t.Errorf("%+v", report)
	}
}

// Three replicas seal at once, while verbs run, a transaction is slow and a
// check goes on: each event is sealed once and the check finds nothing.
func TestP5_ReplicasSealTogether(t *testing.T) {
	var trouble bytes.Buffer // they get out of each other's way, and do not fail
	c := open(t, clinictest.Setup{Records: func(o *records.Options) { o.Log = slog.New(slog.NewTextHandler(&trouble, nil)) }})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var sealers errgroup.Group
	for range 3 {
		sealers.Go(func() error { return c.Records.Sealer(ctx, 20*time.Millisecond) })
	}
	commit := c.slowly()
	var busy errgroup.Group
	for _, who := range []string{"clinician", "clerk", "auditor"} {
		actor := c.As(who)
		busy.Go(func() error {
			for range 20 {
				if _, err := c.Records.Patient(t.Context(), actor, demo.Patient); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if report := c.verify(); !report.OK() {
		t.Errorf("while it goes on: %v", report.Findings)
	}
	c.must(busy.Wait())
	commit()
	stop()
	c.must(sealers.Wait())
	report := c.verify()
	for range 100 { // what the sealers were stopped in, the database may have yet to notice
		if c.seal(); report.Unsealed+report.AwaitingAnchor == 0 {
			break
		}
		time.Sleep(20 * time.Millisecond)
		report = c.verify()
	}
	if !report.OK() || report.Rows != 61 || report.Unsealed != 0 || report.Anchored != report.Seals {
		t.Errorf("%+v", report)
	}
	if trouble.Len() > 0 {
		t.Error(trouble.String())
	}
}

// No event waits for its seal longer than it may.
func TestP5_EventsAreSealedInTime(t *testing.T) {
	c := open(t)
	const within = 2 * time.Second
	ctx, stop := context.WithCancel(t.Context())
	var sealer errgroup.Group
	sealer.Go(func() error { return c.Records.Sealer(ctx, within) })
	db := c.admin()
	for range 3 {
		c.look("clinician")
		began := time.Now()
		for waiting := 1; waiting > 0; time.Sleep(20 * time.Millisecond) {
			c.must(db.QueryRow(`SELECT count(*) FROM audit_unsealed`).Scan(&waiting))
			if time.Since(began) > within+3*time.Second { // this machine may be busy
				t.Fatal("not sealed in time")
			}
		}
	}
	stop()
	c.must(sealer.Wait())
}

// A bucket that does not answer delays no seal; anchors follow when it does.
func TestP5_SealsDoNotWaitForTheBucket(t *testing.T) {
	c := open(t)
	c.look("clinician")
	away := clinic{c.Clinic, t}
	cfg := records.Options{Store: c.Store, Gate: c.Gate, Ledger: c.Ledger, Log: c.Records.Log}
	var err error
	cfg.Bucket, err = blob.Open(t.Context(), blob.Config{
		Bucket: c.Env.Bucket, Endpoint: "http://127.0.0.1:1", Region: c.Env.Region, PathStyle: true,
	})
	c.must(err)
	if err := records.New(cfg).Seal(t.Context()); !clinical.Is(err, clinical.Unavailable) {
		t.Fatalf("a bucket that is not there: %v", err)
	}
	report := away.verify()
	if !report.OK() || report.Seals != 1 || report.AwaitingAnchor != 1 {
		t.Errorf("without the bucket: %+v", report)
	}
	c.seal()
	if report := c.verify(); !report.OK() || report.Anchored != 1 || report.AwaitingAnchor != 0 {
		t.Errorf("with it: %+v", report)
	}
}
