package server

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/bonfiredb/bonfire/blob"
	"github.com/bonfiredb/bonfire/fhir"
	"github.com/bonfiredb/bonfire/internal/config"
	"github.com/bonfiredb/bonfire/records"
	"github.com/bonfiredb/bonfire/store"
)

// Trail is what the commands of the audit trail work with: the verbs over a
// server's database, bucket and gate, and the addresses that it renders events
// with.
type Trail struct {
	Store   *store.DB
	Bucket  *blob.Bucket
	Records *records.Records
	FHIR    fhir.Renderer

	config      config.Config
	credentials aws.CredentialsProvider
}

// OpenTrail opens the trail. It asks nothing of database or bucket but whether
// the database answers: a trail is to be checked even where a server would
// refuse to serve.
func OpenTrail(ctx context.Context, c config.Config, credentials aws.CredentialsProvider, log *slog.Logger) (*Trail, error) {
	gate, err := Gate(c.PolicyDir)
	if err != nil {
		return nil, err
	}
	t := &Trail{FHIR: renderer(c.PublicURL, c.FHIRSystems), config: c, credentials: credentials}
	if t.Bucket, err = blob.Open(ctx, bucketConfig(c, credentials)); err != nil {
		return nil, fmt.Errorf("BONFIRE_S3_*: %w", err)
	}
	if t.Store, err = store.Open(ctx, c.DatabaseURL.Reveal(), store.Options{Log: log, MaxConns: 4}); err != nil {
		return nil, fmt.Errorf("BONFIRE_DATABASE_URL: %w", err)
	}
	t.Records = records.New(records.Options{Store: t.Store, Gate: gate, Bucket: t.Bucket, Log: log})
	return t, nil
}

// Check refuses a database that a server would refuse to serve from, for the
// commands that write.
func (t *Trail) Check(ctx context.Context) error {
	if err := t.Store.Check(ctx); err != nil {
		return fmt.Errorf("BONFIRE_DATABASE_URL: %w", err)
	}
	return nil
}

// Logs opens another bucket of the same store, where access logs are delivered.
func (t *Trail) Logs(ctx context.Context, bucket string) (*blob.Bucket, error) {
	c := bucketConfig(t.config, t.credentials)
	c.Bucket, c.Prefix = bucket, ""
	return blob.Open(ctx, c)
}

// Close gives the connections back.
func (t *Trail) Close() error { return t.Store.Close() }
