package clinictest

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/blob"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
	"github.com/bonfiredb/bonfire/ledger"
	"github.com/bonfiredb/bonfire/policy"
	"github.com/bonfiredb/bonfire/records"
	"github.com/bonfiredb/bonfire/signing"
	"github.com/bonfiredb/bonfire/store"
)

// Clinic is the demo clinic on servers of its own.
type Clinic struct {
	Env     *devtest.Env
	Store   *store.DB
	Bucket  *blob.Bucket
	Gate    *policy.Engine
	Ledger  *ledger.Engine
	Records *records.Records
	Keys    *signing.Keys
	t       testing.TB
}

// Setup is what a test may want otherwise.
type Setup struct {
	Ledger  func(*ledger.Options)
	Records func(*records.Options)
	Blob    func(*blob.Config)
	Store   func(*store.Options)
	// Env is a stack of the test's own; nil takes the shared one.
	Env *devtest.Env
}

// New makes a clinic; the package's TestMain must be devtest.Main.
func New(t testing.TB, setups ...Setup) *Clinic {
	t.Helper()
	var s Setup
	if len(setups) > 0 {
		s = setups[0]
	}
	if s.Env == nil {
		s.Env = Env(t)
	}
	c := &Clinic{Env: s.Env, t: t}
	c.Open(s)
	return c
}

// Env is a fresh database with the schema, and a bucket, for a Setup that
// changes how they are reached.
func Env(t testing.TB) *devtest.Env {
	t.Helper()
	return devtest.NewFrom(t, "clinic", prepare)
}

// PrivateEnv is Env on servers of the test's own, which it may stop and kill.
func PrivateEnv(t testing.TB) *devtest.Env {
	t.Helper()
	env := devtest.NewPrivate(t)
	if err := prepare(t.Context(), env.OwnerURL); err != nil {
		t.Fatal(err)
	}
	return env
}

func prepare(ctx context.Context, ownerURL string) error {
	_, err := store.Migrate(ctx, ownerURL)
	return err
}

// Open connects a further replica's rooms to the same database and bucket.
func (c *Clinic) Open(s Setup) {
	t, ctx := c.t, c.t.Context()
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	var err error
	var so store.Options
	if s.Store != nil {
		s.Store(&so)
	}
	c.Store, err = store.Open(ctx, c.Env.AppURL, so)
	c.must(err)
	t.Cleanup(func() { _ = c.Store.Close() })
	c.must(demo.Seed(ctx, c.Store, time.Now()))
	conf := blob.Config{
		Bucket: c.Env.Bucket, Endpoint: c.Env.Endpoint, Region: c.Env.Region, PathStyle: true, FullObjectCRC: true,
		Credentials: credentials.NewStaticCredentialsProvider(c.Env.AccessKey, c.Env.SecretKey, ""),
	}
	if s.Blob != nil {
		s.Blob(&conf)
	}
	c.Bucket, err = blob.Open(ctx, conf)
	c.must(err)
	c.Gate, err = policy.Default()
	c.must(err)
	budget, err := ledger.NewBudget(64<<20, t.TempDir())
	c.must(err)
	lo := ledger.Options{Store: c.Store, Bucket: c.Bucket, Budget: budget, Log: quiet}
	if s.Ledger != nil {
		s.Ledger(&lo)
	}
	c.Ledger = ledger.New(lo)
	key, err := signing.GenerateKey()
	c.must(err)
	c.Keys, err = signing.ParseKeys(key)
	c.must(err)
	ro := records.Options{Keys: c.Keys, Store: c.Store, Gate: c.Gate, Bucket: c.Bucket, Ledger: c.Ledger, PublicURL: "http://127.0.0.1", Log: quiet}
	if s.Records != nil {
		s.Records(&ro)
	}
	c.Records = records.New(ro)
}

func (c *Clinic) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// As is a demo principal, as a request of theirs would be.
func (c *Clinic) As(name string) clinical.Actor {
	c.t.Helper()
	var a clinical.Actor
	tenant, id, err := c.Store.MemberOfLogin(c.t.Context(), auth.DevIssuer, name)
	c.must(err)
	c.must(c.Store.InTx(c.t.Context(), tenant, func(ctx context.Context, tx *store.Tx) (err error) {
		a, err = tx.Actor(ctx, id)
		return err
	}))
	a.Session = clinical.Session{Purpose: a.DefaultPurpose(), MFA: true, RequestID: "test-request"}
	return a
}
