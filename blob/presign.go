package blob

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

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
	// Decision has to permit downloading the file FileID.
	Decision policy.Decision
	FileID   string
	// Key is the object, in the tenant the decision is about (see
	// clinical.ObjectKey); VersionID is one version of it, "" the newest.
	Key, VersionID string
	// ContentType and ContentDisposition are the headers the store answers
	// with, instead of the object's own; "" leaves those.
	ContentType, ContentDisposition string
	// LinkID goes into the URL as LinkParameter. Required.
	LinkID string
	// TTL is how long the URL works: whole seconds, from one to seven days.
	TTL time.Duration
}

// PresignGet makes a URL that anybody can GET, Range included, until it
// expires; no call to the store is made. expires is that moment, or the end of
// the credentials that signed it where these end earlier. Kinds: Forbidden
// without a fitting decision, Invalid for the TTL, Unavailable when there are
// no credentials.
func (b *Bucket) PresignGet(ctx context.Context, g PresignedGet) (link string, expires time.Time, err error) {
	if err := g.permitted(); err != nil {
		return "", time.Time{}, err
	}
	ttl := g.TTL.Truncate(time.Second)
	if ttl <= 0 || ttl > maxTTL {
		return "", time.Time{}, clinical.Bad("expiresIn", "a link lives for a second to seven days")
	}
	signed, err := b.presign.PresignGetObject(ctx, b.presignInput(g), s3.WithPresignExpires(ttl),
		s3.WithPresignClientFromClientOptions(s3.WithAPIOptions(withLink(g.LinkID))))
	if err != nil {
		return "", time.Time{}, failure(err)
	}
	if expires, err = b.expiry(ctx, signed.URL, ttl); err != nil {
		return "", time.Time{}, failure(err)
	}
	return signed.URL, expires, nil
}

// permitted holds the decision against what is asked for.
func (g PresignedGet) permitted() error {
	d := g.Decision
	if !d.Allowed() || d.Action() != policy.DownloadFile || !d.Covers(policy.File, g.FileID) ||
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

// expiry counts from the date in the signature, as the store will.
func (b *Bucket) expiry(ctx context.Context, signed string, ttl time.Duration) (time.Time, error) {
	u, err := url.Parse(signed)
	if err != nil {
		return time.Time{}, fail(errOther, err)
	}
	at, err := time.Parse("20060102T150405Z", u.Query().Get("X-Amz-Date"))
	if err != nil {
		return time.Time{}, fail(errOther, err)
	}
	expires := at.Add(ttl)
	keys, err := b.client.Options().Credentials.Retrieve(ctx) // cached: it has just signed
	if err != nil {
		return time.Time{}, err
	}
	if keys.CanExpire && keys.Expires.Before(expires) {
		expires = keys.Expires
	}
	return expires, nil
}
