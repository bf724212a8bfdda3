package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Object is what the store says of one finished object. Head fills all of it;
// List knows neither checksum nor encryption nor content type.
type Object struct {
	// Key is relative to the prefix.
	Key string
	// Size is in bytes.
	Size int64
	// CRC32C is the CRC32C of the whole object, where HasCRC.
	CRC32C uint32
	HasCRC bool
	// ETag identifies the content; it is no digest of it.
	ETag string
	// VersionID is "" in a bucket without versioning.
	VersionID string
	// SSE is the server-side encryption the store reports ("aws:kms", "AES256",
	// ""), KMSKey the key it names.
	SSE, KMSKey string
	// ContentType is the media type the object is stored with.
	ContentType  string
	LastModified time.Time
}

// readBack is the size up to which an object whose checksum the store does
// not tell is read again to learn it: two parts' worth, a second or so.
const readBack = 16 << 20

// Put stores a whole object in one call, if its key is free (If-None-Match).
// A key already taken by the same bytes is success: that is how an earlier
// Put looks whose answer was lost. Kinds: Conflict (ErrConflict) when the key
// holds other bytes, ChecksumMismatch (ErrDigestMismatch), Internal
// (ErrNotEncrypted; what this call stored is removed again), Unavailable.
func (b *Bucket) Put(ctx context.Context, key, contentType string, body Body) (Object, error) {
	in, err := b.putInput(key, contentType, body)
	if err != nil {
		return Object{}, err
	}
	in.IfNoneMatch = aws.String("*")
	out, err := b.client.PutObject(ctx, in, unsigned)
	if err = failure(err); errors.Is(err, ErrConflict) {
		return b.alreadyThere(ctx, key, body.Size(), body.CRC32C(), err)
	}
	if err != nil {
		return Object{}, err
	}
	return b.proveEncrypted(ctx, putObject(key, contentType, body, out))
}

// PutScratch stores an object that only has to last until its bytes are in a
// part; one already there is replaced. It is encrypted like any other. Kinds:
// as Put, without Conflict.
func (b *Bucket) PutScratch(ctx context.Context, key string, body Body) error {
	in, err := b.putInput(key, "", body)
	if err != nil {
		return err
	}
	out, err := b.client.PutObject(ctx, in, unsigned)
	if err != nil {
		return failure(err)
	}
	o := putObject(key, "", body, out)
	if b.encrypted(o) {
		return nil // told by the answer; scratch is not worth another call
	}
	_, err = b.proveEncrypted(ctx, o)
	return err
}

// putInput is the request both kinds of Put share.
func (b *Bucket) putInput(key, contentType string, body Body) (*s3.PutObjectInput, error) {
	in := &s3.PutObjectInput{
		Bucket:        &b.cfg.Bucket,
		Key:           b.key(key),
		Body:          body,
		ContentLength: aws.Int64(body.Size()),
	}
	if contentType != "" {
		in.ContentType = &contentType
	}
	in.ServerSideEncryption, in.SSEKMSKeyId, in.BucketKeyEnabled = b.encryption()
	var err error
	in.ChecksumCRC32C, in.ContentMD5, err = b.checksum(body)
	return in, err
}

func putObject(key, contentType string, body Body, out *s3.PutObjectOutput) Object {
	return Object{
		Key: key, Size: body.Size(), CRC32C: body.CRC32C(), HasCRC: true, ContentType: contentType,
		ETag: aws.ToString(out.ETag), VersionID: aws.ToString(out.VersionId),
		SSE: string(out.ServerSideEncryption), KMSKey: aws.ToString(out.SSEKMSKeyId),
	}
}

// alreadyThere settles what a refusal left open: whether the object under the
// key is the one we meant to make. If it is another, the answer is otherwise.
func (b *Bucket) alreadyThere(ctx context.Context, key string, size int64, crc uint32, otherwise error) (Object, error) {
	o, err := b.Head(ctx, key)
	if errors.Is(err, ErrNotFound) {
		return Object{}, fail(ErrUnavailable, otherwise) // it was there a moment ago
	}
	if err != nil {
		return Object{}, err
	}
	same, err := b.holds(ctx, &o, size, crc)
	if err != nil {
		return Object{}, err
	}
	if !same {
		return Object{}, otherwise
	}
	return o, b.checkEncrypted(o)
}

// holds reports whether o has this size and checksum, and completes o. Of a
// store that tells no checksum, an object up to readBack long is read; above
// that the size decides, for such an object was assembled from parts that
// were each verified, under a key nobody else writes to.
func (b *Bucket) holds(ctx context.Context, o *Object, size int64, crc uint32) (bool, error) {
	if o.Size != size {
		return false, nil
	}
	if !o.HasCRC && size > readBack {
		return true, nil
	}
	if !o.HasCRC {
		var err error
		if o.CRC32C, err = b.read(ctx, o.Key, size); err != nil {
			return false, err
		}
		o.HasCRC = true
	}
	return o.CRC32C == crc, nil
}

// read is the CRC of an object's bytes.
func (b *Bucket) read(ctx context.Context, key string, size int64) (uint32, error) {
	r, err := b.Get(ctx, key, 0, size)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	h := NewCRC32C()
	_, err = io.Copy(h, r)
	return h.Sum32(), err
}

// Head asks for an object's properties. On AWS the checksum of an SSE-KMS
// object is told only to those who may use its key (kms:Decrypt). Kinds:
// NotFound (ErrNotFound), Unavailable.
func (b *Bucket) Head(ctx context.Context, key string) (Object, error) {
	out, err := b.client.HeadObject(ctx, &s3.HeadObjectInput{
		Bucket:       &b.cfg.Bucket,
		Key:          b.key(key),
		ChecksumMode: types.ChecksumModeEnabled,
	})
	if err != nil {
		return Object{}, failure(err)
	}
	o := Object{
		Key: key, Size: aws.ToInt64(out.ContentLength), ETag: aws.ToString(out.ETag),
		VersionID: aws.ToString(out.VersionId), SSE: string(out.ServerSideEncryption),
		KMSKey: aws.ToString(out.SSEKMSKeyId), ContentType: aws.ToString(out.ContentType),
		LastModified: aws.ToTime(out.LastModified),
	}
	o.CRC32C, o.HasCRC = decodeCRC(out.ChecksumCRC32C)
	return o, nil
}

// Get reads length bytes from offset off, or to the end when length is
// negative. ctx ends the reading too. A reader that ends early ends with an
// error, never with io.EOF. Kinds: NotFound (ErrNotFound), Internal when the
// object does not have these bytes, Unavailable (of the reader as well).
func (b *Bucket) Get(ctx context.Context, key string, off, length int64) (io.ReadCloser, error) {
	if length == 0 {
		return io.NopCloser(eof{}), nil
	}
	in := &s3.GetObjectInput{Bucket: &b.cfg.Bucket, Key: b.key(key)}
	switch {
	case length > 0:
		in.Range = aws.String(fmt.Sprintf("bytes=%d-%d", off, off+length-1))
	case off > 0:
		in.Range = aws.String(fmt.Sprintf("bytes=%d-", off))
	}
	out, err := b.client.GetObject(ctx, in)
	if err != nil {
		return nil, failure(err)
	}
	if length > 0 && aws.ToInt64(out.ContentLength) != length {
		out.Body.Close()
		return nil, fail(errOther, errors.New("another range than asked for"))
	}
	return reading{out.Body}, nil
}

// reading gives the errors of a body that breaks off a kind.
type reading struct{ io.ReadCloser }

func (r reading) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = failure(err)
	}
	return n, err
}

type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }
