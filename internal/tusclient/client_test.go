package tusclient_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/bonfiredb/bonfire/internal/tusclient"
)

// server is a small tus server over real connections. Each request asks fate
// what befalls it; the rest is by the protocol.
type server struct {
	*httptest.Server

	mu       sync.Mutex
	got      []byte
	length   int64 // -1: deferred
	requests []string

	// fate may answer for the server (true), or cut the connection after some
	// bytes were taken.
	fate func(n int, w http.ResponseWriter, r *http.Request) (answered bool, cutAfter int64)
}

func newServer(t *testing.T, length int64) *server {
	t.Helper()
	s := &server{length: length}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r.Method+" "+r.Header.Get("Upload-Offset"))
	if r.Header.Get("Tus-Resumable") != "1.0.0" || r.Header.Get("Bonfire-Upload-Token") != "capability" {
		http.Error(w, "headers", http.StatusPreconditionFailed)
		return
	}
	cut := int64(-1)
	if s.fate != nil {
		var answered bool
		if answered, cut = s.fate(len(s.requests), w, r); answered {
			return
		}
	}
	if r.Method == http.MethodHead {
		w.Header().Set("Upload-Offset", strconv.Itoa(len(s.got)))
		if s.length >= 0 {
			w.Header().Set("Upload-Length", strconv.FormatInt(s.length, 10))
		}
		return
	}
	if r.Header.Get("Content-Type") != "application/offset+octet-stream" || r.Header.Get("Upload-Offset") != strconv.Itoa(len(s.got)) {
		http.Error(w, "offset", http.StatusConflict)
		return
	}
	body := io.Reader(r.Body)
	if cut >= 0 {
		body = io.LimitReader(r.Body, cut)
	}
	p, _ := io.ReadAll(body)
	s.got = append(s.got, p...)
	if cut >= 0 {
		panic(http.ErrAbortHandler) // the connection dies; the bytes stay
	}
	if l := r.Header.Get("Upload-Length"); l != "" {
		s.length, _ = strconv.ParseInt(l, 10, 64)
	}
	w.Header().Set("Upload-Offset", strconv.Itoa(len(s.got)))
	w.WriteHeader(http.StatusNoContent)
}

func (s *server) log() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.requests, ", ")
}

// has is what the server kept.
func (s *server) has() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.got)
}

func (s *server) target(offset int64) tusclient.Target {
	return tusclient.Target{URL: s.URL, Header: http.Header{"Bonfire-Upload-Token": {"capability"}}, ChunkSize: 100, Offset: offset}
}

func quick() *tusclient.Client {
	return &tusclient.Client{FirstWait: time.Millisecond, MaxWait: 2 * time.Millisecond, Patience: 4}
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

func TestSendInChunks(t *testing.T) {
	for _, n := range []int{0, 1, 99, 100, 101, 250, 300} {
		data, s := randomBytes(n), newServer(t, int64(n))
		var last int64
		c := quick()
		c.Progress = func(sent int64) { last = sent }
		sent, err := c.Send(t.Context(), s.target(0), tusclient.File(bytes.NewReader(data), int64(n)))
		if err != nil || sent != int64(n) || !bytes.Equal(s.has(), data) {
			t.Errorf("%d bytes: sent %d, %v; server has %d", n, sent, err, len(s.has()))
		}
		if patches := (n + 99) / 100; len(s.requests) != patches {
			t.Errorf("%d bytes took %s", n, s.log())
		}
		if last != int64(n) {
			t.Errorf("%d bytes: progress ended at %d", n, last)
		}
	}
}

func TestStreamDeclaresItsLengthAtTheEnd(t *testing.T) {
	for _, n := range []int{0, 1, 100, 101, 200, 350} {
		data, s := randomBytes(n), newServer(t, -1)
		sent, err := quick().Send(t.Context(), s.target(0), tusclient.Stream(iotest.HalfReader(bytes.NewReader(data))))
		if err != nil || sent != int64(n) || !bytes.Equal(s.has(), data) || s.length != int64(n) {
			t.Errorf("%d bytes: sent %d, %v; server has %d of %d (%s)", n, sent, err, len(s.has()), s.length, s.log())
		}
	}
}

// TestSendSurvivesCutConnections cuts every third request at a different byte;
// whatever the server kept is not sent again.
func TestSendSurvivesCutConnections(t *testing.T) {
	for name, source := range map[string]func([]byte) tusclient.Source{
		"file":   func(b []byte) tusclient.Source { return tusclient.File(bytes.NewReader(b), int64(len(b))) },
		"stream": func(b []byte) tusclient.Source { return tusclient.Stream(bytes.NewReader(b)) },
	} {
		t.Run(name, func(t *testing.T) {
			data, s := randomBytes(1000), newServer(t, -1)
			if name == "file" {
				s.length = 1000
			}
			cuts := 0
			s.fate = func(n int, w http.ResponseWriter, r *http.Request) (bool, int64) {
				if r.Method == http.MethodPatch && n%3 == 1 {
					cuts++
					return false, int64(n*13) % 100
				}
				return false, -1
			}
			sent, err := quick().Send(t.Context(), s.target(0), source(data))
			if err != nil || sent != 1000 || !bytes.Equal(s.has(), data) {
				t.Fatalf("sent %d, %v; server has %d", sent, err, len(s.has()))
			}
			if cuts < 5 {
				t.Errorf("only %d cuts: the test proves nothing", cuts)
			}
		})
	}
}

func TestSendAsksAgainOnPassingTrouble(t *testing.T) {
	for _, status := range []int{409, 423, 429, 500, 502, 503} {
		data, s := randomBytes(150), newServer(t, 150)
		s.fate = func(n int, w http.ResponseWriter, r *http.Request) (bool, int64) {
			if n == 2 || n == 3 { // the second PATCH and the HEAD after it
				w.WriteHeader(status)
				return true, 0
			}
			return false, -1
		}
		if _, err := quick().Send(t.Context(), s.target(0), tusclient.File(bytes.NewReader(data), 150)); err != nil || !bytes.Equal(s.has(), data) {
			t.Errorf("%d: %v after %s", status, err, s.log())
		}
		if want := "PATCH 0, PATCH 100, HEAD , HEAD , PATCH 100"; s.log() != want {
			t.Errorf("%d: %s, want %s", status, s.log(), want)
		}
	}
}

func TestSendStopsAtOnceWhenRefused(t *testing.T) {
	for _, status := range []int{400, 401, 403, 404, 410, 413, 415, 302} {
		s := newServer(t, 150)
		s.fate = func(n int, w http.ResponseWriter, r *http.Request) (bool, int64) {
			w.Header().Set("X-Request-Id", "request-1")
			http.Error(w, "the upload expired", status)
			return true, 0
		}
		_, err := quick().Send(t.Context(), s.target(0), tusclient.File(bytes.NewReader(randomBytes(150)), 150))
		var refused *tusclient.StatusError
		if !errors.As(err, &refused) || refused.Status != status || len(s.requests) != 1 {
			t.Errorf("%d: got %v after %s", status, err, s.log())
			continue
		}
		if msg := err.Error(); !strings.Contains(msg, "the upload expired") || !strings.Contains(msg, "request-1") {
			t.Errorf("%d: the error does not help: %s", status, msg)
		}
	}
}

func TestSendGivesUpWithoutProgress(t *testing.T) {
	s := newServer(t, 150)
	s.fate = func(n int, w http.ResponseWriter, r *http.Request) (bool, int64) {
		if r.Method == http.MethodPatch {
			return false, 0 // cut before a byte was kept
		}
		return false, -1
	}
	var troubles int
	c := quick()
	c.Trouble = func(error, time.Duration) { troubles++ }
	_, err := c.Send(t.Context(), s.target(0), tusclient.File(bytes.NewReader(randomBytes(150)), 150))
	if err == nil || !strings.Contains(err.Error(), "gave up after 4 attempts") || troubles != 3 {
		t.Errorf("got %v after %d troubles (%s)", err, troubles, s.log())
	}
}

func TestSendResumesWhereTheServerIs(t *testing.T) {
	data, s := randomBytes(250), newServer(t, 250)
	s.got = append(s.got, data[:130]...)
	if _, err := quick().Send(t.Context(), s.target(-1), tusclient.File(bytes.NewReader(data), 250)); err != nil || !bytes.Equal(s.has(), data) {
		t.Fatal(err)
	}
	if want := "HEAD , PATCH 130, PATCH 230"; s.log() != want {
		t.Errorf("%s, want %s", s.log(), want)
	}
	s.requests = nil
	if sent, err := quick().Send(t.Context(), s.target(-1), tusclient.File(bytes.NewReader(data), 250)); err != nil || sent != 250 || s.log() != "HEAD " {
		t.Errorf("a finished one: %d, %v, %s", sent, err, s.log())
	}
}

func TestSendNoticesAnotherUpload(t *testing.T) {
	s := newServer(t, 500)
	s.got = randomBytes(300)
	_, err := quick().Send(t.Context(), s.target(-1), tusclient.File(bytes.NewReader(randomBytes(250)), 250))
	if err == nil || len(s.requests) != 1 {
		t.Errorf("got %v after %s", err, s.log())
	}
}

func TestSendEndsWithItsContext(t *testing.T) {
	s := newServer(t, 150)
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("interrupted")
	s.fate = func(int, http.ResponseWriter, *http.Request) (bool, int64) {
		cancel(why)
		return false, 50
	}
	if _, err := quick().Send(ctx, s.target(0), tusclient.File(bytes.NewReader(randomBytes(150)), 150)); !errors.Is(err, why) {
		t.Errorf("got %v", err)
	}
}

func TestSendLeavesAServerThatStandsStill(t *testing.T) {
	release := make(chan struct{})
	var once sync.Once
	s := newServer(t, 50)
	data := randomBytes(50)
	hang := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		first := false
		once.Do(func() { first = true })
		if first {
			<-release
			return
		}
		s.ServeHTTP(w, r)
	}))
	defer hang.Close()
	defer close(release)
	c := quick()
	c.Stall = 50 * time.Millisecond
	target := s.target(0)
	target.URL = hang.URL
	if _, err := c.Send(t.Context(), target, tusclient.File(bytes.NewReader(data), 50)); err != nil || !bytes.Equal(s.has(), data) {
		t.Errorf("got %v", err)
	}
}

func TestSendTellsASourceThatFails(t *testing.T) {
	s := newServer(t, -1)
	broken := errors.New("the disk is gone")
	_, err := quick().Send(t.Context(), s.target(0), tusclient.Stream(io.MultiReader(bytes.NewReader(randomBytes(100)), iotest.ErrReader(broken))))
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

// TestSendAgainstSomethingElse: a page that answers 200 to everything is not a tus server.
func TestSendAgainstSomethingElse(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello") }))
	defer other.Close()
	_, err := quick().Send(t.Context(), tusclient.Target{URL: other.URL, Offset: -1}, tusclient.File(bytes.NewReader(nil), 10))
	if err == nil || !strings.Contains(err.Error(), "is this a tus server?") {
		t.Errorf("got %v", err)
	}
}

// TestSendIsPatientWithWhatMoves: slow is not still.
func TestSendIsPatientWithWhatMoves(t *testing.T) {
	data, s := randomBytes(80), newServer(t, 80)
	c := quick()
	c.Stall = 100 * time.Millisecond
	if _, err := c.Send(t.Context(), s.target(0), slow{data}); err != nil || !bytes.Equal(s.has(), data) || s.log() != "PATCH 0" {
		t.Errorf("got %v after %s", err, s.log())
	}
}

// slow is a source that gives ten bytes at a time, and takes three stalls' time in all.
type slow struct{ data []byte }

func (s slow) Size() int64 { return int64(len(s.data)) }

func (s slow) Chunk(off, n int64) (io.Reader, int64, bool, error) {
	rest := bytes.NewReader(s.data[off:])
	return trickle(func(p []byte) (int, error) {
		time.Sleep(40 * time.Millisecond)
		return rest.Read(p[:min(10, len(p))])
	}), int64(rest.Len()), true, nil
}

type trickle func([]byte) (int, error)

func (t trickle) Read(p []byte) (int, error) { return t(p) }
