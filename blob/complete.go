package blob

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// looks are the pauses before each look for an object that may still be in
// the making. "Gone" costs a clinic its bytes, so it is not said in haste: an
// assembly whose answer was lost can still be running.
var looks = []time.Duration{0, 250 * time.Millisecond, time.Second}

// CompleteMultipart makes one object of the parts listed, of size bytes and
// CRC32C crc in all. Parts the list leaves out are discarded. It is
// idempotent: an object already there with this size and checksum is success,
// whoever made it. Kinds: ChecksumMismatch (ErrDigestMismatch: the parts, or an
// object already under this key, are not these bytes), Gone
// (ErrMultipartGone: neither upload nor object exist), Internal (ErrBadParts;
// ErrNotEncrypted, what this call assembled is removed again), Unavailable.
func (b *Bucket) CompleteMultipart(ctx context.Context, key, uploadID string, parts []Part, size int64, crc uint32) (Object, error) {
	if err := fit(parts, size, crc); err != nil {
		return Object{}, err
	}
	out, err := b.client.CompleteMultipartUpload(ctx, b.completeInput(key, uploadID, parts, size, crc))
	err = failure(err)
	switch {
	case err == nil && b.confirmed(out, crc):
		return b.proveEncrypted(ctx, Object{
			Key: key, Size: size, CRC32C: crc, HasCRC: true, ETag: aws.ToString(out.ETag),
			VersionID: aws.ToString(out.VersionId), SSE: string(out.ServerSideEncryption),
			KMSKey: aws.ToString(out.SSEKMSKeyId),
		})
	case err == nil, errors.Is(err, ErrMultipartGone), errors.Is(err, ErrConflict), errors.Is(err, ErrBadParts):
		return b.look(ctx, key, size, crc, err)
	}
	return Object{}, err
}

// fit checks what the store might not: that the parts follow one another, and
// that their sizes and checksums make the whole's.
func fit(parts []Part, size int64, crc uint32) error {
	var n int64
	var sum uint32
	var last int32
	for _, p := range parts {
		if p.Number <= last {
			return fail(ErrBadParts, fmt.Errorf("part %d after part %d", p.Number, last))
		}
		sum = CombineCRC32C(sum, p.CRC32C, p.Size)
		n += p.Size
		last = p.Number
	}
	if n != size || len(parts) == 0 {
		return fail(ErrBadParts, fmt.Errorf("%d parts of %d bytes, %d announced", len(parts), n, size))
	}
	if sum != crc {
		return fail(ErrDigestMismatch, errors.New("the checksums of the parts do not make the whole's"))
	}
	return nil
}

func (b *Bucket) completeInput(key, uploadID string, parts []Part, size int64, crc uint32) *s3.CompleteMultipartUploadInput {
	in := &s3.CompleteMultipartUploadInput{
		Bucket:          &b.cfg.Bucket,
		Key:             b.key(key),
		UploadId:        &uploadID,
		IfNoneMatch:     aws.String("*"),
		MpuObjectSize:   &size,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: make([]types.CompletedPart, len(parts))},
	}
	if b.cfg.FullObjectCRC {
		in.ChecksumCRC32C, in.ChecksumType = encodeCRC(crc), types.ChecksumTypeFullObject
	}
	for i, p := range parts {
		part := types.CompletedPart{PartNumber: aws.Int32(p.Number), ETag: aws.String(p.ETag)}
		if b.cfg.FullObjectCRC {
			part.ChecksumCRC32C = encodeCRC(p.CRC32C)
		}
		in.MultipartUpload.Parts[i] = part
	}
	return in
}

// confirmed reports whether a success speaks of these bytes. versitygw answers
// a second completion with a bare 200 while the first is still running, and
// whatever object there is; only the checksum in the answer tells.
func (b *Bucket) confirmed(out *s3.CompleteMultipartUploadOutput, crc uint32) bool {
	told, ok := decodeCRC(out.ChecksumCRC32C)
	return ok && told == crc
}

// look finds out what a doubtful answer, refused, left behind: nil is a
// success that did not say of what.
func (b *Bucket) look(ctx context.Context, key string, size int64, crc uint32, refused error) (Object, error) {
	mismatch := fail(ErrDigestMismatch, refused)
	for _, pause := range looks {
		if err := sleep(ctx, pause); err != nil {
			return Object{}, failure(err)
		}
		o, err := b.Head(ctx, key)
		switch {
		case errors.Is(err, ErrNotFound):
			continue
		case err != nil:
			return Object{}, err
		}
		same, err := b.holds(ctx, &o, size, crc)
		if err != nil {
			return Object{}, err
		}
		if !same {
			return Object{}, mismatch
		}
		return o, b.checkEncrypted(o)
	}
	if errors.Is(refused, ErrMultipartGone) || errors.Is(refused, ErrBadParts) {
		return Object{}, refused
	}
	return Object{}, fail(ErrUnavailable, refused) // there a moment ago, or not yet
}

func sleep(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
