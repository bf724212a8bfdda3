package uploads

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // the protocol's required algorithm
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"io"
	"net/http"
	"strings"

	"github.com/bonfiredb/bonfire/clinical"
)

// algorithms of the tus checksum extension, strongest first.
var algorithms = []string{"sha256", "sha1", "crc32"}

// errCut is the verdict on a body that did not arrive whole: nothing is known of
// its checksum, and nothing of it is kept.
var errCut = clinical.Fail(clinical.Unavailable, "the connection ended early", nil)

// checked wraps the body of a PATCH that carries Upload-Checksum. The verdict,
// nil where no checksum was sent, must be asked once the body has ended; whole
// tells whether all of it has arrived.
func checked(h http.Header, src io.Reader, whole func() bool) (body io.Reader, verdict func() error, err error) {
	header := h.Get("Upload-Checksum")
	if header == "" {
		return src, nil, nil
	}
	name, value, _ := strings.Cut(header, " ")
	want, err := base64.StdEncoding.DecodeString(strings.TrimSpace(value))
	sum := hashOf(name)
	if sum == nil {
		return nil, nil, clinical.Bad("Upload-Checksum", "unknown algorithm").WithAllowed(algorithms...)
	}
	if err != nil || len(want) != sum.Size() {
		return nil, nil, clinical.Bad("Upload-Checksum", "not a digest of this algorithm in base64")
	}
	body = io.TeeReader(src, sum)
	return body, func() error {
		_, _ = io.Copy(io.Discard, body) // it may be longer than the upload
		switch {
		case !whole():
			return errCut
		case bytes.Equal(sum.Sum(nil), want):
			return nil
		}
		return clinical.Fail(clinical.ChecksumMismatch, "the bytes of this request do not match its Upload-Checksum", nil).
			WithField("Upload-Checksum")
	}, nil
}

func hashOf(name string) hash.Hash {
	switch name {
	case "sha256":
		return sha256.New()
	case "sha1":
		return sha1.New() //nolint:gosec // see import
	case "crc32":
		return crc32.NewIEEE()
	}
	return nil
}
