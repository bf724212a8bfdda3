package uploads_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/clinictest"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
	"github.com/bonfiredb/bonfire/records"
	"github.com/bonfiredb/bonfire/uploads"
)

func TestMain(m *testing.M) { devtest.Main(m) }

// server is a clinic whose tus edge answers over HTTP. The header "Test-As"
// names the principal in place of a login.
type server struct {
	*clinictest.Clinic
	t    testing.TB
	URL  string
	wrap *atomic.Pointer[func(http.Handler) http.Handler]
	stop func() // ends the HTTP server; again is no harm
}

// around puts a handler around the edge from now on.
func (s *server) around(w func(http.Handler) http.Handler) { s.wrap.Store(&w) }

// principals lets the header "Test-As" name who asks. They are loaded once, by
// this server's own store, so that a login costs a broken one nothing.
func (s *server) principals() func(http.Handler) http.Handler {
	known := map[string]clinical.Actor{}
	for _, name := range demo.Names() {
		known[name] = s.As(name)
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx := r.Context()
			if a, ok := known[r.Header.Get("Test-As")]; ok {
				ctx = auth.WithActor(ctx, a)
			}
			next.ServeHTTP(w, r.WithContext(ctx))
		})
	}
}

// on is the same server for a subtest.
func (s *server) on(t testing.TB) *server { return &server{s.Clinic, t, s.URL, s.wrap, s.stop} }

func serve(t testing.TB, setup ...clinictest.Setup) *server {
	t.Helper()
	return serveClinic(t, clinictest.New(t, setup...))
}

// serveClinic puts a tus edge in front of a clinic. Its engine hears of other
// replicas' wishes; its sweeper runs when a test says so.
func serveClinic(t testing.TB, c *clinictest.Clinic, change ...func(*uploads.Options)) *server {
	t.Helper()
	s := &server{Clinic: c, t: t, wrap: new(atomic.Pointer[func(http.Handler) http.Handler])}
	mux := http.NewServeMux()
	h := httptest.NewServer(mux)
	s.stop = sync.OnceFunc(func() { h.CloseClientConnections(); h.Close() })
	t.Cleanup(s.stop)
	o := uploads.Options{
		Records: c.Records, PublicURL: h.URL, Origins: []string{"https://app.example"}, Log: slog.New(slog.DiscardHandler),
	}
	for _, ch := range change {
		ch(&o)
	}
	if o.Authenticate == nil {
		o.Authenticate = s.principals()
	}
	edge, err := uploads.New(o)
	if err != nil {
		t.Fatal(err)
	}
	mux.HandleFunc(uploads.BasePath, func(w http.ResponseWriter, r *http.Request) {
		h := edge
		if wrap := s.wrap.Load(); wrap != nil {
			h = (*wrap)(edge)
		}
		h.ServeHTTP(w, r)
	})
	s.URL = h.URL
	return s
}

// replica is a further server on the same database and bucket.
func (s *server) replica(setup ...clinictest.Setup) *server {
	s.t.Helper()
	c := *s.Clinic
	c.Open(append(setup, clinictest.Setup{})[0])
	return serveClinic(s.t, &c)
}

// here is the address of another replica's upload on this one.
func (s *server) here(url string) string {
	return s.URL + "/uploads/" + url[strings.LastIndex(url, "/")+1:]
}

// listen lets the server's engine hear of other replicas' wishes.
func (s *server) listen() *server {
	s.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	var ended sync.WaitGroup
	ended.Go(func() { _ = s.Ledger.Run(ctx) })
	s.t.Cleanup(func() { stop(); ended.Wait() })
	return s
}

// answer is a response with its body read.
type answer struct {
	*http.Response
	Body string
}

func (s *server) do(method, url string, body io.Reader, header map[string]string) answer {
	s.t.Helper()
	a, err := s.try(method, url, body, header)
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

func (s *server) try(method, url string, body io.Reader, header map[string]string) (answer, error) {
	req, err := http.NewRequestWithContext(context.Background(), method, url, body)
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Tus-Resumable", "1.0.0")
	req.Header.Set("Test-As", "clinician")
	if method == http.MethodPatch {
		req.Header.Set("Content-Type", "application/offset+octet-stream")
	}
	for k, v := range header {
		req.Header.Del(k)
		if v != "" {
			req.Header.Set(k, v)
		}
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	a := answer{res, string(b)}
	s.wantDiscreet(a)
	return a, err
}

// wantDiscreet holds every answer against P10: an error tells nothing of what is
// behind the server, nor of patients.
func (s *server) wantDiscreet(a answer) {
	s.t.Helper()
	if a.StatusCode < 400 {
		return
	}
	for _, secret := range []string{
		s.Env.Bucket, s.Env.Endpoint, s.Env.Database, string(demo.Harbor), "127.0.0.1", "SQLSTATE", "pq:", "upload_tail",
		"scratch/", "RequestID", "api error", "operation error", "dial ", "Robin", "notes.bin",
	} {
		if strings.Contains(a.Body, secret) {
			s.t.Errorf("P10: %s %s: %d: the answer %q holds %q", a.Request.Method, a.Request.URL.Path, a.StatusCode, a.Body, secret)
		}
	}
}

func metadata(pairs ...string) string {
	var out []string
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, pairs[i]+" "+base64.StdEncoding.EncodeToString([]byte(pairs[i+1])))
	}
	return strings.Join(out, ",")
}

var raw = metadata("patientId", string(demo.Patient), "kind", "raw", "filetype", "application/octet-stream", "filename", "notes.bin")

// create begins an upload of length bytes, deferred when negative, and gives its URL.
func (s *server) create(length int64, meta string) string {
	s.t.Helper()
	h := map[string]string{"Upload-Metadata": meta, "Upload-Length": strconv.FormatInt(length, 10)}
	if length < 0 {
		h["Upload-Length"], h["Upload-Defer-Length"] = "", "1"
	}
	a := s.do(http.MethodPost, s.URL+"/uploads/", nil, h)
	s.want(a, http.StatusCreated)
	return a.Header.Get("Location")
}

func (s *server) patch(url string, offset int64, b []byte, more ...string) answer {
	s.t.Helper()
	h := map[string]string{"Upload-Offset": strconv.FormatInt(offset, 10)}
	for i := 0; i < len(more); i += 2 {
		h[more[i]] = more[i+1]
	}
	return s.do(http.MethodPatch, url, bytes.NewReader(b), h)
}

func (s *server) head(url string) answer {
	s.t.Helper()
	return s.do(http.MethodHead, url, nil, nil)
}

// wantSays is want with words that the body must hold: the field at fault, or
// what is wrong with it.
func (s *server) wantSays(a answer, status int, words ...string) {
	s.t.Helper()
	s.want(a, status)
	for _, w := range words {
		if !strings.Contains(a.Body, w) {
			s.t.Fatalf("%s: %d %q does not say %q", a.Request.Method, a.StatusCode, a.Body, w)
		}
	}
}

func (s *server) want(a answer, status int) {
	s.t.Helper()
	if a.StatusCode != status {
		s.t.Fatalf("%s %s: got %d, want %d: %.300s", a.Request.Method, a.Request.URL.Path, a.StatusCode, status, a.Body)
	}
}

func (s *server) wantOffset(a answer, offset int64) {
	s.t.Helper()
	if got := a.Header.Get("Upload-Offset"); got != strconv.FormatInt(offset, 10) {
		s.t.Fatalf("Upload-Offset: got %q, want %d", got, offset)
	}
}

// wantRecord holds the record that a response names against the bytes sent.
func (s *server) wantRecord(a answer, content []byte) clinical.File {
	s.t.Helper()
	if a.StatusCode >= 300 || a.Header.Get(uploads.ResourceIDHeader) == "" {
		s.t.Fatalf("%s %s: no record but %d %s %v", a.Request.Method, a.Request.URL.Path, a.StatusCode, a.Body, a.Header)
	}
	id := clinical.FileID(a.Header.Get(uploads.ResourceIDHeader))
	f, err := s.Records.File(s.t.Context(), s.As("clinician"), id)
	if err != nil {
		s.t.Fatalf("record %q: %v", id, err)
	}
	sum := sha256.Sum256(content)
	if f.Size != int64(len(content)) || !bytes.Equal(f.Digests.SHA256, sum[:]) {
		s.t.Fatalf("record: %d bytes %s, want %d bytes %s", f.Size, hex.EncodeToString(f.Digests.SHA256), len(content), hex.EncodeToString(sum[:]))
	}
	if got := s.download(id); !bytes.Equal(got, content) {
		s.t.Fatalf("the %d bytes that came back are not the %d that were sent", len(got), len(content))
	}
	return f
}

func (s *server) download(id clinical.FileID) []byte {
	s.t.Helper()
	l, err := s.Records.SignedURL(s.t.Context(), s.As("clinician"), records.SignedURL{Document: string(id)})
	if err != nil {
		s.t.Fatal(err)
	}
	res, err := http.Get(l.URL)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		s.t.Fatalf("signed URL: %s %v %s", res.Status, err, b)
	}
	return b
}

// content makes n bytes that nobody could compress or guess.
func content(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(n), byte(n >> 8), byte(n >> 16)})
	_, _ = r.Read(b)
	return b
}

// eventually waits for what happens in the background.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func contains(s, part string) bool { return strings.Contains(s, part) }

func reader(b []byte) io.Reader { return bytes.NewReader(b) }
