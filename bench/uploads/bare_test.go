package uploads

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// newBare is the least that a server between client and S3 can do for a file
// whose SHA-256 it is to know: hash what it receives and pass it to the SDK's
// uploader. Nothing of it survives a cut, and nobody is asked.
func newBare(b *testing.B, g *gateway, url string) *rival {
	p := launch(b, "bare", g.environ(url), "bare ")
	return &rival{name: "bare", server: p, sender: &put{client: pooled(), url: p.said}}
}

func runBare(ctx context.Context) error {
	conf, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	up := transfermanager.New(s3.NewFromConfig(conf, func(o *s3.Options) {
		o.UsePathStyle, o.BaseEndpoint = true, aws.String(os.Getenv("S3_URL"))
	}))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sum := sha256.New()
		_, err := up.UploadObject(r.Context(), &transfermanager.UploadObjectInput{
			Bucket: aws.String(bucket), Key: aws.String("bare/object"), Body: io.TeeReader(r.Body, sum),
		})
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		_, _ = fmt.Fprintf(w, "%x", sum.Sum(nil))
	})}
	context.AfterFunc(ctx, func() { _ = s.Close() })
	fmt.Printf("bare http://%s/\n", l.Addr())
	if err := s.Serve(l); ctx.Err() == nil {
		return err
	}
	return nil
}

// put sends a file in one request and looks at the digest that comes back.
type put struct {
	client *http.Client
	url    string
}

func (p *put) send(ctx context.Context, content []byte, _ int) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, p.url, bytes.NewReader(content))
	if err != nil {
		return err
	}
	res, err := p.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	told, err := io.ReadAll(res.Body)
	if err == nil && string(told) != fmt.Sprintf("%x", sha256.Sum256(content)) {
		err = fmt.Errorf("%s: %s", res.Status, told)
	}
	return err
}
