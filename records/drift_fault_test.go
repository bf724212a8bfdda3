package records_test

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bonfiredb/bonfire/blob"
	"github.com/bonfiredb/bonfire/internal/clinictest"
	"github.com/bonfiredb/bonfire/internal/faultproxy"
	"github.com/bonfiredb/bonfire/records"
	"github.com/bonfiredb/bonfire/store"
)

// TestP3_KilledRepairIsFinished kills a repair at each of its calls to database
// and bucket, before the call and after it: the next one and the sweeper go on,
// nothing that a row names is lost, and what was removed is on the trail.
func TestP3_KilledRepairIsFinished(t *testing.T) {
	calm := openDamaged(t)
	calm.ahead = 2 * time.Hour
	way := newPeril(t, calm.Env)
	mortal := clinictest.New(t, clinictest.Setup{Env: &way.env, Records: func(o *records.Options) {
		o.Now = func() time.Time { return time.Now().Add(2 * time.Hour) }
	}})
	kept := calm.upload("clinician", intake(), pdf)
	removed := 0
	for n, done := 1, false; !done; n++ {
		for _, fate := range []faultproxy.Fate{faultproxy.Refused, faultproxy.Lost} {
			orphan := calm.put(calm.fresh(), "nobody's")
			removed++
			done = !way.killed(t, n, fate, func(ctx context.Context) {
				_, _ = mortal.Records.CompareBucket(ctx, records.DriftCheck{Repair: true, Force: true}, func(records.Drift) error { return nil })
			})

			if found, _ := calm.compare(records.DriftCheck{Repair: true, Force: true}); len(found) > 1 {
				t.Fatalf("killed at call %d (%d): %v", n, fate, found)
			}
			calm.exec(`UPDATE blob_garbage SET not_before = now() - interval '1 second'`)
			if err := calm.Records.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
			if found, _ := calm.compare(records.DriftCheck{}); len(found) > 0 || calm.exists(orphan) || !calm.exists(kept.ObjectKey) {
				t.Fatalf("killed at call %d (%d): left %v, orphan there: %t, file there: %t", n, fate, found, calm.exists(orphan), calm.exists(kept.ObjectKey))
			}
		}
		if n > 200 {
			t.Fatal("a repair has no end")
		}
	}
	if got := calm.count(calm.admin, `SELECT count(*) FROM audit_event WHERE verb = 'removeOrphan'`); got != removed || removed < 20 {
		t.Errorf("%d removals are on the trail, of %d", got, removed)
	}
}

// counter counts the statements that a store tells of.
type counter struct{ statements atomic.Int64 }

func (c *counter) Enabled(context.Context, slog.Level) bool { return true }
func (c *counter) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "sql" {
		c.statements.Add(1)
	}
	return nil
}
func (c *counter) WithAttrs([]slog.Attr) slog.Handler { return c }
func (c *counter) WithGroup(string) slog.Handler      { return c }

// TestP3_ALargeBucketIsWalkedInPages counts what 10,000 objects cost.
func TestP3_ALargeBucketIsWalkedInPages(t *testing.T) {
	const objects = 10_000
	d := openDamaged(t)
	f := d.upload("clinician", intake(), pdf)
	d.exec(`WITH n AS (SELECT gen_random_uuid() AS id, i FROM generate_series(2, $2::int) i),
		u AS (INSERT INTO upload SELECT (jsonb_populate_record(u, jsonb_build_object('id', n.id, 'file_id', n.id,
		    'object_key', regexp_replace(u.object_key, '[^/]*$', n.id::text)))).* FROM upload u, n WHERE u.id = $1 RETURNING id, object_key)
		INSERT INTO file SELECT (jsonb_populate_record(f, jsonb_build_object('id', u.id, 'upload_id', u.id, 'object_key', u.object_key))).*
		  FROM file f, u WHERE f.upload_id = $1`, string(f.Upload), objects)
	rows, err := d.admin.Query(`SELECT object_key FROM file WHERE id <> $1`, string(f.ID))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var group errgroup.Group
	group.SetLimit(16)
	for rows.Next() {
		var key string
		if err := rows.Scan(&key); err != nil {
			t.Fatal(err)
		}
		group.Go(func() error {
			return d.Bucket.PutScratch(t.Context(), key, blob.BytesBody([][]byte{pdf}))
		})
	}
	if err := errors.Join(group.Wait(), rows.Err()); err != nil {
		t.Fatal(err)
	}

	count := &counter{}
	counted, err := store.Open(t.Context(), d.Env.AppURL, store.Options{Debug: true, Log: slog.New(count)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = counted.Close() }()
	r := records.New(records.Options{Store: counted, Gate: d.Gate, Bucket: d.Bucket, Ledger: d.Ledger})
	before := d.Bucket.Calls()
	report, err := r.CompareBucket(t.Context(), records.DriftCheck{}, func(f records.Drift) error { return errors.New(string(f.Code)) })
	if err != nil || report.Objects != objects {
		t.Fatalf("%d objects, %v", report.Objects, err)
	}
	after := d.Bucket.Calls()
	if lists := after["ListObjectsV2"] - before["ListObjectsV2"]; lists > objects/1000+5 {
		t.Errorf("%d lists of objects", lists)
	}
	if heads := after["HeadObject"] - before["HeadObject"]; heads > 0 {
		t.Errorf("%d objects were asked for one by one", heads)
	}
	// A page is a transaction: its beginning, its tenant, its question and its end.
	if n := count.statements.Load(); n < 10 || n > 4*(objects/1000+12) {
		t.Errorf("%d statements", n)
	}
}
