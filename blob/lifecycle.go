package blob

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

// Lifecycle is what the bucket does with our objects by rules of its own
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lifecycle-mgmt.html).
type Lifecycle struct {
	// Known is false where the store has no such rules, or does not let us look.
	Known bool
	// Expires are the rules, by name, that delete objects of ours.
	Expires []string
	// Archives are those that move objects of ours to where they cannot be read
	// from without being restored first.
	Archives []string
	// Aborts is after how long the first rule ends our incomplete multipart
	// uploads; 0 for never.
	Aborts time.Duration
}

// Lifecycle asks for the bucket's rules that reach what is below the prefix.
// Kinds: Unavailable.
func (b *Bucket) Lifecycle(ctx context.Context) (Lifecycle, error) {
	out, err := b.client.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: &b.cfg.Bucket})
	var api smithy.APIError
	if errors.As(err, &api) {
		switch api.ErrorCode() {
		case "NoSuchLifecycleConfiguration":
			return Lifecycle{Known: true}, nil
		case "NotImplemented", "AccessDenied", "MethodNotAllowed", "InvalidRequest":
			return Lifecycle{}, nil
		}
	}
	if err != nil {
		return Lifecycle{}, failure(err)
	}
	found := Lifecycle{Known: true}
	for _, r := range out.Rules {
		if r.Status == types.ExpirationStatusEnabled && b.reaches(r) {
			found.add(r)
		}
	}
	return found, nil
}

// reaches reports whether a rule may apply to an object of ours. They have no
// tags, and any size.
func (b *Bucket) reaches(r types.LifecycleRule) bool {
	//lint:ignore SA1019 rules from before there were filters are still obeyed
	prefix := aws.ToString(r.Prefix)
	if f := r.Filter; f != nil {
		if f.Tag != nil || f.And != nil && len(f.And.Tags) > 0 {
			return false
		}
		prefix += aws.ToString(f.Prefix)
		if f.And != nil {
			prefix += aws.ToString(f.And.Prefix)
		}
	}
	return strings.HasPrefix(prefix, b.cfg.Prefix) || strings.HasPrefix(b.cfg.Prefix, prefix)
}

func (l *Lifecycle) add(r types.LifecycleRule) {
	name := aws.ToString(r.ID)
	if e := r.Expiration; e != nil && (e.Date != nil || aws.ToInt32(e.Days) > 0) {
		l.Expires = append(l.Expires, name)
	}
	for _, t := range r.Transitions {
		if t.StorageClass == types.TransitionStorageClassGlacier || t.StorageClass == types.TransitionStorageClassDeepArchive {
			l.Archives = append(l.Archives, name)
			break
		}
	}
	if a := r.AbortIncompleteMultipartUpload; a != nil {
		after := time.Duration(aws.ToInt32(a.DaysAfterInitiation)) * 24 * time.Hour
		if after > 0 && (l.Aborts == 0 || after < l.Aborts) {
			l.Aborts = after
		}
	}
}
