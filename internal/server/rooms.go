package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/blob"
	"github.com/bonfiredb/bonfire/events"
	"github.com/bonfiredb/bonfire/internal/config"
	"github.com/bonfiredb/bonfire/ledger"
	"github.com/bonfiredb/bonfire/policy"
	"github.com/bonfiredb/bonfire/records"
	"github.com/bonfiredb/bonfire/signing"
	"github.com/bonfiredb/bonfire/store"
)

// Options are what a server is built from.
type Options struct {
	Config config.Config
	// Dev is `serve --dev`: development tokens, playground and introspection
	// unless the configuration says otherwise.
	Dev bool
	// DevKey is the key of development tokens; used with Dev only.
	DevKey []byte
	// Origins are web origins that may call the API beside the configured ones.
	Origins []string
	// Credentials sign the requests to S3; nil takes the SDK's own chain.
	Credentials aws.CredentialsProvider
	Log         *slog.Logger
}

// Rooms are the rooms of one server: the means, the verbs and the gate.
type Rooms struct {
	Store   *store.DB
	Bucket  *blob.Bucket
	Budget  *ledger.Budget
	Ledger  *ledger.Engine
	Records *records.Records
	Auth    *auth.Authenticator

	webhook *events.Webhook // nil without a URL
	oidc    *auth.OIDC      // nil without an identity provider
	keys    *signing.Keys   // nil without BONFIRE_SIGNING_KEYS
	log     *slog.Logger
}

// Open builds the rooms. It fails when the database does not answer, and when
// policies, kinds or other settings make no sense; it asks nothing else of the
// outside: that is [Rooms.Check].
func Open(ctx context.Context, o Options) (_ *Rooms, err error) {
	c := o.Config
	r := &Rooms{log: o.Log}
	gate, err := Gate(c.PolicyDir)
	if err != nil {
		return nil, err
	}
	kinds, err := kindsOf(c.KindsFile)
	if err != nil {
		return nil, err
	}
	if r.Bucket, err = blob.Open(ctx, bucketConfig(c, o.Credentials)); err != nil {
		return nil, fmt.Errorf("BONFIRE_S3_*: %w", err)
	}
	if r.Budget, err = ledger.NewBudget(int64(c.SpoolMemory), c.SpoolDir); err != nil {
		return nil, fmt.Errorf("BONFIRE_SPOOL_DIR: %w", err)
	}
	if r.Store, err = store.Open(ctx, c.DatabaseURL.Reveal(), store.Options{Log: o.Log, Debug: o.Log.Enabled(ctx, slog.LevelDebug)}); err != nil {
		return nil, fmt.Errorf("BONFIRE_DATABASE_URL: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.Close())
		}
	}()
	if r.Auth, err = r.authenticator(o); err != nil {
		return nil, err
	}
	if r.keys, err = signingKeys(c.SigningKeys, o.Log); err != nil {
		return nil, err
	}
	r.Ledger = ledger.New(ledger.Options{
		Store: r.Store, Bucket: r.Bucket, Budget: r.Budget, PartSize: int64(c.PartSize), SHA1: ledger.SHA1(c.SHA1), Log: o.Log,
	})
	r.Records = records.New(records.Options{
		Store: r.Store, Gate: gate, Bucket: r.Bucket, Ledger: r.Ledger, PublicURL: c.PublicURL,
		LinkTTL: c.LinkTTL, LinkTTLMax: c.LinkTTLMax, UploadTTL: c.UploadTTL, Kinds: kinds, Keys: r.keys, Log: o.Log,
	})
	return r, r.openWebhook(c)
}

// openWebhook makes what tells of events, where the configuration wants it.
func (r *Rooms) openWebhook(c config.Config) error {
	if c.WebhookURL == "" {
		return nil
	}
	soon, _, err := r.Records.Announced()
	r.webhook = events.NewWebhook(events.WebhookOptions{
		URL: c.WebhookURL, Secret: c.WebhookSecret.Reveal(), Outbox: r.Records.Outbox(), Soon: soon, Log: r.log,
	})
	return err
}

// Close gives the connections back.
func (r *Rooms) Close() error { return r.Store.Close() }

// Check refuses to serve from what is not safe to serve from: a role that
// row-level security does not hold, pending migrations, a bucket that is not
// there, a store that takes the order to encrypt and does not.
func (r *Rooms) Check(ctx context.Context) error {
	if err := r.Store.Check(ctx); err != nil {
		return fmt.Errorf("BONFIRE_DATABASE_URL: %w", err)
	}
	if err := r.Bucket.Check(ctx); err != nil {
		return fmt.Errorf("BONFIRE_S3_BUCKET: %w", err)
	}
	if err := r.Bucket.VerifyEncryption(ctx); err != nil {
		return fmt.Errorf("BONFIRE_KMS_KEY_ID: %w", err)
	}
	if r.oidc != nil {
		if err := r.oidc.Ready(ctx); err != nil { // it may come up later; until then its tokens get 503
			r.log.WarnContext(ctx, "the identity provider does not answer", "error", err)
		}
	}
	return nil
}

func (r *Rooms) authenticator(o Options) (*auth.Authenticator, error) {
	verifiers := []auth.Verifier{auth.KeysOf(r.Store)}
	if o.Dev {
		tokens, err := auth.NewDevTokens(o.DevKey, time.Now)
		if err != nil {
			return nil, err
		}
		verifiers = append(verifiers, tokens)
	}
	if o.Config.OIDCIssuer != "" {
		r.oidc = auth.NewOIDC(o.Config.OIDCIssuer, o.Config.OIDCAudience, time.Now)
		verifiers = append(verifiers, r.oidc)
	}
	return auth.New(auth.MembersOf(r.Store), verifiers...), nil
}

func bucketConfig(c config.Config, credentials aws.CredentialsProvider) blob.Config {
	return blob.Config{
		Bucket: c.S3Bucket, Endpoint: c.S3Endpoint, PublicEndpoint: c.S3Public, Region: c.S3Region, Prefix: c.S3Prefix,
		PathStyle: c.S3PathStyle, KMSKeyID: c.KMSKeyID, FullObjectCRC: c.S3CRC32C, Credentials: credentials,
	}
}

// Gate is the engine of the policy set in a directory, the shipped one for "".
// The error lists what is wrong with it.
func Gate(dir string) (*policy.Engine, error) {
	if dir == "" {
		return policy.Default()
	}
	gate, err := policy.Load(os.DirFS(dir))
	if err != nil {
		return nil, fmt.Errorf("BONFIRE_POLICY_DIR: %w", err)
	}
	return gate, nil
}
