package blob

import (
	"context"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Origin is the web origin (RFC 6454) of presigned URLs: what a page has to
// name to be allowed to show what they lead to. It makes no call and needs no
// credentials.
func (b *Bucket) Origin(ctx context.Context) (string, error) {
	nobody := func(o *s3.Options) { o.Credentials = credentials.NewStaticCredentialsProvider("nobody", "nothing", "") }
	signed, err := b.presign.PresignGetObject(ctx, &s3.GetObjectInput{Bucket: &b.cfg.Bucket, Key: aws.String("origin")},
		s3.WithPresignClientFromClientOptions(nobody))
	if err != nil {
		return "", failure(err)
	}
	u, err := url.Parse(signed.URL)
	if err != nil {
		return "", fail(errOther, err)
	}
	return u.Scheme + "://" + u.Host, nil
}
