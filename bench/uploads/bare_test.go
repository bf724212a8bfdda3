package uploads

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
)

// newBare is the least that a server between client and S3 can do for a file
// whose SHA-256 it is to know: hash what it receives and pass it to the SDK's
// uploader. Nothing of it survives a cut, and nobody is asked.
func newBare(b *testing.B, g *gateway, url string) *rival {
	p := launch(b, "bare", g.environ(url), "bare ")
	return &rival{name: "bare", server: p, sender: &put{to: tus{client: pooled(), url: p.said}}}
}

const digestHeader = "Content-Sha256"

func runBare(ctx context.Context) error {
	client, err := storage(ctx)
	if err != nil {
		return err
	}
	up := transfermanager.New(client)
	return answer(ctx, "bare", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sum := sha256.New()
		_, err := up.UploadObject(r.Context(), &transfermanager.UploadObjectInput{
			Bucket: aws.String(bucket), Key: aws.String("bare/object"), Body: io.TeeReader(r.Body, sum),
		})
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		w.Header().Set(digestHeader, hex.EncodeToString(sum.Sum(nil)))
	}))
}

// put sends a file in one request and looks at the digest that comes back.
type put struct {
	to   tus
	want string
}

// expect computes the digest beforehand: that is not what is measured.
func (p *put) expect(content []byte) {
	sum := sha256.Sum256(content)
	p.want = hex.EncodeToString(sum[:])
}

func (p *put) send(ctx context.Context, content []byte, _ int) error {
	header, err := p.to.do(ctx, http.MethodPut, p.to.url, content)
	if err == nil && header.Get(digestHeader) != p.want {
		err = fmt.Errorf("bare told the digest %q", header.Get(digestHeader))
	}
	return err
}
