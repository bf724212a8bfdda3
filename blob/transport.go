package blob

import (
	"context"
	"math/rand/v2"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/logging"

	"github.com/bonfiredb/bonfire/clinical"
)

const (
	maxAttempts = 4
	firstPause  = 100 * time.Millisecond
)

// connect makes the two clients: one that talks to the store, one that only
// signs URLs, which may carry another endpoint.
func (b *Bucket) connect(ctx context.Context) error {
	cfg, err := config.LoadDefaultConfig(ctx,
		config.WithRegion(b.cfg.Region),
		config.WithCredentialsProvider(b.cfg.Credentials),
		config.WithHTTPClient(httpClient(b.cfg.MaxConns)),
		config.WithLogger(logging.Nop{}), // the SDK logs requests, and requests hold keys
	)
	if err != nil {
		return clinical.Fail(clinical.Invalid, "the AWS configuration cannot be read", err)
	}
	if c, ok := cfg.HTTPClient.(*awshttp.BuildableClient); ok { // by now with the authorities of AWS_CA_BUNDLE
		cfg.HTTPClient = c.WithTransportOptions(direct)
	}
	if cfg.Region == "" {
		return clinical.Bad("region", "a region is required")
	}
	b.client = s3.NewFromConfig(cfg, b.options(b.cfg.Endpoint), func(o *s3.Options) {
		o.APIOptions = append(o.APIOptions, b.calls.count)
	})
	public := b.cfg.PublicEndpoint
	if public == "" {
		public = b.cfg.Endpoint
	}
	b.presign = s3.NewPresignClient(s3.NewFromConfig(cfg, b.options(public)))
	return nil
}

// options is what both clients share. The SDK's own checksums are off: bodies
// bring theirs, and a second one would read them a second time.
func (b *Bucket) options(endpoint string) func(*s3.Options) {
	return func(o *s3.Options) {
		if endpoint != "" {
			o.BaseEndpoint = aws.String(endpoint)
		}
		o.UsePathStyle = b.cfg.PathStyle
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		o.DisableLogOutputChecksumValidationSkipped = true
		o.Retryer = retry.NewStandard(func(r *retry.StandardOptions) { r.Backoff = retry.BackoffDelayerFunc(pause) })
		o.RetryMaxAttempts = maxAttempts // even where AWS_MAX_ATTEMPTS is set
	}
}

// pause doubles from firstPause, with half of it random so that replicas do
// not come back in step. All four attempts wait for less than a second:
// longer patience belongs to the caller, who can see the upload's lease and
// the client.
func pause(attempt int, _ error) (time.Duration, error) {
	d := firstPause << min(max(attempt-1, 0), maxAttempts)
	return d/2 + rand.N(d/2), nil
}

// httpClient speaks HTTP/1.1 only: parts are large and parallel, and one TCP
// connection each is faster than streams that share a window. It keeps as many
// idle connections as may be busy, or bursts of parts would dial anew.
func httpClient(conns int) *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().
		WithDialerOptions(func(d *net.Dialer) { d.Timeout = 5 * time.Second }).
		WithTransportOptions(func(t *http.Transport) {
			t.Protocols = new(http.Protocols)
			t.Protocols.SetHTTP1(true)
			t.ForceAttemptHTTP2 = false
			t.MaxConnsPerHost = conns
			t.MaxIdleConns = conns
			t.MaxIdleConnsPerHost = conns
			t.WriteBufferSize = 64 << 10
			t.ReadBufferSize = 64 << 10
			t.TLSHandshakeTimeout = 10 * time.Second
			// Assembling a large object answers only when it is done.
			t.ResponseHeaderTimeout = time.Minute
			t.DisableCompression = true
		})
}

// unsigned makes the signature say UNSIGNED-PAYLOAD on plain http too, where
// the SDK would read the body once more for its SHA-256. The body's checksum
// header is signed, so the bytes are still bound to the request.
var unsigned = s3.WithAPIOptions(v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware)
