package blob

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Part is one part as the store acknowledged it. Its number decides where it
// stands in the object, so numbers grow with offsets; gaps are fine.
type Part struct {
	// Number is 1 to 10,000.
	Number int32
	// ETag names these bytes when the parts are assembled.
	ETag string
	// Size is in bytes: at least 5 MiB for all parts but the last.
	Size int64
	// CRC32C is the CRC32C of the part.
	CRC32C uint32
}

// Multipart is an upload that was begun and neither completed nor aborted.
type Multipart struct {
	// Key is relative to the prefix.
	Key       string
	UploadID  string
	Initiated time.Time
}

// CreateMultipart begins an upload in parts and answers its id. Kinds:
// Unavailable.
func (b *Bucket) CreateMultipart(ctx context.Context, key, contentType string) (uploadID string, err error) {
	in := &s3.CreateMultipartUploadInput{Bucket: &b.cfg.Bucket, Key: b.key(key)}
	if contentType != "" {
		in.ContentType = &contentType
	}
	if b.cfg.FullObjectCRC {
		in.ChecksumAlgorithm, in.ChecksumType = types.ChecksumAlgorithmCrc32c, types.ChecksumTypeFullObject
	}
	in.ServerSideEncryption, in.SSEKMSKeyId, in.BucketKeyEnabled = b.encryption()
	out, err := b.client.CreateMultipartUpload(ctx, in)
	if err != nil {
		return "", failure(err)
	}
	return aws.ToString(out.UploadId), nil
}

// UploadPart sends one part. Sending a number again replaces the part and its
// ETag, and a list with the old ETag can never be assembled: so send other
// bytes under other numbers. Kinds: Gone (ErrMultipartGone),
// ChecksumMismatch (ErrDigestMismatch), Unavailable.
func (b *Bucket) UploadPart(ctx context.Context, key, uploadID string, number int32, body Body) (Part, error) {
	in := &s3.UploadPartInput{
		Bucket:        &b.cfg.Bucket,
		Key:           b.key(key),
		UploadId:      &uploadID,
		PartNumber:    &number,
		Body:          body,
		ContentLength: aws.Int64(body.Size()),
	}
	var err error
	if in.ChecksumCRC32C, in.ContentMD5, err = b.checksum(body); err != nil {
		return Part{}, err
	}
	out, err := b.client.UploadPart(ctx, in, unsigned)
	if err != nil {
		return Part{}, b.partFailure(ctx, key, uploadID, err)
	}
	return Part{Number: number, ETag: aws.ToString(out.ETag), Size: body.Size(), CRC32C: body.CRC32C()}, nil
}

// partFailure tells a network error from its double: a store that refuses a
// part of an aborted upload does so while the body is still on its way, and
// the closed connection hides the answer. So it asks.
func (b *Bucket) partFailure(ctx context.Context, key, uploadID string, err error) error {
	var broken *smithyhttp.RequestSendError
	translated := failure(err)
	if !errors.As(err, &broken) {
		return translated
	}
	if alive, asked := b.MultipartAlive(ctx, key, uploadID); asked == nil && !alive {
		return fail(ErrMultipartGone, err)
	}
	return translated
}

// MultipartAlive reports whether the store still takes parts for an upload.
// Kinds: Unavailable.
func (b *Bucket) MultipartAlive(ctx context.Context, key, uploadID string) (bool, error) {
	_, err := b.client.ListParts(ctx, &s3.ListPartsInput{
		Bucket: &b.cfg.Bucket, Key: b.key(key), UploadId: &uploadID, MaxParts: aws.Int32(1),
	})
	if err = failure(err); errors.Is(err, ErrMultipartGone) {
		return false, nil
	}
	return err == nil, err
}

// AbortMultipart ends an upload and frees its parts. One that is gone already
// is no error. Kinds: Unavailable.
func (b *Bucket) AbortMultipart(ctx context.Context, key, uploadID string) error {
	_, err := b.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{
		Bucket: &b.cfg.Bucket, Key: b.key(key), UploadId: &uploadID,
	})
	if err = failure(err); errors.Is(err, ErrMultipartGone) {
		return nil
	}
	return err
}

// ListMultiparts walks the uploads that are open, by the prefix of their keys.
// After an error it ends. MinIO knows only whole keys for a prefix, and lists
// nothing otherwise. Kinds: Unavailable.
func (b *Bucket) ListMultiparts(ctx context.Context, prefix string) iter.Seq2[Multipart, error] {
	return func(yield func(Multipart, error) bool) {
		pages := s3.NewListMultipartUploadsPaginator(b.client, &s3.ListMultipartUploadsInput{
			Bucket: &b.cfg.Bucket, Prefix: b.key(prefix),
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(Multipart{}, failure(err))
				return
			}
			for _, u := range page.Uploads {
				if !yield(Multipart{
					Key: b.relative(u.Key), UploadID: aws.ToString(u.UploadId), Initiated: aws.ToTime(u.Initiated),
				}, nil) {
					return
				}
			}
		}
	}
}
