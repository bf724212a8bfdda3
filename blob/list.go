package blob

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// List walks the objects whose keys begin with prefix, in the order of their
// keys, a thousand a call. After an error it ends. Kinds: Unavailable.
func (b *Bucket) List(ctx context.Context, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		pages := s3.NewListObjectsV2Paginator(b.client, &s3.ListObjectsV2Input{
			Bucket: &b.cfg.Bucket, Prefix: b.key(prefix),
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(Object{}, failure(err))
				return
			}
			for _, o := range page.Contents {
				if !yield(Object{
					Key: b.relative(o.Key), Size: aws.ToInt64(o.Size), ETag: aws.ToString(o.ETag),
					LastModified: aws.ToTime(o.LastModified),
				}, nil) {
					return
				}
			}
		}
	}
}
