package uploads

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/tus/tusd/v2/pkg/handler"
	"github.com/tus/tusd/v2/pkg/memorylocker"
	"github.com/tus/tusd/v2/pkg/s3store"
	xslog "golang.org/x/exp/slog"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/internal/clinictest"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
	"github.com/bonfiredb/bonfire/uploads"
)

func TestMain(m *testing.M) { devtest.Main(m) }

// rival is a way to bring bytes into the bucket.
type rival interface {
	// send uploads content in pieces of the given size; 0 is one piece.
	send(ctx context.Context, content []byte, piece int) error
	// traffic is the S3 requests made and bytes sent to S3 since the start.
	traffic() (calls, sent int64)
}

// counter counts what goes to S3.
type counter struct{ calls, sent atomic.Int64 }

func (c *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	c.calls.Add(1)
	c.sent.Add(max(0, r.ContentLength))
	return http.DefaultTransport.RoundTrip(r)
}

func (c *counter) traffic() (calls, sent int64) { return c.calls.Load(), c.sent.Load() }

func s3Client(env *devtest.Env, c *counter) *s3.Client {
	return s3.New(s3.Options{
		Region: env.Region, BaseEndpoint: aws.String(env.Endpoint), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(env.AccessKey, env.SecretKey, ""),
		HTTPClient:  &http.Client{Transport: c},
	})
}

// direct is the SDK's own uploader, without a server in between.
type direct struct {
	counter
	bucket string
	up     *transfermanager.Client
	n      atomic.Int64
}

func newDirect(env *devtest.Env) *direct {
	d := &direct{bucket: env.Bucket}
	d.up = transfermanager.New(s3Client(env, &d.counter))
	return d
}

func (d *direct) send(ctx context.Context, content []byte, _ int) error {
	_, err := d.up.UploadObject(ctx, &transfermanager.UploadObjectInput{
		Bucket: &d.bucket, Key: aws.String(fmt.Sprintf("direct/%d", d.n.Add(1))), Body: bytes.NewReader(content),
	})
	return err
}

// tus speaks to a tus server.
type tus struct {
	url    string
	header map[string]string
	count  func() (calls, sent int64)
}

func (t *tus) traffic() (calls, sent int64) { return t.count() }

func (t *tus) send(ctx context.Context, content []byte, piece int) error {
	at, err := t.do(ctx, http.MethodPost, t.url, nil, map[string]string{"Upload-Length": strconv.Itoa(len(content))})
	if err != nil {
		return err
	}
	if piece == 0 {
		piece = len(content)
	}
	for from := 0; from < len(content); from += piece {
		end := min(from+piece, len(content))
		if _, err := t.do(ctx, http.MethodPatch, at, content[from:end], map[string]string{
			"Upload-Offset": strconv.Itoa(from), "Content-Type": "application/offset+octet-stream",
		}); err != nil {
			return err
		}
	}
	return nil
}

func (t *tus) do(ctx context.Context, method, url string, body []byte, more map[string]string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Tus-Resumable", "1.0.0")
	for _, h := range []map[string]string{t.header, more} {
		for k, v := range h {
			req.Header.Set(k, v)
		}
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }()
	b, _ := io.ReadAll(res.Body)
	if res.StatusCode >= 300 {
		return "", fmt.Errorf("%s %s: %s", method, res.Status, b)
	}
	return res.Header.Get("Location"), nil
}

// newTusd is tusd as it comes, with its S3 store.
func newTusd(b *testing.B, env *devtest.Env) *tus {
	c := &counter{}
	composer := handler.NewStoreComposer()
	st := s3store.New(env.Bucket, s3Client(env, c))
	st.ObjectPrefix = "tusd/"
	st.UseIn(composer)
	memorylocker.New().UseIn(composer)
	h, err := handler.NewHandler(handler.Config{BasePath: "/", StoreComposer: composer, Logger: xslog.New(silent{})})
	if err != nil {
		b.Fatal(err)
	}
	s := httptest.NewServer(h)
	b.Cleanup(s.Close)
	return &tus{url: s.URL + "/", count: c.traffic}
}

type silent struct{}

func (silent) Enabled(context.Context, xslog.Level) bool  { return false }
func (silent) Handle(context.Context, xslog.Record) error { return nil }
func (s silent) WithAttrs([]xslog.Attr) xslog.Handler     { return s }
func (s silent) WithGroup(string) xslog.Handler           { return s }

// newOurs is this project: the same protocol, with its ledger, gate and audit.
func newOurs(b *testing.B, c *clinictest.Clinic) *tus {
	mux := http.NewServeMux()
	s := httptest.NewServer(mux)
	b.Cleanup(s.Close)
	actor := c.As("clinician")
	edge, err := uploads.New(uploads.Options{
		Records: c.Records, PublicURL: s.URL,
		Authenticate: func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				next.ServeHTTP(w, r.WithContext(auth.WithActor(r.Context(), actor)))
			})
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	mux.Handle(uploads.BasePath, edge)
	meta := "patientId " + base64(string(demo.Patient)) + ",kind " + base64("raw") + ",filetype " + base64("application/octet-stream")
	return &tus{url: s.URL + uploads.BasePath, header: map[string]string{"Upload-Metadata": meta}, count: func() (calls, sent int64) {
		for op, n := range c.Bucket.Calls() {
			if !strings.HasSuffix(op, ".attempts") {
				calls += n
			}
		}
		return calls, -1
	}}
}
