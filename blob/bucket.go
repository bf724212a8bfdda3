package blob

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/bonfiredb/bonfire/clinical"
)

// Config says which bucket, and how to talk to it.
type Config struct {
	// Bucket is the bucket's name. Required.
	Bucket string
	// Endpoint is the store's http or https URL; "" is AWS itself, or what
	// AWS_ENDPOINT_URL_S3 names.
	Endpoint string
	// Region is the bucket's region; "" takes AWS_REGION or the shared profile.
	Region string
	// Prefix is put before every key, with one slash between; "" for none.
	Prefix string
	// PathStyle addresses the bucket in the path instead of the host name, as
	// most stores other than AWS want it.
	PathStyle bool
	// KMSKeyID makes every object SSE-KMS encrypted under this key: a key id, a
	// key ARN, an alias ("alias/...") or an alias ARN. "" leaves encryption to
	// the bucket's own default.
	KMSKeyID string
	// PublicEndpoint is the endpoint in presigned URLs, where clients reach the
	// store by another name than the server does; "" is Endpoint.
	PublicEndpoint string
	// FullObjectCRC asks the store to verify CRC32C on every part and over
	// the whole object at assembly. Set it, except for a store that does not
	// know this algorithm: bodies then carry Content-MD5 (RFC 1864), and the
	// whole is checked here, by combining the CRCs of its parts.
	FullObjectCRC bool
	// MaxConns bounds the connections to the store, busy and idle; 0 is 64. A
	// reader from Get holds one until it is closed.
	MaxConns int
	// Credentials signs the requests; nil is the standard AWS_* chain.
	Credentials aws.CredentialsProvider
}

// Bucket is one S3 bucket, safe for concurrent use.
type Bucket struct {
	cfg     Config
	client  *s3.Client
	presign *s3.PresignClient
	calls   tally
}

// Open prepares a Bucket. It makes no call to the store (Check does). Kinds:
// Invalid with the field of Config at fault.
func Open(ctx context.Context, c Config) (*Bucket, error) {
	if c.Bucket == "" {
		return nil, clinical.Bad("bucket", "a bucket name is required")
	}
	if !httpURL(c.Endpoint) {
		return nil, clinical.Bad("endpoint", "must be an http or https URL")
	}
	if !httpURL(c.PublicEndpoint) {
		return nil, clinical.Bad("publicEndpoint", "must be an http or https URL")
	}
	if c.MaxConns <= 0 {
		c.MaxConns = 64
	}
	if c.Prefix = strings.Trim(c.Prefix, "/"); c.Prefix != "" {
		c.Prefix += "/"
	}
	b := &Bucket{cfg: c}
	if err := b.connect(ctx); err != nil {
		return nil, err
	}
	return b, nil
}

// Check asks whether the bucket is there and lets us in (HeadBucket). Kinds:
// Unavailable.
func (b *Bucket) Check(ctx context.Context) error {
	_, err := b.client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &b.cfg.Bucket})
	err = failure(err)
	if errors.Is(err, ErrNotFound) {
		return fail(errNoBucket, err)
	}
	return err
}

// key is the full key of a key relative to the prefix.
func (b *Bucket) key(relative string) *string { return aws.String(b.cfg.Prefix + relative) }

// relative is the inverse of key.
func (b *Bucket) relative(key *string) string {
	return strings.TrimPrefix(aws.ToString(key), b.cfg.Prefix)
}

// httpURL accepts "" too: every endpoint is optional.
func httpURL(s string) bool {
	if s == "" {
		return true
	}
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}
