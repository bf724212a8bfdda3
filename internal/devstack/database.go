//go:build unix && !nodevstack

package devstack

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
)

// databaseName is what CreateDatabase accepts: an identifier that needs no folding, at most 63 bytes (NAMEDATALEN - 1).
var databaseName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)

// CreateDatabase makes an empty database like the stack's own: owned by OwnerRole, AppRole may connect. It takes some 30 ms.
func (p *Postgres) CreateDatabase(ctx context.Context, name string) (ownerURL, appURL string, err error) {
	return p.CreateDatabaseFrom(ctx, name, "template1")
}

// CreateDatabaseFrom makes a copy of the database template, tables, rows and rights on them included. A template must be at rest: sessions
// that are still open on it are ended.
func (p *Postgres) CreateDatabaseFrom(ctx context.Context, name, template string) (ownerURL, appURL string, err error) {
	for _, n := range []string{name, template} {
		if !databaseName.MatchString(n) {
			return "", "", fmt.Errorf("devstack: %q is not a name for a database", n)
		}
	}
	strategy := ""
	if p.bin.major >= 15 {
		strategy = " STRATEGY FILE_COPY" // before 15 the only way, since then no longer the default; quicker where fsync is off
	}
	script := fmt.Sprintf(`
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '%[2]s' AND backend_type = 'client backend';
CREATE DATABASE %[1]s OWNER `+OwnerRole+` TEMPLATE %[2]s%[3]s;
REVOKE ALL ON DATABASE %[1]s FROM PUBLIC;
GRANT CONNECT ON DATABASE %[1]s TO `+AppRole+`;
`, name, template, strategy)
	if err := p.psql(ctx, script); err != nil {
		return "", "", fmt.Errorf("devstack: create database %s: %w", name, err)
	}
	return p.OwnerURL(name), p.AppURL(name), nil
}

// DropDatabase deletes a database and ends the sessions on it. One that is not there is no error.
func (p *Postgres) DropDatabase(ctx context.Context, name string) error {
	if !databaseName.MatchString(name) {
		return fmt.Errorf("devstack: %q is not a name for a database", name)
	}
	if err := p.psql(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE);"); err != nil {
		return fmt.Errorf("devstack: drop database %s: %w", name, err)
	}
	return nil
}

// Env returns the settings of a server that uses this database: BONFIRE_DATABASE_URL as AppRole, BONFIRE_MIGRATE_DATABASE_URL as OwnerRole.
func (p *Postgres) Env() []string {
	return []string{"BONFIRE_DATABASE_URL=" + p.URL(), "BONFIRE_MIGRATE_DATABASE_URL=" + p.OwnerURL(Database)}
}

// URL is the address of the stack's database for the server: AppURL(Database).
func (p *Postgres) URL() string { return p.AppURL(Database) }

// OwnerURL is the address of a database for migrations, as OwnerRole: by TCP where that was asked for, else by socket.
func (p *Postgres) OwnerURL(database string) string {
	return p.url(OwnerRole, p.home.known().OwnerPassword, database)
}

// AppURL is the address of a database for the server, as AppRole.
func (p *Postgres) AppURL(database string) string {
	return p.url(AppRole, p.home.known().AppPassword, database)
}

// AdminURL is the address of a database for the superuser, always by socket; for tests in which somebody does what the server may not.
func (p *Postgres) AdminURL(database string) string { return p.socketURL(superuser, database) }

func (p *Postgres) url(role, password, database string) string {
	if p.opts.Port == 0 {
		return p.socketURL(role, database)
	}
	u := url.URL{Scheme: "postgres", User: url.UserPassword(role, password), Host: loopback(p.port), Path: "/" + database, RawQuery: "sslmode=disable"}
	return u.String()
}

// socketURL names the socket's directory as the parameter host, which libpq and pgx both understand.
func (p *Postgres) socketURL(role, database string) string {
	q := url.Values{"host": {p.place.sockets}, "port": {strconv.Itoa(p.port)}}
	u := url.URL{Scheme: "postgres", User: url.User(role), Path: "/" + database, RawQuery: q.Encode()}
	return u.String()
}
