package store

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
)

// Servers that migrate at once take turns: each migration is applied once.
func TestMigrateAtOnce(t *testing.T) {
	t.Parallel()
	env := devtest.New(t)
	before, err := Pending(t.Context(), env.AppURL)
	if err != nil || len(before) < 3 || !strings.HasSuffix(before[0], "_foundation") {
		t.Fatalf("pending before: %v (%v)", before, err)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	var applied []string
	for range 4 {
		all.Go(func() {
			names, err := Migrate(t.Context(), env.OwnerURL)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			applied = append(applied, names...)
		})
	}
	all.Wait()
	if !slices.Equal(applied, before) {
		t.Errorf("applied %v, want %v", applied, before)
	}
	after, err := Pending(t.Context(), env.AppURL)
	if err != nil || len(after) != 0 {
		t.Errorf("pending after: %v (%v)", after, err)
	}
	status, err := Status(t.Context(), env.AppURL)
	check(t, err)
	for i, m := range status {
		if m.Name != before[i] || m.AppliedAt.IsZero() {
			t.Errorf("%d: %+v", i, m)
		}
	}
}

// A migration that fails leaves nothing behind, and is run again in full.
func TestMigrateIsAllOrNothing(t *testing.T) {
	t.Parallel()
	env := devtest.New(t)
	h := &house{TB: t, env: env}
	owner := h.as(env.OwnerURL)
	h.exec(owner, `CREATE TABLE upload_part (n int)`) // in the way of the second migration, after its first table
	_, err := Migrate(t.Context(), env.OwnerURL)
	wantKind(t, err, clinical.Internal)
	left, err := Pending(t.Context(), env.OwnerURL)
	if err != nil || len(left) < 2 || !strings.HasSuffix(left[0], "_ledger") {
		t.Fatalf("pending after the failure: %v (%v)", left, err)
	}
	var upload bool
	check(t, owner.QueryRow(`SELECT to_regclass('upload') IS NOT NULL`).Scan(&upload))
	if upload {
		t.Error("half a migration stayed")
	}
	h.exec(owner, `DROP TABLE upload_part`)
	applied, err := Migrate(t.Context(), env.OwnerURL)
	if err != nil || !slices.Equal(applied, left) {
		t.Errorf("applied %v (%v), want %v", applied, err, left)
	}
}

// The note that a migration ran is written in its transaction: whoever dies
// right after it does not run it twice.
func TestMigrationIsNotedInItsTransaction(t *testing.T) {
	t.Parallel()
	env := devtest.New(t)
	db, err := openOwner(env.OwnerURL)
	check(t, err)
	defer func() { _ = db.Close() }()
	m, err := newMigrator(db)
	check(t, err)
	check(t, m.Init(t.Context()))
	known, err := knownMigrations()
	check(t, err)
	for _, step := range known.Sorted() {
		check(t, step.Up(t.Context(), m, &step)) // as bun calls it, before it writes a note of its own
	}
	if left, err := Pending(t.Context(), env.OwnerURL); err != nil || len(left) > 0 {
		t.Errorf("pending: %v (%v)", left, err)
	}
}

// The server's role is made where the migrating role may; where it may not, the
// error says what to do.
func TestMigrateMakesTheServersRole(t *testing.T) {
	t.Parallel()
	env := devtest.NewPrivate(t)
	h := &house{TB: t, env: env}
	admin := h.as(env.AdminURL)
	h.exec(admin, `DROP OWNED BY bonfire_app; ALTER ROLE bonfire_app RENAME TO somebody`)
	_, err := Migrate(t.Context(), env.OwnerURL)
	wantKind(t, err, clinical.Forbidden)
	if !strings.Contains(clinical.AsFailure(err).Words, "CREATE ROLE bonfire_app LOGIN") {
		t.Errorf("the words do not help: %v", err)
	}
	h.exec(admin, `ALTER ROLE bonfire_owner CREATEROLE`)
	_, err = Migrate(t.Context(), env.OwnerURL)
	check(t, err)
	var harmless bool
	check(t, admin.QueryRow(`SELECT rolcanlogin AND NOT (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb)
		FROM pg_roles WHERE rolname = 'bonfire_app'`).Scan(&harmless))
	if !harmless {
		t.Error("the role may more than it should")
	}
}

// Migrations are forward-only files that bun runs in a transaction each.
func TestMigrationFiles(t *testing.T) {
	entries, err := migrationFiles.ReadDir("migrations")
	check(t, err)
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".tx.up.sql") {
			t.Errorf("%s would not run in a transaction", e.Name())
		}
	}
	known, err := knownMigrations()
	if err != nil || len(known.Sorted()) != len(entries) {
		t.Errorf("%d files, %d migrations (%v)", len(entries), len(known.Sorted()), err)
	}
}

// Months are those of UTC, whatever the session's time zone, and making them
// again changes nothing.
func TestAuditPartitionsAreMonthsOfUTC(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	app := h.as(h.env.AppURL)
	for _, zone := range []string{"Pacific/Kiritimati", "America/Los_Angeles", "UTC"} {
		tx, err := app.BeginTx(t.Context(), nil)
		check(t, err)
		_, err = tx.Exec(`SET LOCAL timezone = '` + zone + `'`)
		check(t, err)
		_, err = tx.Exec(`SELECT audit_partitions(14)`)
		check(t, err)
		check(t, tx.Commit())
	}
	bounds, err := h.db.names(t.Context(), `SELECT pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
		 WHERE i.inhparent = 'audit_event'::regclass ORDER BY c.relname`)
	check(t, err)
	if len(bounds) != 16 { // this month, 14 more, and the default
		t.Errorf("%d partitions: %v", len(bounds), bounds)
	}
	for _, b := range bounds {
		if b != "DEFAULT" && strings.Count(b, "-01 00:00:00+00'") != 2 {
			t.Errorf("a partition %s", b)
		}
	}
	check(t, h.db.AuditPartitions(context.Background(), 2))
	check(t, h.db.Check(t.Context())) // each has its wall
}
