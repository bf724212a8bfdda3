package blob_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/bonfiredb/bonfire/blob"
)

// arriving is a body that knows in the end what it was.
type arriving struct {
	io.Reader
	all []byte
}

func (a arriving) CRC32C() uint32 { return blob.UpdateCRC32C(0, a.all) }

// TestStreamedPartsAreParts: parts that were sent while they arrived, and
// others, make one object.
func TestStreamedPartsAreParts(t *testing.T) {
	t.Parallel()
	b, p := open(t), noise(1, 2*partSize+12345)
	id, err := b.CreateMultipart(t.Context(), "k", "audio/mp4")
	if err != nil {
		t.Fatal(err)
	}
	var parts []blob.Part
	for from := 0; from < len(p); from += partSize {
		piece := p[from:min(from+partSize, len(p))]
		if from == 0 {
			part, err := b.StreamPart(t.Context(), "k", id, 1, arriving{bytes.NewReader(piece), piece}, partSize)
			if err != nil || part.CRC32C != blob.UpdateCRC32C(0, piece) {
				t.Fatalf("%+v, %v", part, err)
			}
			parts = append(parts, part)
			continue
		}
		r, w := io.Pipe() // which can only be read; a bytes.Reader writes itself
		go func() {
			_, err := io.Copy(w, iotest.OneByteReader(bytes.NewReader(piece[:100])))
			if err == nil {
				_, err = w.Write(piece[100:])
			}
			_ = w.CloseWithError(err)
		}()
		part, err := b.StreamPart(t.Context(), "k", id, int32(len(parts)+1), arriving{r, piece}, int64(len(piece)))
		if err != nil {
			t.Fatal(err)
		}
		if part.CRC32C != blob.UpdateCRC32C(0, piece) || part.Size != int64(len(piece)) {
			t.Errorf("part %+v", part)
		}
		parts = append(parts, part)
	}
	if _, err := b.CompleteMultipart(t.Context(), "k", id, parts, int64(len(p)), blob.UpdateCRC32C(0, p)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(fetch(t, b, "k"), p) {
		t.Error("other bytes came back")
	}
}

// TestACutStreamLeavesNoPart: what ends early, or with an error, is no part, and
// the number is free for the same bytes.
func TestACutStreamLeavesNoPart(t *testing.T) {
	t.Parallel()
	conf := settings()
	b, p := open(t, func(c *blob.Config) { conf.Prefix = c.Prefix }), noise(1, partSize)
	id, err := b.CreateMultipart(t.Context(), "k", "audio/mp4")
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("the client left")
	for name, body := range map[string]io.Reader{
		"short":  bytes.NewReader(p[:partSize/2]),
		"broken": io.MultiReader(bytes.NewReader(p[:partSize-1]), iotest.ErrReader(broken)),
		"empty":  bytes.NewReader(nil),
	} {
		if part, err := b.StreamPart(t.Context(), "k", id, 1, arriving{body, p}, partSize); err == nil {
			t.Errorf("%s: %+v", name, part)
		}
	}
	raw := s3.New(s3.Options{Region: conf.Region, BaseEndpoint: &conf.Endpoint, UsePathStyle: true, Credentials: conf.Credentials})
	there, err := raw.ListParts(t.Context(), &s3.ListPartsInput{Bucket: &conf.Bucket, Key: aws.String(conf.Prefix + "/k"), UploadId: &id})
	if err != nil || len(there.Parts) != 0 {
		t.Errorf("there are parts: %v, %v", there, err)
	}
	part, err := b.UploadPart(t.Context(), "k", id, 1, body(p))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.CompleteMultipart(t.Context(), "k", id, []blob.Part{part}, partSize, part.CRC32C); err != nil {
		t.Fatal(err)
	}
}
