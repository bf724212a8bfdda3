package store

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/migrate"

	"github.com/bonfiredb/bonfire/clinical"
)

// AppRole is the role that the server's own login is, or is a member of. It
// owns nothing; the migrations grant it what the server needs.
const AppRole = "bonfire_app"

const (
	migrationsTable = "bun_migrations"
	// migrationLock is the advisory lock of this database that migrating servers take turns by.
	migrationLock = 0x626f6e66697265 // "bonfire"
)

//go:embed migrations/*.tx.up.sql
var migrationFiles embed.FS

// Migration is one step of the schema. AppliedAt is zero while it is pending.
type Migration struct {
	Name      string
	AppliedAt time.Time
}

// Migrate brings the schema up to date as the role in ownerURL, which will own
// the tables, and names the migrations it applied. Each runs in a transaction
// together with the note that it ran; servers that migrate at once take turns.
//
// The role bonfire_app is created when it is missing. When ownerURL's role may
// not do that the result is Forbidden and its words tell what to do.
func Migrate(ctx context.Context, ownerURL string) (applied []string, err error) {
	db, err := openOwner(ownerURL)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	unlock, err := lockMigrations(ctx, db)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := ensureAppRole(ctx, db); err != nil {
		return nil, err
	}
	m, err := newMigrator(db)
	if err != nil {
		return nil, err
	}
	if err := m.Init(ctx); err != nil {
		return nil, fail(err)
	}
	if _, err := db.ExecContext(ctx, "GRANT SELECT ON ? TO ?", bun.Ident(migrationsTable), bun.Ident(AppRole)); err != nil {
		return nil, fail(err)
	}
	group, err := m.Migrate(ctx)
	if err != nil {
		return nil, fail(fmt.Errorf("migrate: %w", err))
	}
	for _, done := range group.Migrations {
		applied = append(applied, done.String())
	}
	return applied, nil
}

// Status lists every migration this program knows, in order. It changes nothing
// and works for any role that may read the database.
func Status(ctx context.Context, url string) ([]Migration, error) {
	db, err := openOwner(url)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	return migrationStatus(ctx, db)
}

// Pending names the migrations that were not applied yet, in order.
func Pending(ctx context.Context, url string) ([]string, error) {
	all, err := Status(ctx, url)
	return pending(all), err
}

func pending(all []Migration) (names []string) {
	for _, m := range all {
		if m.AppliedAt.IsZero() {
			names = append(names, m.Name)
		}
	}
	return names
}

func migrationStatus(ctx context.Context, db *bun.DB) ([]Migration, error) {
	m, err := newMigrator(db)
	if err != nil {
		return nil, err
	}
	known, err := m.MigrationsWithStatus(ctx)
	switch {
	case sqlState(err) == undefinedTable: // nobody has migrated yet
		migrations, _ := knownMigrations()
		known = migrations.Sorted()
	case err != nil:
		return nil, fail(err)
	}
	out := make([]Migration, len(known))
	for i, k := range known {
		out[i] = Migration{Name: k.String(), AppliedAt: k.MigratedAt}
	}
	return out, nil
}

// openOwner opens two connections without time limits: one holds the lock while
// the other works.
func openOwner(url string) (*bun.DB, error) {
	conf, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, malformed(err)
	}
	settle(conf, map[string]string{"application_name": "bonfire migrate"})
	pool := stdlib.OpenDB(*conf)
	pool.SetMaxOpenConns(2)
	return bun.NewDB(pool, pgdialect.New()), nil
}

// lockMigrations waits for its turn. A lock of the session, unlike bun's table
// of locks, is gone when its holder dies.
func lockMigrations(ctx context.Context, db *bun.DB) (unlock func(), err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, fail(err)
	}
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock(?)", migrationLock); err != nil {
		_ = conn.Close()
		return nil, fail(err)
	}
	return func() {
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock(?)", migrationLock)
		_ = conn.Close()
	}, nil
}

// ensureAppRole creates bonfire_app. Roles belong to the whole server, so
// another database's migration may create it between the look and the act.
func ensureAppRole(ctx context.Context, db *bun.DB) error {
	var exists bool
	if err := db.QueryRowContext(ctx, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = ?)", AppRole).Scan(&exists); err != nil {
		return fail(err)
	}
	if exists {
		return nil
	}
	_, err := db.ExecContext(ctx, "CREATE ROLE ? LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS", bun.Ident(AppRole))
	switch state := sqlState(err); state {
	case duplicateObject, uniqueViolation:
		return nil
	case insufficientPrivilege:
		return clinical.Fail(clinical.Forbidden,
			"the role bonfire_app is missing and this login may not create it: have an administrator run CREATE ROLE bonfire_app LOGIN, then migrate again", discreet(err))
	}
	return fail(err)
}

// newMigrator notes a migration in its own transaction: bun's own note comes
// after, and a server that dies between the two would run the migration twice.
func newMigrator(db *bun.DB) (*migrate.Migrator, error) {
	migrations, err := knownMigrations()
	if err != nil {
		return nil, err
	}
	note := func(ctx context.Context, tx bun.IConn, m *migrate.Migration) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO ? (name, group_id) VALUES (?, ?)", bun.Ident(migrationsTable), m.Name, m.GroupID)
		return err
	}
	return migrate.NewMigrator(db, migrations,
		migrate.WithTableName(migrationsTable), migrate.WithMarkAppliedOnSuccess(true),
		migrate.WithUpsert(true), migrate.AfterMigration(note)), nil
}

// knownMigrations are the files: bun runs those named *.tx.up.sql in a transaction.
func knownMigrations() (*migrate.Migrations, error) {
	dir, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return nil, internal(err)
	}
	migrations := migrate.NewMigrations()
	if err := migrations.Discover(dir); err != nil {
		return nil, internal(err)
	}
	return migrations, nil
}
