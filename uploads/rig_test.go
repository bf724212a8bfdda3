package uploads_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/bonfiredb/bonfire/blob"
	"github.com/bonfiredb/bonfire/internal/clinictest"
	"github.com/bonfiredb/bonfire/internal/faultproxy"
	"github.com/bonfiredb/bonfire/ledger"
	"github.com/bonfiredb/bonfire/records"
	"github.com/bonfiredb/bonfire/store"
	"github.com/bonfiredb/bonfire/uploads"
)

// rig is a further replica of a server which reaches S3 and Postgres through
// proxies that break them.
type rig struct {
	*server
	s3    *faultproxy.S3
	pg    *faultproxy.Postgres
	close func() // again is no harm
}

// short is a lease that does not keep a test waiting.
func short(o *ledger.Options) {
	o.LeaseLife, o.Heartbeat = 500*time.Millisecond, 120*time.Millisecond
}

// steady is a lease that even a busy machine keeps, for tests in which nobody dies.
func steady(o *ledger.Options) { o.LeaseLife, o.Heartbeat = time.Minute, 20*time.Second }

// rigUp builds a rig on the database and bucket of s.
func (s *server) rigUp(t testing.TB, judge faultproxy.Judge, change ...func(*ledger.Options)) *rig {
	t.Helper()
	ctx, quiet := context.Background(), slog.New(slog.DiscardHandler)
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	r := &rig{}
	var err error
	r.s3, err = faultproxy.NewS3(s.Env.Endpoint, judge)
	check(err)
	r.pg, err = faultproxy.NewPostgres(s.Env.AppURL, judge)
	check(err)
	c := *s.Clinic
	c.Store, err = store.Open(ctx, r.pg.URL, store.Options{MaxConns: 6})
	check(err)
	c.Bucket, err = blob.Open(ctx, blob.Config{
		Bucket: s.Env.Bucket, Endpoint: r.s3.URL, PublicEndpoint: s.Env.Endpoint, Region: s.Env.Region, PathStyle: true, FullObjectCRC: true,
		Credentials: credentials.NewStaticCredentialsProvider(s.Env.AccessKey, s.Env.SecretKey, ""),
	})
	check(err)
	budget, err := ledger.NewBudget(64<<20, t.TempDir())
	check(err)
	lo := ledger.Options{Store: c.Store, Bucket: c.Bucket, Budget: budget, Log: quiet}
	short(&lo)
	for _, ch := range change {
		ch(&lo)
	}
	c.Ledger = ledger.New(lo)
	o := s.Records.Options
	o.Store, o.Bucket, o.Ledger = c.Store, c.Bucket, c.Ledger
	c.Records = records.New(o)
	r.server = serveClinic(t, &c, func(o *uploads.Options) { o.Authenticate = s.principals() })
	r.close = sync.OnceFunc(func() {
		r.stop()
		r.pg.Close()
		_ = c.Store.Close()
		r.s3.Close()
	})
	t.Cleanup(r.close)
	return r
}

// quick is a clinic whose leases are short.
func quick() clinictest.Setup { return clinictest.Setup{Ledger: short} }
