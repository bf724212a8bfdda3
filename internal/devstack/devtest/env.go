//go:build unix && !nodevstack

package devtest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/internal/devstack"
)

// Origin is the one browser origin that test buckets allow.
const Origin = "http://console.example"

// patience bounds each piece of work on the stack; a machine under load is slow, not broken.
const patience = time.Minute

// Env is what one test has to itself: a database and a bucket, on a stack.
type Env struct {
	Database string // its name
	OwnerURL string // as devstack.OwnerRole: migrations
	AppURL   string // as devstack.AppRole: what the server uses
	AdminURL string // as superuser: what no part of the server may do

	Bucket    string
	Endpoint  string
	Region    string
	AccessKey string
	SecretKey string

	Stack *devstack.Stack // shared by the tests of a binary unless the Env comes from NewPrivate; do not stop or kill a shared one
}

// Environ returns the KEY=value lines with which a server uses this database and bucket.
func (e *Env) Environ() []string {
	return []string{
		"BONFIRE_DATABASE_URL=" + e.AppURL,
		"BONFIRE_MIGRATE_DATABASE_URL=" + e.OwnerURL,
		"BONFIRE_S3_BUCKET=" + e.Bucket,
		"BONFIRE_S3_ENDPOINT=" + e.Endpoint,
		"BONFIRE_S3_REGION=" + e.Region,
		"BONFIRE_S3_PATH_STYLE=true",
		"AWS_ACCESS_KEY_ID=" + e.AccessKey,
		"AWS_SECRET_ACCESS_KEY=" + e.SecretKey,
	}
}

var serial atomic.Int64

// New gives the test an empty database and an empty bucket on the shared stack; both go when the test ends, with the sessions that are still
// open on the database. It may be called from parallel tests and more than once.
func New(t testing.TB) *Env {
	t.Helper()
	return fresh(t, sharedStack(t), "")
}

// template is a database that migrate has been run on, once.
type template struct {
	once sync.Once
	name string
	err  error
}

var templates sync.Map // key -> *template

// NewFrom is New with a database on which migrate has been run: the first call with a key runs it on a template database, and every test
// gets a copy, which costs much less than migrating. Calls with one key must mean the same schema. migrate must close what it opens.
func NewFrom(t testing.TB, key string, migrate func(ctx context.Context, ownerURL string) error) *Env {
	t.Helper()
	stack := sharedStack(t)
	found, _ := templates.LoadOrStore(key, &template{})
	tpl := found.(*template)
	tpl.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		tpl.name = fmt.Sprintf("template_%d", serial.Add(1))
		var ownerURL string
		if ownerURL, _, tpl.err = stack.Postgres().CreateDatabase(ctx, tpl.name); tpl.err == nil {
			tpl.err = migrate(ctx, ownerURL)
		}
	})
	if tpl.err != nil {
		t.Fatalf("prepare the template database %q: %v", key, tpl.err)
	}
	return fresh(t, stack, tpl.name)
}

// NewPrivate gives the test a stack of its own, which it may stop, kill and restart; database and bucket are those that Start makes. It costs
// most of a second.
func NewPrivate(t testing.TB) *Env {
	t.Helper()
	dir := Dir(t)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	stack, err := devstack.Start(ctx, options(dir))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		revive(stack.Postgres())
		if err := stack.Stop(context.Background()); err != nil {
			t.Errorf("stop the test's own stack: %v", err)
		}
	})
	return describe(stack, devstack.Database, devstack.Bucket)
}

// fresh makes a database, from a template unless that is "", and a bucket.
func fresh(t testing.TB, stack *devstack.Stack, from string) *Env {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	n := serial.Add(1)
	database, bucket := fmt.Sprintf("test_%d", n), fmt.Sprintf("test-%d", n)
	var err error
	if from == "" {
		_, _, err = stack.Postgres().CreateDatabase(ctx, database)
	} else {
		_, _, err = stack.Postgres().CreateDatabaseFrom(ctx, database, from)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := stack.S3().CreateBucket(ctx, bucket); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := stack.Postgres().DropDatabase(ctx, database); err != nil {
			t.Errorf("drop the test's database: %v", err)
		}
		// The bucket stays until the binary ends: its objects cost only their own size.
	})
	return describe(stack, database, bucket)
}

func describe(stack *devstack.Stack, database, bucket string) *Env {
	access, secret := stack.S3().Credentials()
	pg := stack.Postgres()
	return &Env{
		Database: database, OwnerURL: pg.OwnerURL(database), AppURL: pg.AppURL(database), AdminURL: pg.AdminURL(database),
		Bucket: bucket, Endpoint: stack.S3().URL(), Region: devstack.Region, AccessKey: access, SecretKey: secret,
		Stack: stack,
	}
}
