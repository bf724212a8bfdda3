//go:build unix && !nodevstack

package devtest_test

import (
	"context"
	"database/sql"
	"fmt"
	"sync/atomic"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
)

func TestMain(m *testing.M) { devtest.Main(m) }

func open(t *testing.T, url string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// Each test has its own database and bucket, in parallel too.
func TestNewIsolates(t *testing.T) {
	for i := range 6 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			env := devtest.New(t)
			owner := open(t, env.OwnerURL)
			if _, err := owner.Exec(`CREATE TABLE only_mine (n int)`); err != nil {
				t.Fatalf("the name is taken, so the database is shared: %v", err)
			}
			var role, database string
			if err := open(t, env.AppURL).QueryRow(`SELECT current_user, current_database()`).Scan(&role, &database); err != nil {
				t.Fatal(err)
			}
			if role != "bonfire_app" || database != env.Database {
				t.Fatalf("the server would be %s on %s, want bonfire_app on %s", role, database, env.Database)
			}
		})
	}
}

// The schema is made once for a key, and every test gets a copy with tables, rows and rights.
func TestNewFromCopiesOneTemplate(t *testing.T) {
	var runs atomic.Int32
	migrate := func(ctx context.Context, ownerURL string) error {
		runs.Add(1)
		db, err := sql.Open("pgx", ownerURL)
		if err != nil {
			return err
		}
		defer db.Close()
		_, err = db.ExecContext(ctx, `CREATE TABLE kinds (name text); INSERT INTO kinds VALUES ('photo'); GRANT SELECT, INSERT ON kinds TO bonfire_app`)
		return err
	}
	t.Run("copies", func(t *testing.T) {
		for i := range 4 {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				db := open(t, devtest.NewFrom(t, "kinds", migrate).AppURL)
				if _, err := db.Exec(`INSERT INTO kinds VALUES ('scan')`); err != nil {
					t.Fatal(err)
				}
				var n int
				if err := db.QueryRow(`SELECT count(*) FROM kinds`).Scan(&n); err != nil || n != 2 {
					t.Fatalf("%d rows (%v), want the template's and the test's own", n, err)
				}
			})
		}
	})
	if runs.Load() != 1 {
		t.Fatalf("the schema was made %d times, want once", runs.Load())
	}
}

// A private stack can be killed without harm to the shared one.
func TestNewPrivateIsApart(t *testing.T) {
	shared, private := devtest.New(t), devtest.NewPrivate(t)
	private.Stack.Postgres().Kill()
	if err := open(t, private.AppURL).Ping(); err == nil {
		t.Fatal("the killed database answers")
	}
	if err := open(t, shared.AppURL).Ping(); err != nil {
		t.Fatalf("the shared database is gone, too: %v", err)
	}
}

func BenchmarkNew(b *testing.B) {
	for range b.N {
		devtest.New(b)
	}
}
