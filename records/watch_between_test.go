package records_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/demo"
)

// TestP4_MembershipEndsBetweenTheLookAndTheRead: who watches has been found to be
// a member still, then the membership ends, and only then happens what the same
// look reads. It is not told. A lock on the table holds the look between the two.
func TestP4_MembershipEndsBetweenTheLookAndTheRead(t *testing.T) {
	for name, tc := range map[string]struct {
		table, happens string // $1 is the upload's id
		watch          func(c clinic, ctx context.Context, id clinical.UploadID) error
	}{
		"uploadProgress": {
			"upload", `UPDATE upload SET at_offset = 10 WHERE id = $1`,
			func(c clinic, ctx context.Context, id clinical.UploadID) error {
				for u, err := range c.Records.WatchUpload(ctx, c.As("clinician"), id) {
					if err == nil {
						t.Errorf("told of %d bytes", u.Offset)
					}
					return err
				}
				return nil
			},
		},
		"fileEvents": {
			"outbox", `INSERT INTO outbox (tenant_id, id, type, subject_type, subject_id, patient_id, created_at, next_at)
				SELECT o.tenant_id, gen_random_uuid(), 'file.updated', o.subject_type, o.subject_id, o.patient_id, now(), now()
				FROM outbox o WHERE o.type = 'file.created' AND $1::text <> ''`,
			func(c clinic, ctx context.Context, _ clinical.UploadID) error {
				for e, err := range c.Records.WatchFiles(ctx, c.As("clinician"), demo.Patient, nil) {
					if err == nil {
						t.Errorf("told of %+v", e)
					}
					return err
				}
				return nil
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := open(t)
			c.upload("clinician", intake(), pdf)
			begun, err := c.Records.BeginUpload(t.Context(), c.As("clinician"), intake())
			if err != nil {
				t.Fatal(err)
			}
			release := c.hold(tc.table)
			ended := make(chan error, 1)
			go func() { ended <- tc.watch(c, patience(t), begun.Upload.ID) }()
			c.awaitWaiter(tc.table)
			c.endMembership("clinician")
			release(tc.happens, string(begun.Upload.ID))
			c.wantKind(<-ended, clinical.Forbidden)
			if events := c.events(name); len(events) != 1 || events[0].Rule != "membership-ended" || events[0].Outcome != clinical.MinorFailure {
				t.Errorf("audit: %+v", events)
			}
		})
	}
}

// hold keeps everybody from a table until what it gives is called, which makes
// one change more.
func (c clinic) hold(table string) (release func(statement string, args ...any)) {
	c.t.Helper()
	db := c.superuser()
	tx, err := db.Begin()
	if err == nil {
		_, err = tx.Exec(`LOCK TABLE ` + table + ` IN ACCESS EXCLUSIVE MODE`)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = tx.Rollback() })
	return func(statement string, args ...any) {
		c.t.Helper()
		if _, err := tx.Exec(statement, args...); err != nil {
			c.t.Fatal(err)
		}
		if err := tx.Commit(); err != nil {
			c.t.Fatal(err)
		}
	}
}

// awaitWaiter returns once somebody waits for the table.
func (c clinic) awaitWaiter(table string) {
	c.t.Helper()
	db := c.superuser()
	for ctx := patience(c.t); ; {
		var waits bool
		if err := db.QueryRowContext(ctx, `SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = $1::regclass)`, table).Scan(&waits); err != nil {
			c.t.Fatal(err)
		}
		if waits {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// superuser is a connection for what no verb does.
func (c clinic) superuser() *sql.DB {
	c.t.Helper()
	db, err := sql.Open("pgx", c.Env.AdminURL)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = db.Close() })
	return db
}
