package e2e

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // an algorithm of the tus checksum extension
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/bonfiredb/bonfire/internal/tusclient"
)

// witness sends one upload as a patient client does, and remembers each offset
// that the server acknowledged: it never may go back (P1).
type witness struct {
	entry
	// host is asked before each request where it goes; nil leaves it.
	host func() string
	// lose is called when an acknowledged byte is lost; nil goes on.
	lose func()

	mu    sync.Mutex
	acked int64
	lost  []string // what contradicts the promise
}

// send brings the content to the upload, wherever that was created. It fails
// when the server says that it will never take another byte, or ctx ends.
func (w *witness) send(ctx context.Context, url string, header http.Header) error {
	c := tusclient.Client{
		HTTP:      &http.Client{Transport: w, Timeout: 2 * time.Minute},
		FirstWait: 20 * time.Millisecond, MaxWait: time.Second, Patience: 1 << 20, Stall: time.Minute,
	}
	content := w.content()
	var src tusclient.Source = tusclient.File(bytes.NewReader(content), int64(len(content)))
	if w.deferred {
		src = tusclient.Stream(bytes.NewReader(content))
	}
	_, err := c.Send(ctx, tusclient.Target{URL: url, Header: header, ChunkSize: w.chunk}, src)
	return err
}

// RoundTrip implements http.RoundTripper.
func (w *witness) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if w.host != nil {
		r.URL.Host = w.host()
	}
	if err := w.sign(r); err != nil {
		return nil, err
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if res.StatusCode < 300 {
		w.note(r.Method, res.Header.Get("Upload-Offset"))
	}
	return res, nil
}

// sign adds the PATCH's checksum, when the entry has one.
func (w *witness) sign(r *http.Request) error {
	if w.checksum == "" || r.Method != http.MethodPatch || r.Body == nil {
		return nil
	}
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	var sum []byte
	switch w.checksum {
	case "sha1":
		s := sha1.Sum(b) //nolint:gosec // see import
		sum = s[:]
	case "sha256":
		s := sha256.Sum256(b)
		sum = s[:]
	default:
		h := crc32.NewIEEE()
		_, _ = h.Write(b)
		sum = h.Sum(nil)
	}
	r.Header.Set("Upload-Checksum", w.checksum+" "+base64.StdEncoding.EncodeToString(sum))
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
	return nil
}

func (w *witness) note(method, offset string) {
	n, err := strconv.ParseInt(offset, 10, 64)
	if err != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if n < w.acked {
		w.lost = append(w.lost, fmt.Sprintf("P1: %s says %d after %d was acknowledged", method, n, w.acked))
		if w.lose != nil {
			w.lose()
		}
	}
	w.acked = max(w.acked, n)
}

// losses are the contradictions so far.
func (w *witness) losses() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.lost...)
}

// acknowledged is the largest offset that the server has told.
func (w *witness) acknowledged() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.acked
}
