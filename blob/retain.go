package blob

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

// Retention is how a bucket keeps objects from being changed and deleted
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html).
type Retention struct {
	// Locks: the bucket has Object Lock.
	Locks bool
	// Rule: it has a default of its own, which every object gets.
	Rule bool
}

// Retention asks for the bucket's Object Lock configuration. A bucket or a store
// without one, and one that does not let us look, has none. Kinds: Unavailable.
func (b *Bucket) Retention(ctx context.Context) (Retention, error) {
	out, err := b.client.GetObjectLockConfiguration(ctx, &s3.GetObjectLockConfigurationInput{Bucket: &b.cfg.Bucket})
	var api smithy.APIError
	if errors.As(err, &api) {
		switch api.ErrorCode() {
		case "ObjectLockConfigurationNotFoundError", "NotImplemented", "AccessDenied", "MethodNotAllowed", "InvalidRequest":
			return Retention{}, nil
		}
	}
	if err != nil {
		return Retention{}, failure(err)
	}
	c := out.ObjectLockConfiguration
	if c == nil || c.ObjectLockEnabled != types.ObjectLockEnabledEnabled {
		return Retention{}, nil
	}
	return Retention{Locks: true, Rule: c.Rule != nil && c.Rule.DefaultRetention != nil}, nil
}

// PutRetained is Put for an object that nobody may change or delete before the
// given instant, in Object Lock's governance mode: only who holds
// s3:BypassGovernanceRetention can. The bucket must have Object Lock. Kinds: as
// Put.
func (b *Bucket) PutRetained(ctx context.Context, key, contentType string, body Body, until time.Time) (Object, error) {
	in, err := b.putInput(key, contentType, body)
	if err != nil {
		return Object{}, err
	}
	in.IfNoneMatch = aws.String("*")
	in.ObjectLockMode, in.ObjectLockRetainUntilDate = types.ObjectLockModeGovernance, aws.Time(until.UTC())
	out, err := b.client.PutObject(ctx, in, unsigned)
	if err = failure(err); errors.Is(err, ErrConflict) {
		return b.alreadyThere(ctx, key, body.Size(), body.CRC32C(), err)
	}
	if err != nil {
		return Object{}, err
	}
	return b.proveEncrypted(ctx, putObject(key, contentType, body, out))
}
