package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Streams reports whether StreamPart may be tried: the store must know
// CRC32C, by which such a part is checked.
func (b *Bucket) Streams() bool { return b.cfg.FullObjectCRC }

// Arriving is a body whose bytes are still on their way here.
type Arriving interface {
	io.Reader
	// CRC32C is that of all its bytes. It is asked for once they were read.
	CRC32C() uint32
}

// StreamPart is UploadPart for bytes that still arrive while they are sent: of
// size is known, and body waits for the rest. The checksum follows the bytes, as
// a trailer; a body that fails or ends early leaves no part, and neither does
// one that the store did not verify. It is tried once: on any error the caller
// may send the same bytes under the same number by UploadPart. Kinds: as
// UploadPart, Internal for a store that takes no trailers.
func (b *Bucket) StreamPart(ctx context.Context, key, uploadID string, number int32, body Arriving, size int64) (Part, error) {
	framed := newTrailed(body, size)
	out, err := b.client.UploadPart(ctx, &s3.UploadPartInput{
		Bucket:        &b.cfg.Bucket,
		Key:           b.key(key),
		UploadId:      &uploadID,
		PartNumber:    &number,
		Body:          framed,
		ContentLength: aws.Int64(framed.size()),
	}, trailing(size), once)
	if err != nil {
		return Part{}, failure(err)
	}
	crc := body.CRC32C()
	if told, ok := decodeCRC(out.ChecksumCRC32C); !ok || told != crc || framed.left > 0 {
		return Part{}, fail(errOther, errors.New("a part was taken without its trailing checksum"))
	}
	return Part{Number: number, ETag: aws.ToString(out.ETag), Size: size, CRC32C: crc}, nil
}

// once: no attempt after the first, and no waiting for the store's leave to
// begin, which costs a round trip.
func once(o *s3.Options) {
	o.Retryer = aws.NopRetryer{}
	o.ContinueHeaderThresholdBytes = -1
}

const crcTrailer = "x-amz-checksum-crc32c"

// trailing makes a request say that its body is chunked and followed by its
// checksum (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html).
// The SDK has this for https only.
func trailing(size int64) func(*s3.Options) {
	return s3.WithAPIOptions(
		smithyhttp.SetHeaderValue("Content-Encoding", "aws-chunked"),
		smithyhttp.SetHeaderValue("X-Amz-Decoded-Content-Length", strconv.FormatInt(size, 10)),
		smithyhttp.SetHeaderValue("X-Amz-Trailer", crcTrailer),
		func(stack *middleware.Stack) error {
			_, err := stack.Finalize.Swap((*v4.ComputePayloadSHA256)(nil).ID(), trailedPayload{})
			return err
		},
	)
}

// trailedPayload takes the place of the SDK's hash of the body.
type trailedPayload struct{}

// ID implements middleware.FinalizeMiddleware.
func (trailedPayload) ID() string { return "TrailedPayload" }

// HandleFinalize implements middleware.FinalizeMiddleware.
func (trailedPayload) HandleFinalize(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
	return next.HandleFinalize(v4.SetPayloadHash(ctx, "STREAMING-UNSIGNED-PAYLOAD-TRAILER"), in)
}

// trailed frames a body as one chunk and its checksum.
type trailed struct {
	body       Arriving
	head, tail []byte
	left       int64 // of the body
	length     int64 // of everything
}

func newTrailed(body Arriving, size int64) *trailed {
	t := &trailed{body: body, left: size, head: fmt.Appendf(nil, "%x\r\n", size)}
	t.length = int64(len(t.head)) + size + int64(len(end(0)))
	return t
}

func (t *trailed) size() int64 { return t.length }

// end is what follows the bytes; its length does not depend on the checksum.
func end(crc uint32) []byte {
	return fmt.Appendf(nil, "\r\n0\r\n%s:%s\r\n\r\n", crcTrailer, *encodeCRC(crc))
}

// Read implements io.Reader.
func (t *trailed) Read(p []byte) (int, error) {
	switch {
	case len(t.head) > 0:
		n := copy(p, t.head)
		t.head = t.head[n:]
		return n, nil
	case t.left > 0:
		n, err := t.body.Read(p[:min(int64(len(p)), t.left)])
		if t.left -= int64(n); t.left == 0 {
			t.tail, err = end(t.body.CRC32C()), nil
		} else if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return n, err
	case len(t.tail) > 0:
		n := copy(p, t.tail)
		t.tail = t.tail[n:]
		return n, nil
	}
	return 0, io.EOF
}

// WriteTo implements io.WriterTo.
func (t *trailed) WriteTo(w io.Writer) (n int64, err error) {
	m, err := w.Write(t.head)
	n, t.head = int64(m), t.head[m:]
	if err == nil && t.left > 0 {
		var sent int64
		sent, err = io.Copy(&bounded{w, t.left}, t.body)
		n, t.left = n+sent, t.left-sent
		if err == nil && t.left > 0 {
			err = io.ErrUnexpectedEOF
		}
		t.tail = end(t.body.CRC32C())
	}
	if err != nil {
		return n, err
	}
	m, err = w.Write(t.tail)
	t.tail = t.tail[m:]
	return n + int64(m), err
}
