package blob

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// batch is what one DeleteObjects takes.
const batch = 1000

// Delete removes objects, up to a thousand a call. One that does not exist is
// removed already. In a bucket with versions it hides the newest; what becomes
// of that is the bucket's lifecycle. On an error some may be gone and some
// not: call again. Kinds: Unavailable.
func (b *Bucket) Delete(ctx context.Context, keys ...string) error {
	for some := range slices.Chunk(keys, batch) {
		left := some
		if len(some) > 1 {
			var err error
			if left, err = b.deleteMany(ctx, some); err != nil {
				return err
			}
		}
		for _, key := range left {
			if err := b.deleteOne(ctx, key, ""); err != nil {
				return err
			}
		}
	}
	return nil
}

// deleteMany answers the keys to be tried one by one: those it could not
// remove, or all of them where the store does not know the call.
func (b *Bucket) deleteMany(ctx context.Context, keys []string) (left []string, err error) {
	ids := make([]types.ObjectIdentifier, len(keys))
	for i, key := range keys {
		ids[i].Key = b.key(key)
	}
	out, err := b.client.DeleteObjects(ctx, &s3.DeleteObjectsInput{
		Bucket: &b.cfg.Bucket,
		Delete: &types.Delete{Objects: ids, Quiet: aws.Bool(true)},
	})
	if err = failure(err); Transient(err) {
		return nil, err
	}
	if err != nil {
		return keys, nil
	}
	for _, e := range out.Errors {
		left = append(left, b.relative(e.Key))
	}
	return left, nil
}

func (b *Bucket) deleteOne(ctx context.Context, key, version string) error {
	in := &s3.DeleteObjectInput{Bucket: &b.cfg.Bucket, Key: b.key(key)}
	if version != "" {
		in.VersionId = &version
	}
	_, err := b.client.DeleteObject(ctx, in)
	if err = failure(err); errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}
