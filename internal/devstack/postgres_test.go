//go:build linux && !nodevstack

package devstack_test

import (
	"context"
	"database/sql"
	"net/url"
	"strings"
	"testing"

	"github.com/bonfiredb/bonfire/internal/devstack"
	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
)

// P9's second wall stands only if the server's role cannot step over it.
func TestP9_RolesHaveNoPowerOverRowSecurity(t *testing.T) {
	t.Parallel()
	env := devtest.New(t)
	admin := open(t, env.AdminURL)
	for _, role := range []string{devstack.AppRole, devstack.OwnerRole} {
		var login, power bool
		if err := admin.QueryRow(`SELECT rolcanlogin, rolsuper OR rolbypassrls OR rolcreatedb OR rolcreaterole OR rolreplication
			FROM pg_roles WHERE rolname = $1`, role).Scan(&login, &power); err != nil {
			t.Fatal(err)
		}
		if !login || power {
			t.Errorf("%s: may log in %v, has a power it must not have %v", role, login, power)
		}
	}
	var memberships, owned int
	if err := admin.QueryRow(`SELECT
		(SELECT count(*) FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member WHERE r.rolname = $1),
		(SELECT count(*) FROM pg_shdepend d JOIN pg_roles r ON r.oid = d.refobjid WHERE r.rolname = $1 AND d.deptype = 'o')`,
		devstack.AppRole).Scan(&memberships, &owned); err != nil {
		t.Fatal(err)
	}
	if memberships != 0 || owned != 0 {
		t.Errorf("the server's role is a member of %d roles and owns %d things, want none", memberships, owned)
	}

	owner, app := open(t, env.OwnerURL), open(t, env.AppURL)
	mustExec(t, owner, `CREATE TABLE rows (tenant text);
		INSERT INTO rows VALUES ('a'), ('b');
		GRANT SELECT ON rows TO bonfire_app;
		ALTER TABLE rows ENABLE ROW LEVEL SECURITY;
		CREATE POLICY only_a ON rows USING (tenant = 'a')`)
	var seen string
	if err := app.QueryRow(`SELECT string_agg(tenant, ',') FROM rows`).Scan(&seen); err != nil || seen != "a" {
		t.Fatalf("the server sees %q (%v), want its own tenant", seen, err)
	}
}

func TestServerRoleMayOnlyWhatItWasGranted(t *testing.T) {
	t.Parallel()
	env := devtest.New(t)
	owner, app := open(t, env.OwnerURL), open(t, env.AppURL)
	mustExec(t, owner, `CREATE TABLE secrets (n int)`)
	for _, statement := range []string{
		`CREATE TABLE mine (n int)`,
		`CREATE SCHEMA mine`,
		`CREATE TEMP TABLE mine (n int)`,
		`SELECT * FROM secrets`,
		`DROP TABLE secrets`,
		`ALTER TABLE secrets DISABLE ROW LEVEL SECURITY`,
		`SET ROLE bonfire_owner`,
		`CREATE DATABASE mine`,
	} {
		if _, err := app.Exec(statement); err == nil || !sqlState(err, "42501") {
			t.Errorf("%s: want insufficient_privilege, got %v", statement, err)
		}
	}
	mustExec(t, owner, `GRANT SELECT ON secrets TO bonfire_app`)
	if _, err := app.Exec(`SELECT * FROM secrets`); err != nil {
		t.Errorf("granted, and still: %v", err)
	}
}

func sqlState(err error, state string) bool { return strings.Contains(err.Error(), "SQLSTATE "+state) }

func TestDatabaseIsUTF8InLocaleC(t *testing.T) {
	t.Parallel()
	var encoding, collate, ctype, owner, schemaOwner string
	if err := open(t, devtest.New(t).AppURL).QueryRow(`SELECT pg_encoding_to_char(encoding), datcollate, datctype, pg_get_userbyid(datdba),
		(SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'public')
		FROM pg_database WHERE datname = current_database()`).Scan(&encoding, &collate, &ctype, &owner, &schemaOwner); err != nil {
		t.Fatal(err)
	}
	if encoding != "UTF8" || collate != "C" || ctype != "C" || owner != devstack.OwnerRole || schemaOwner != devstack.OwnerRole {
		t.Fatalf("encoding %s, collate %s, ctype %s, owner %s, schema of %s", encoding, collate, ctype, owner, schemaOwner)
	}
}

// Data must survive a crash of the machine unless a test has said that it need not.
func TestDurabilityIsOnByDefault(t *testing.T) {
	t.Parallel()
	pg, err := devstack.StartPostgres(t.Context(), devstack.PostgresOptions{Dir: devtest.Dir(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pg.Stop(context.Background()) })
	for name, want := range map[string]string{"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "max_connections": "200", "listen_addresses": ""} {
		var got string
		if err := open(t, pg.URL()).QueryRow(`SHOW ` + name).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q (%v), want %q", name, got, err, want)
		}
	}
}

// On TCP there are passwords, and no superuser.
func TestTCPAsksForAPassword(t *testing.T) {
	t.Parallel()
	pg, err := devstack.StartPostgres(t.Context(), devstack.PostgresOptions{Dir: devtest.Dir(t), Port: devstack.FreePort, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pg.Stop(context.Background()) })
	right, err := url.Parse(pg.URL())
	if err != nil {
		t.Fatal(err)
	}
	if right.Hostname() != "127.0.0.1" {
		t.Fatalf("the address %s is not loopback", right.Redacted())
	}
	if err := open(t, right.String()).Ping(); err != nil {
		t.Fatal(err)
	}
	for name, user := range map[string]*url.Userinfo{
		"no password":    url.User(devstack.AppRole),
		"wrong password": url.UserPassword(devstack.AppRole, "wrong"),
		"superuser":      url.User("postgres"),
	} {
		wrong := *right
		wrong.User = user
		if err := open(t, wrong.String()).Ping(); err == nil {
			t.Errorf("%s: let in", name)
		}
	}
}

func TestDatabaseNamesAreChecked(t *testing.T) {
	t.Parallel()
	pg := devtest.New(t).Stack.Postgres()
	for _, name := range []string{"", "Upper", "a b", `x"; DROP DATABASE bonfire; --`, strings.Repeat("x", 64)} {
		if _, _, err := pg.CreateDatabase(t.Context(), name); err == nil {
			t.Errorf("%q was accepted", name)
		}
		if err := pg.DropDatabase(t.Context(), name); err == nil {
			t.Errorf("%q was accepted for dropping", name)
		}
	}
}

// A template with a session still open on it is copied all the same.
func TestCopyOfADatabaseInUse(t *testing.T) {
	t.Parallel()
	env := devtest.New(t)
	owner := open(t, env.OwnerURL)
	mustExec(t, owner, `CREATE TABLE t (n int); INSERT INTO t VALUES (1)`)
	conn, err := owner.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func(c *sql.Conn) { _ = c.Close() }(conn)
	name := env.Database + "_copy"
	_, appURL, err := env.Stack.Postgres().CreateDatabaseFrom(t.Context(), name, env.Database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = env.Stack.Postgres().DropDatabase(t.Context(), name) })
	if err := open(t, appURL).Ping(); err != nil {
		t.Fatal(err)
	}
}

// A standby has what its primary has, and takes writes once it is promoted; the
// primary then may be gone, or be told to take none.
func TestStandbyTakesOver(t *testing.T) {
	t.Parallel()
	primary, standby, _ := devtest.Pair(t)
	mustExec(t, open(t, primary.OwnerURL(devstack.Database)), `CREATE TABLE t (n int); INSERT INTO t VALUES (1)`)
	if err := primary.Demote(t.Context()); err != nil {
		t.Fatal(err)
	}
	second := open(t, standby.OwnerURL(devstack.Database))
	for name, db := range map[string]*sql.DB{"primary": open(t, primary.OwnerURL(devstack.Database)), "standby": second} {
		if _, err := db.Exec(`INSERT INTO t VALUES (2)`); err == nil || !strings.Contains(err.Error(), "25006") {
			t.Errorf("%s takes writes: %v", name, err)
		}
	}
	if err := standby.Promote(t.Context()); err != nil {
		t.Fatal(err)
	}
	primary.Kill()
	mustExec(t, second, `INSERT INTO t VALUES (2)`)
	if err := standby.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := open(t, standby.OwnerURL(devstack.Database)).QueryRow(`SELECT count(*) FROM t`).Scan(&n); err != nil || n != 2 {
		t.Fatalf("%d rows, %v", n, err)
	}
}
