package records_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"github.com/bonfiredb/bonfire/blob"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/clinictest"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/internal/devstack/versioned"
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

func TestP5_WholeTrailVerifies(t *testing.T) {
	c, _, _, _ := sealedTrail(t)
	var heard []string
	report, err := c.Records.VerifyAudit(t.Context(), demo.Harbor, func(done, of int64) { heard = append(heard, fmt.Sprint(done, "/", of)) })
	if err != nil {
		t.Fatal(err)
	}
	if !report.OK() || report.Seals != 3 || report.Rows != 6 || report.Anchored != 3 || report.Unsealed != 1 || report.End.Number != 3 {
		t.Errorf("%+v", report)
	}
	if got := strings.Join(heard, " "); got != "1/3 2/3 3/3" {
		t.Errorf("heard %s", got)
	}
	tenants, err := c.Records.AuditTenants(t.Context())
	if err != nil || len(tenants) != 2 {
		t.Errorf("tenants %v, %v", tenants, err)
	}
	c.seal()
	if report := c.verify(); !report.OK() || report.Unsealed != 0 || report.Rows != 7 {
		t.Errorf("%+v", report)
	}
}

// Whatever a superuser does to the trail on a real database, with the seals or
// without, the check finds it and names the first row concerned (P5).
func TestP5_TamperedTrailIsFoundAndNamed(t *testing.T) {
	type victim struct {
		c    clinic
		db   *sql.DB
		seqs []int64
		ids  []string
	}
	change := func(v victim, i int) {
		v.c.exec(v.db, `UPDATE audit_event SET actor_id = gen_random_uuid() WHERE id = $1`, v.ids[i])
	}
	remove := func(v victim, i int) { v.c.exec(v.db, `DELETE FROM audit_event WHERE id = $1`, v.ids[i]) }
	for name, tc := range map[string]struct {
		harm func(victim)
		kind seal.Kind
		row  int // index of the row that is to be named, -1 for none
	}{
		"a changed column": {func(v victim) { change(v, 3) }, seal.Changed, 3},
		"a changed detail": {func(v victim) { v.c.exec(v.db, `UPDATE audit_event SET detail = '{"x": 1}' WHERE id = $1`, v.ids[2]) }, seal.Changed, 2},
		"a changed time": {func(v victim) {
			v.c.exec(v.db, `UPDATE audit_event SET recorded_at = recorded_at + interval '1 microsecond' WHERE id = $1`, v.ids[0])
		}, seal.Changed, 0},
		"a removed row":    {func(v victim) { remove(v, 4) }, seal.Removed, 4},
		"the first row":    {func(v victim) { remove(v, 0) }, seal.Removed, 0},
		"a row in waiting": {func(v victim) { remove(v, 6) }, seal.Removed, 6},
		"an inserted row": {func(v victim) {
			v.c.exec(v.db, `INSERT INTO audit_event (tenant_id, id, recorded_at, verb, action, subtype, outcome, actor_id, actor_kind)
				SELECT tenant_id, '00000000-0000-7000-8000-0000000f0001', recorded_at, verb, action, subtype, outcome, actor_id, actor_kind FROM audit_event WHERE id = $1`, v.ids[1])
		}, seal.Inserted, -1},
		"a row inserted between": {func(v victim) {
			v.c.exec(v.db, `INSERT INTO audit_event (tenant_id, id, seq, recorded_at, verb, action, subtype, outcome, actor_id, actor_kind)
				OVERRIDING SYSTEM VALUE SELECT tenant_id, '00000000-0000-7000-8000-0000000f0001', seq, recorded_at, verb, action, subtype, outcome, actor_id, actor_kind FROM audit_event WHERE id = $1`, v.ids[1])
		}, seal.Inserted, 1},
		"rows in another order": {func(v victim) {
			for _, s := range [][2]any{{-1, v.ids[1]}, {v.seqs[1], v.ids[4]}, {v.seqs[4], v.ids[1]}} {
				v.c.exec(v.db, `ALTER TABLE audit_event ALTER COLUMN seq SET GENERATED BY DEFAULT`)
				v.c.exec(v.db, `UPDATE audit_event SET seq = $1 WHERE id = $2`, s[0], s[1])
			}
		}, seal.Changed, 1},
		"a row backdated and given to the sealer": {func(v victim) {
			v.c.exec(v.db, `WITH e AS (INSERT INTO audit_event (tenant_id, id, recorded_at, verb, action, subtype, outcome, actor_id, actor_kind)
				SELECT tenant_id, '00000000-0000-7000-8000-0000000f0001', recorded_at - interval '1 hour', verb, action, subtype, outcome, actor_id, actor_kind
				  FROM audit_event WHERE id = $1 RETURNING tenant_id, seq, recorded_at, id)
				INSERT INTO audit_unsealed SELECT tenant_id, seq, recorded_at, id FROM e`, v.ids[1])
			v.c.seal()
		}, seal.Backdated, -1},
		"a row rewritten with its seals": {func(v victim) { change(v, 3); v.c.forge(v.db, 2) }, seal.Changed, 3},
		"a row removed with its seals":   {func(v victim) { remove(v, 2); v.c.forge(v.db, 2) }, seal.Removed, 2},
		"the newest cut off": {func(v victim) {
			remove(v, 4)
			remove(v, 5)
			v.c.exec(v.db, `DELETE FROM audit_unanchored`)
			v.c.exec(v.db, `DELETE FROM audit_seal WHERE number = 3 AND tenant_id = $1`, string(demo.Harbor))
		}, seal.Removed, 4},
		"a seal removed": {func(v victim) {
			v.c.exec(v.db, `DELETE FROM audit_seal WHERE number = 2 AND tenant_id = $1`, string(demo.Harbor))
		}, seal.SealRemoved, -1},
		"an anchor removed": {func(v victim) {
			v.c.must(v.c.Bucket.Delete(t.Context(), v.c.anchorKey(2)))
		}, seal.AnchorMissing, -1},
		"an anchor that is none": {func(v victim) {
			v.c.must(v.c.Bucket.PutScratch(t.Context(), v.c.anchorKey(2), blob.BytesBody([][]byte{[]byte("{}")})))
		}, seal.AnchorChanged, -1},
		"an anchor in another place": {func(v victim) {
			key := v.c.anchorKey(3)
			r, err := v.c.Bucket.Get(t.Context(), key, 0, -1)
			v.c.must(err)
			text, err := io.ReadAll(r)
			v.c.must(errors.Join(err, r.Close()))
			v.c.must(v.c.Bucket.PutScratch(t.Context(), strings.Replace(key, "/20", "/21", 1), blob.BytesBody([][]byte{text})))
			v.c.must(v.c.Bucket.Delete(t.Context(), key))
		}, seal.AnchorChanged, -1},
		"an anchor twice": {func(v victim) {
			v.c.must(v.c.Bucket.PutScratch(t.Context(), strings.Replace(v.c.anchorKey(2), "/20", "/21", 1), blob.BytesBody([][]byte{[]byte("{}")})))
		}, seal.AnchorChanged, -1},
		"everything deleted": {func(v victim) {
			for _, table := range []string{"audit_event", "audit_unsealed", "audit_unanchored", "audit_seal"} {
				v.c.exec(v.db, `DELETE FROM `+table)
			}
		}, seal.Removed, 0},
	} {
		t.Run(name, func(t *testing.T) {
			c, db, seqs, ids := sealedTrail(t)
			tc.harm(victim{c, db, seqs, ids})
			report := c.verify()
			if report.OK() {
				t.Fatal("not found")
			}
			for _, f := range report.Findings {
				if f.Kind == tc.kind && (tc.row < 0 || f.Seq == seqs[tc.row]) {
					if f.Seq > 0 && tc.row >= 0 && report.First.Seq < f.Seq {
						t.Errorf("the first is %s", report.First)
					}
					return
				}
			}
			t.Errorf("found %v, want %q of row %d", report.Findings, tc.kind, tc.row)
		})
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

// Where an anchor's place is taken, the next ones are written all the same, and
// what lies there is found.
func TestP5_TakenPlaceOfAnAnchorIsFound(t *testing.T) {
	c := open(t)
	c.look("clinician")
	c.must(c.Store.InTx(t.Context(), demo.Harbor, func(ctx context.Context, tx *store.Tx) error {
		_, now, err := tx.SealEnd(ctx)
		if err != nil {
			return err
		}
		for day := range 2 { // should it be midnight
			key := seal.Seal{Tenant: string(demo.Harbor), Number: 1, SealedAt: now.AddDate(0, 0, day)}.Key()
			if err := c.Bucket.PutScratch(t.Context(), key, blob.BytesBody([][]byte{[]byte("mine")})); err != nil {
				return err
			}
		}
		return nil
	}))
	c.seal()
	c.look("clinician")
	c.seal()
	report := c.verify()
	if report.OK() || report.First.Kind != seal.AnchorChanged || report.AwaitingAnchor != 0 || report.Anchored != 1 {
		t.Errorf("%+v", report)
	}
}

// Anchors name rows and hashes; of what is in the rows they say nothing (P10).
func TestP10_AnchorsHoldNoWords(t *testing.T) {
	c, _, _, _ := sealedTrail(t)
	key := c.anchorKey(1)
	r, err := c.Bucket.Get(t.Context(), key, 0, -1)
	c.must(err)
	defer r.Close()
	var text bytes.Buffer
	_, err = text.ReadFrom(r)
	c.must(err)
	for _, word := range []string{"Robin", string(demo.Patient), "patient", "clinician"} {
		if strings.Contains(text.String(), word) {
			t.Errorf("an anchor says %q", word)
		}
	}
	if _, err := seal.Parse(text.Bytes()); err != nil {
		t.Error(err)
	}
}

// Where the bucket locks objects, anchors are locked.
func TestP5_AnchorsAreLockedWhereTheBucketLocks(t *testing.T) {
	c := open(t)
	client := c.Env.Stack.S3().Client()
	bucket := c.Env.Bucket + "-locked"
	_, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket, ObjectLockEnabledForBucket: aws.Bool(true)})
	c.must(err)
	locked := clinic{&clinictest.Clinic{Env: c.Env}, t}
	locked.Clinic = clinictest.New(t, clinictest.Setup{Env: c.Env, Blob: func(b *blob.Config) { b.Bucket = bucket }})
	c.look("clinician")
	locked.seal()
	key := locked.anchorKey(1)
	held, err := client.GetObjectRetention(t.Context(), &s3.GetObjectRetentionInput{Bucket: &bucket, Key: &key})
	c.must(err)
	if until := aws.ToTime(held.Retention.RetainUntilDate); time.Until(until) < 6*365*24*time.Hour {
		t.Errorf("locked until %s", until)
	}
	if err := locked.Bucket.Delete(t.Context(), key); err == nil {
		t.Error("a locked anchor was deleted")
	}
	if report := locked.verify(); !report.OK() || report.Anchored != 1 {
		t.Errorf("%+v", report)
	}
}

// In a bucket with versions the anchor that was written first counts, whatever
// was put over it or in its place; and what was put there is found.
func TestP5_OldestVersionOfAnAnchorCounts(t *testing.T) {
	endpoint, client := versioned.Start(t)
	c := open(t, clinictest.Setup{Blob: func(b *blob.Config) {
		b.Endpoint, b.Bucket = endpoint, versioned.Bucket
		b.Credentials = credentials.NewStaticCredentialsProvider(versioned.AccessKey, versioned.SecretKey, "")
	}})
	db := c.admin()
	for range 2 {
		c.look("clinician")
		c.seal()
	}
	if report := c.verify(); !report.OK() || report.Anchored != 2 {
		t.Fatalf("%+v", report)
	}
	key := c.anchorKey(1)
	c.exec(db, `UPDATE audit_event SET verb = 'note' WHERE seq = (SELECT min(seq) FROM audit_event WHERE tenant_id = $1)`, string(demo.Harbor))
	c.forge(db, 1)
	var forged []byte
	c.must(c.Store.InTx(t.Context(), demo.Harbor, func(ctx context.Context, tx *store.Tx) error {
		seals, err := tx.Seals(ctx, 0, 1)
		if err != nil {
			return err
		}
		forged, err = seals[0].JSON()
		return err
	}))
	_, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(versioned.Bucket), Key: &key, Body: bytes.NewReader(forged)})
	c.must(err)
	wantFound := func(kinds ...seal.Kind) {
		t.Helper()
		report := c.verify()
		for _, k := range kinds {
			if !slices.ContainsFunc(report.Findings, func(f seal.Finding) bool { return f.Kind == k && f.Seal == 1 }) {
				t.Errorf("%q is not among %v", k, report.Findings)
			}
		}
	}
	wantFound(seal.AnchorChanged, seal.Changed, seal.SealChanged)
	c.must(c.Bucket.Delete(t.Context(), key))
	wantFound(seal.AnchorChanged, seal.Changed, seal.SealChanged)
}
