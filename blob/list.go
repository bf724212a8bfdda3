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

// Top walks what stands directly below the prefix: objects, and of those with a
// slash in their keys the part up to it, once. After an error it ends. Kinds:
// Unavailable.
func (b *Bucket) Top(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		pages := s3.NewListObjectsV2Paginator(b.client, &s3.ListObjectsV2Input{
			Bucket: &b.cfg.Bucket, Prefix: b.key(""), Delimiter: aws.String("/"),
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield("", failure(err))
				return
			}
			for _, p := range page.CommonPrefixes {
				if !yield(b.relative(p.Prefix), nil) {
					return
				}
			}
			for _, o := range page.Contents {
				if !yield(b.relative(o.Key), nil) {
					return
				}
			}
		}
	}
}

// MayList asks whether our credentials may list objects and multipart uploads,
// which a comparison of the bucket with the records stands on. Kinds:
// Unavailable (ErrRefused where they may not).
func (b *Bucket) MayList(ctx context.Context) error {
	_, err := b.client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{
		Bucket: &b.cfg.Bucket, Prefix: b.key(""), MaxKeys: aws.Int32(1),
	})
	if err == nil {
		_, err = b.client.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{
			Bucket: &b.cfg.Bucket, Prefix: b.key(""), MaxUploads: aws.Int32(1),
		})
	}
	return failure(err)
}
