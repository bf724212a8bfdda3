package blob_test

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bonfiredb/bonfire/blob"
)

// On http and https alike a body travels as it is, under its own checksum and
// an unsigned payload: no chunked signing, no trailer, no second checksum.
func TestHowABodyTravels(t *testing.T) {
	for name, start := range map[string]func(http.Handler) *httptest.Server{"http": httptest.NewServer, "https": httptest.NewTLSServer} {
		t.Run(name, func(t *testing.T) {
			var seen []*http.Request
			proxy := start(facing(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				seen = append(seen, r.Clone(t.Context()))
				next.ServeHTTP(w, r)
			}))
			t.Cleanup(proxy.Close)
			if proxy.TLS != nil {
				bundle := filepath.Join(t.TempDir(), "ca.pem")
				block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: proxy.Certificate().Raw})
				if err := os.WriteFile(bundle, block, 0o600); err != nil {
					t.Fatal(err)
				}
				t.Setenv("AWS_CA_BUNDLE", bundle) // an operator's own authority is honoured
			}
			p := noise(1, 100_000)
			b := open(t, func(c *blob.Config) { c.Endpoint = proxy.URL })
			if _, err := b.Put(t.Context(), "k", "image/png", body(p)); err != nil {
				t.Fatal(err)
			}
			sum := base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, blob.UpdateCRC32C(0, p)))
			r := seen[0]
			for header, want := range map[string]string{
				"X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD", "X-Amz-Checksum-Crc32c": sum, "If-None-Match": "*",
				"Content-Type": "image/png", "Content-Encoding": "", "X-Amz-Trailer": "", "X-Amz-Checksum-Crc32": "",
			} {
				if got := r.Header.Get(header); got != want {
					t.Errorf("%s: %q, want %q", header, got, want)
				}
			}
			if len(seen) != 1 || r.ContentLength != 100_000 || len(r.TransferEncoding) != 0 || r.ProtoMajor != 1 {
				t.Errorf("%d requests, %d bytes, %v, %s", len(seen), r.ContentLength, r.TransferEncoding, r.Proto)
			}
			for name := range r.Header {
				if strings.HasPrefix(name, "X-Amz-Meta-") {
					t.Errorf("metadata: %s", name)
				}
			}
		})
	}
}
