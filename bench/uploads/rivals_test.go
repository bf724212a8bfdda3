package uploads

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/tus/tusd/v2/pkg/handler"
	"github.com/tus/tusd/v2/pkg/memorylocker"
	"github.com/tus/tusd/v2/pkg/s3store"
	xslog "golang.org/x/exp/slog"

	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/internal/devstack"
	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
)

// rival is a way to bring bytes into the bucket.
type rival struct {
	name   string
	sender sender
	server *process // nil where the client itself speaks to S3
	// database are the processes of its Postgres.
	database func() []int
}

// maker starts a rival that stores at url.
type maker func(b *testing.B, g *gateway, url string) *rival

// sender uploads content in pieces of the given size; 0 is one piece.
type sender interface {
	send(ctx context.Context, content []byte, piece int) error
}

// direct is the SDK's own uploader, without a server in between.
type direct struct {
	up *transfermanager.Client
	n  atomic.Int64
}

func newDirect(_ *testing.B, g *gateway, url string) *rival {
	return &rival{name: "sdk", sender: &direct{up: transfermanager.New(g.client(&url))}}
}

func (d *direct) send(ctx context.Context, content []byte, _ int) error {
	_, err := d.up.UploadObject(ctx, &transfermanager.UploadObjectInput{
		Bucket: aws.String(bucket), Key: aws.String(fmt.Sprintf("direct/%d", d.n.Add(1))), Body: bytes.NewReader(content),
	})
	return err
}

// newTusd is tusd as it comes, with its S3 store, in a process of its own.
func newTusd(b *testing.B, g *gateway, url string) *rival {
	p := launch(b, "tusd", g.environ(url), "tusd ")
	return &rival{name: "tusd", server: p, sender: &tus{client: pooled(), url: p.said}}
}

func runTusd(ctx context.Context) error {
	client, err := storage(ctx)
	if err != nil {
		return err
	}
	composer := handler.NewStoreComposer()
	st := s3store.New(bucket, client)
	st.ObjectPrefix = "tusd/"
	st.UseIn(composer)
	memorylocker.New().UseIn(composer)
	h, err := handler.NewHandler(handler.Config{BasePath: "/", StoreComposer: composer, Logger: xslog.New(silent{})})
	if err != nil {
		return err
	}
	return answer(ctx, "tusd", h)
}

// storage is the S3 server, as the environment names it.
func storage(ctx context.Context) (*s3.Client, error) {
	conf, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	return s3.NewFromConfig(conf, func(o *s3.Options) {
		o.UsePathStyle, o.BaseEndpoint = true, aws.String(os.Getenv("S3_URL"))
	}), nil
}

// answer serves h until ctx ends, and prints the role and its address first.
func answer(ctx context.Context, role string, h http.Handler) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := &http.Server{Handler: h}
	context.AfterFunc(ctx, func() { _ = s.Close() })
	fmt.Printf("%s http://%s/\n", role, l.Addr())
	if err := s.Serve(l); ctx.Err() == nil {
		return err
	}
	return nil
}

type silent struct{}

func (silent) Enabled(context.Context, xslog.Level) bool  { return false }
func (silent) Handle(context.Context, xslog.Record) error { return nil }
func (s silent) WithAttrs([]xslog.Attr) xslog.Handler     { return s }
func (s silent) WithGroup(string) xslog.Handler           { return s }

// newOurs is this project as it is deployed: `bonfire serve` with ledger, gate,
// audit and seals, its uploads opened by a signed-in clinician and sent under
// the upload token.
func newOurs(b *testing.B, g *gateway, url string) *rival {
	return newReplica(b, g, url, durable(b), b.TempDir())
}

// durable is a Postgres with fsync, as it is deployed.
func durable(b *testing.B) *devstack.Postgres {
	b.Helper()
	db, err := devstack.StartPostgres(b.Context(), devstack.PostgresOptions{Dir: devtest.Dir(b)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Stop(context.Background()) })
	return db
}

// newReplica is one of the servers that share a database and a data directory.
func newReplica(b *testing.B, g *gateway, url string, db *devstack.Postgres, data string) *rival {
	addr := freeAddress(b)
	env := append(append(g.environ(url), db.Env()...),
		"BONFIRE_S3_BUCKET="+bucket, "BONFIRE_S3_ENDPOINT="+url, "BONFIRE_S3_REGION="+region, "BONFIRE_S3_PATH_STYLE=true",
		"BONFIRE_ADDR="+addr, "BONFIRE_PUBLIC_URL=http://"+addr, "BONFIRE_LOG_LEVEL=WARN",
		"BONFIRE_DEV_KEY=a-key-that-opens-nothing-but-this-benchmark", "BONFIRE_SPOOL_DIR="+b.TempDir(),
	)
	p := launch(b, "bonfire", env, "Bonfire files: ", "serve", "--dev", "--data", data)
	token := launch(b, "bonfire", env, "", "dev", "token", "clinician", "--data", data).said
	meta := "patientId " + encode(string(demo.Patient)) + ",kind " + encode("raw") + ",filetype " + encode("application/octet-stream")
	return &rival{
		name: "bonfire", server: p, database: func() []int { return family(db.PID()) },
		sender: &tus{client: pooled(), url: p.said + "/uploads/", header: map[string]string{"Upload-Metadata": meta, "Authorization": "Bearer " + token}},
	}
}

func encode(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
