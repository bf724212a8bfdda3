package blob

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

const (
	// LinkParameter is the query parameter of a presigned URL that names the
	// link it was issued as, so that the bucket's access log can be joined with
	// the audit trail. It is signed: changed or removed, the URL is refused.
	LinkParameter = "x-bonfire-link"

	// maxTTL is the longest life Signature Version 4 allows a URL
	// (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html).
	maxTTL = 7 * 24 * time.Hour
)

// PresignedGet is what a download URL is to allow.
type PresignedGet struct {
	// Decision has to permit downloading the file Document, or reading the note
	// Document.
	Decision policy.Decision
	Document string
	// Key is the object, in the tenant the decision is about (see
	// clinical.ObjectKey); VersionID is one version of it, "" the newest.
	Key, VersionID string
	// ContentType and ContentDisposition are the headers the store answers
	// with, instead of the object's own; "" leaves those.
	ContentType, ContentDisposition string
	// LinkID goes into the URL as LinkParameter. Required.
	LinkID string
	// At is when the URL is signed, Expires when it has to be dead at the latest.
	// The store counts whole seconds from the second of the signature.
	At, Expires time.Time
}

// PresignGet makes a URL that anybody can GET, Range included, until it
// expires; no call to the store is made. expires is that moment: the last full
// second up to g.Expires, never after it, or the end of the credentials that
// signed it where these end earlier. Kinds: Forbidden without a fitting
// decision, Gone when less than a second is left, Invalid for more than seven
// days, Unavailable when there are no credentials.
func (b *Bucket) PresignGet(ctx context.Context, g PresignedGet) (link string, expires time.Time, err error) {
	if err := g.permitted(); err != nil {
		return "", time.Time{}, err
	}
	at := g.At.UTC().Truncate(time.Second)
	ttl := g.Expires.Sub(at).Truncate(time.Second)
	switch {
	case g.Expires.Before(g.At), ttl < time.Second:
		return "", time.Time{}, clinical.Fail(clinical.Gone, "this link is no longer valid", nil)
	case ttl > maxTTL:
		return "", time.Time{}, clinical.Bad("expiresIn", "a link lives for seven days at most")
	}
	signed, err := b.presign.PresignGetObject(ctx, b.presignInput(g), s3.WithPresignExpires(ttl), signedAt(at),
		s3.WithPresignClientFromClientOptions(s3.WithAPIOptions(withLink(g.LinkID))))
	if err != nil {
		return "", time.Time{}, failure(err)
	}
	if expires, err = b.expiry(ctx, at.Add(ttl)); err != nil {
		return "", time.Time{}, failure(err)
	}
	return signed.URL, expires, nil
}

// permitted holds the decision against what is asked for.
func (g PresignedGet) permitted() error {
	d := g.Decision
	file := d.Action() == policy.DownloadFile && d.Covers(policy.File, g.Document)
	note := d.Action() == policy.ReadNote && d.Covers(policy.Note, g.Document)
	if !d.Allowed() || !file && !note ||
		!strings.HasPrefix(g.Key, string(d.Resource().Tenant)+"/") {
		return clinical.Fail(clinical.Forbidden, "no decision permits this download", nil)
	}
	if g.LinkID == "" {
		return clinical.Fail(clinical.Internal, "a download needs a link", nil)
	}
	return nil
}

func (b *Bucket) presignInput(g PresignedGet) *s3.GetObjectInput {
	in := &s3.GetObjectInput{Bucket: &b.cfg.Bucket, Key: b.key(g.Key)}
	if g.VersionID != "" {
		in.VersionId = &g.VersionID
	}
	if g.ContentType != "" {
		in.ResponseContentType = &g.ContentType
	}
	if g.ContentDisposition != "" {
		in.ResponseContentDisposition = &g.ContentDisposition
	}
	return in
}

// withLink adds the link to the query before it is signed.
func withLink(id string) func(*middleware.Stack) error {
	add := func(ctx context.Context, in middleware.BuildInput, next middleware.BuildHandler) (
		middleware.BuildOutput, middleware.Metadata, error,
	) {
		r, ok := in.Request.(*smithyhttp.Request)
		if !ok {
			return middleware.BuildOutput{}, middleware.Metadata{}, fmt.Errorf("unexpected request %T", in.Request)
		}
		q := r.URL.Query()
		q.Set(LinkParameter, id)
		r.URL.RawQuery = q.Encode()
		return next.HandleBuild(ctx, in)
	}
	return func(stack *middleware.Stack) error {
		return stack.Build.Add(middleware.BuildMiddlewareFunc("BonfireLink", add), middleware.After)
	}
}

// fixedPresigner signs as of one instant, not of whenever it is asked: a second
// look at the clock could fall into the next second, and the URL would outlive
// what was written down of it.
type fixedPresigner struct {
	s3.HTTPPresignerV4
	at time.Time
}

// PresignHTTP implements s3.HTTPPresignerV4.
func (p fixedPresigner) PresignHTTP(ctx context.Context, c aws.Credentials, r *http.Request, payload, service, region string,
	_ time.Time, options ...func(*v4.SignerOptions),
) (string, http.Header, error) {
	return p.HTTPPresignerV4.PresignHTTP(ctx, c, r, payload, service, region, p.at, options...)
}

func signedAt(at time.Time) func(*s3.PresignOptions) {
	return func(o *s3.PresignOptions) { o.Presigner = fixedPresigner{o.Presigner, at} }
}

// expiry is when the URL dies: then, or with the credentials that signed it.
func (b *Bucket) expiry(ctx context.Context, expires time.Time) (time.Time, error) {
	keys, err := b.client.Options().Credentials.Retrieve(ctx) // cached: it has just signed
	if err != nil {
		return time.Time{}, err
	}
	if keys.CanExpire && keys.Expires.Before(expires) {
		expires = keys.Expires
	}
	return expires, nil
}
