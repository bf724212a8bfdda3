package cli_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
)

// road is a proxy in front of a server that counts the bytes of PATCHes and
// tells when one has passed.
type road struct {
	url     string
	target  atomic.Pointer[url.URL]
	patched atomic.Int64
	passed  func(total int64)
}

func newRoad(t *testing.T) *road {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &road{url: "http://" + ln.Addr().String()}
	proxy := &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(r.target.Load()) }}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.Method == http.MethodPatch {
			q.Body = &counter{q.Body, &r.patched}
		}
		proxy.ServeHTTP(w, q)
		if q.Method == http.MethodPatch && r.passed != nil {
			r.passed(r.patched.Load())
		}
	})}
	go func() { _ = srv.Serve(ln) }()
	t.Cleanup(func() { _ = srv.Close() })
	return r
}

type counter struct {
	io.ReadCloser
	n *atomic.Int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.n.Add(int64(n))
	return n, err
}

func randomFile(t *testing.T, size int) (path, digest string) {
	t.Helper()
	b := make([]byte, size)
	_, _ = rand.Read(b)
	path = filepath.Join(t.TempDir(), "scan of a visit.bin")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(b)
	return path, hex.EncodeToString(sum[:])
}

const mib = 1 << 20

// TestUploadGoesOnWhereItWas: interrupted after two of four chunks, run again.
func TestUploadGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	road := newRoad(t)
	environ := serveBehind(t, road)
	path, digest := randomFile(t, 26*mib)
	args := []string{"upload", path, "--patient", string(demo.Patient), "--kind", "raw", "--server", road.url, "--token", token(t, environ, "clinician")}

	ctx, interrupt := context.WithCancel(t.Context())
	road.passed = func(total int64) {
		if total >= 16*mib {
			interrupt()
		}
	}
	r := bonfire(ctx, environ, nil, args...)
	if r.code != 1 || !strings.Contains(r.err, "run it again to go on") {
		t.Fatalf("interrupted: %+v", r)
	}
	notes := notesOf(environ)
	if len(notes) != 1 {
		t.Fatalf("notes: %v", notes)
	}
	text, err := os.ReadFile(notes[0])
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(notes[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the note holds a credential and is %v", info.Mode())
	}
	if strings.Contains(string(text), string(demo.Patient)) || strings.Contains(string(text), "scan of") {
		t.Errorf("P10: the note says whose it is: %s", text)
	}

	road.passed = nil
	before := road.patched.Load()
	r = bonfire(t.Context(), environ, nil, args...)
	if r.code != 0 || !strings.Contains(r.err, "going on") || !strings.Contains(r.out, "sha256  "+digest) || !strings.Contains(r.out, "size    27262976") {
		t.Fatalf("run again: %+v", r)
	}
	if sent := road.patched.Load() - before; sent > 10*mib {
		t.Errorf("%d bytes were sent again, of 26 MiB with 16 there", sent)
	}
	if notes := notesOf(environ); len(notes) != 0 {
		t.Errorf("notes are left: %v", notes)
	}
	r = bonfire(t.Context(), environ, nil, args...)
	if r.code != 0 || strings.Contains(r.err, "going on") {
		t.Errorf("a third time is a new upload: %+v", r)
	}
}

// serveBehind starts a server that clients reach by the road.
func serveBehind(t *testing.T, road *road) []string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	_ = ln.Close()
	road.target.Store(&url.URL{Scheme: "http", Host: addr})
	says, environ, _ := serveDev(t, devtest.NewFrom(t, "schema", migrate), "BONFIRE_PUBLIC_URL="+road.url, "BONFIRE_ADDR="+addr)
	if says != road.url {
		t.Fatalf("the server says it is at %s", says)
	}
	return environ
}

func notesOf(environ []string) []string {
	for _, line := range environ {
		if dir, ok := strings.CutPrefix(line, "XDG_STATE_HOME="); ok {
			notes, _ := filepath.Glob(filepath.Join(dir, "bonfire", "uploads", "*"))
			return notes
		}
	}
	return nil
}

// TestUploadBeginsAgainWhenItsUploadIsGone: cancelled meanwhile, for example.
func TestUploadBeginsAgainWhenItsUploadIsGone(t *testing.T) {
	t.Parallel()
	road := newRoad(t)
	environ := serveBehind(t, road)
	tok := token(t, environ, "clinician")
	path, digest := randomFile(t, 20*mib)
	args := []string{"upload", path, "--patient", string(demo.Patient), "--kind", "raw", "--server", road.url, "--token", tok}
	ctx, interrupt := context.WithCancel(t.Context())
	road.passed = func(int64) { interrupt() }
	if r := bonfire(ctx, environ, nil, args...); r.code != 1 || len(notesOf(environ)) != 1 {
		t.Fatalf("interrupted: %+v", r)
	}
	road.passed = nil
	text, err := os.ReadFile(notesOf(environ)[0])
	if err != nil {
		t.Fatal(err)
	}
	var note struct{ Upload string }
	if err := json.Unmarshal(text, &note); err != nil {
		t.Fatal(err)
	}
	query(t, road.url, tok, fmt.Sprintf(`mutation { cancelUpload(input: {uploadId: "%s"}) { upload { state } } }`, note.Upload))
	if r := bonfire(t.Context(), environ, nil, args...); r.code != 0 || !strings.Contains(r.out, digest) || len(notesOf(environ)) != 0 {
		t.Errorf("run again: %+v", r)
	}
}

// TestUploadKeepsItsPlaceWhenTheLoginEnds: the bytes go by the upload's own
// token, and the record waits for a better one.
func TestUploadKeepsItsPlaceWhenTheLoginEnds(t *testing.T) {
	t.Parallel()
	road := newRoad(t)
	environ := serveBehind(t, road)
	path, digest := randomFile(t, 12*mib)
	args := []string{"upload", path, "--patient", string(demo.Patient), "--kind", "raw", "--server", road.url, "--token"}
	short := token(t, environ, "clinician", "--ttl", "2s")
	road.passed = func(total int64) {
		if total < 12*mib {
			time.Sleep(2100 * time.Millisecond) // until the login has ended
		}
	}
	r := bonfire(t.Context(), environ, nil, append(args, short)...)
	if r.code != 1 || !strings.Contains(r.err, "UNAUTHENTICATED") || len(notesOf(environ)) != 1 {
		t.Fatalf("%+v, notes %v", r, notesOf(environ))
	}
	before := road.patched.Load()
	r = bonfire(t.Context(), environ, nil, append(args, token(t, environ, "clinician"))...)
	if r.code != 0 || !strings.Contains(r.out, digest) || road.patched.Load() != before {
		t.Errorf("with a new login: %+v, %d bytes sent again", r, road.patched.Load()-before)
	}
}

// TestUploadSurvivesCutConnections: a bad network only costs time.
func TestUploadSurvivesCutConnections(t *testing.T) {
	t.Parallel()
	road := newRoad(t)
	environ := serveBehind(t, road)
	cuts := 0
	road.passed = func(int64) {
		if cuts++; cuts <= 3 {
			panic(http.ErrAbortHandler) // after the server has answered: the answer is lost
		}
	}
	path, digest := randomFile(t, 20*mib)
	r := bonfire(t.Context(), environ, nil, "upload", path, "--patient", string(demo.Patient), "--kind", "raw",
		"--server", road.url, "--token", token(t, environ, "clinician"))
	if r.code != 0 || !strings.Contains(r.out, digest) || strings.Count(r.err, "trying again") < 1 {
		t.Fatalf("%+v", r)
	}
}

// TestUploadNoticesAChangingFile and files nothing of it.
func TestUploadNoticesAChangingFile(t *testing.T) {
	t.Parallel()
	road := newRoad(t)
	environ := serveBehind(t, road)
	path, _ := randomFile(t, 20*mib)
	road.passed = func(total int64) {
		if total < 10*mib {
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = f.WriteAt([]byte("changed"), 12*mib)
			_ = f.Close()
		}
	}
	tok := token(t, environ, "clinician")
	r := bonfire(t.Context(), environ, nil, "upload", path, "--patient", string(demo.Patient), "--kind", "raw", "--server", road.url, "--token", tok)
	if r.code != 1 || !strings.Contains(r.err, "changed while it was being sent") {
		t.Errorf("%+v", r)
	}
	if body := query(t, road.url, tok, fmt.Sprintf(`{ files(patientId: "%s") { nodes { id } } }`, demo.Patient)); !strings.Contains(body, `"nodes":[]`) {
		t.Errorf("something was filed: %s", body)
	}
}

func TestUploadTellsWhatTheServerRefuses(t *testing.T) {
	t.Parallel()
	server, environ, _ := serveDev(t, devtest.NewFrom(t, "schema", migrate))
	path, _ := randomFile(t, 100)
	good := token(t, environ, "clinician")
	for name, tc := range map[string]struct {
		patient, kind, token string
		more                 []string
		words                string
	}{
		"hidden patient":  {string(demo.LakesidePatient), "raw", good, nil, "patientId: not found (NOT_FOUND, request "},
		"unknown kind":    {string(demo.Patient), "x-ray", good, nil, "kind: "},
		"content type":    {string(demo.Patient), "wound-photo", good, nil, "image/jpeg"},
		"foreign visit":   {string(demo.SecondPatient), "raw", good, []string{"--encounter", string(demo.Encounter)}, "encounterId"},
		"expired token":   {string(demo.Patient), "raw", "nonsense", nil, "UNAUTHENTICATED"},
		"no permission":   {string(demo.Patient), "raw", token(t, environ, "clerk"), nil, "FORBIDDEN"},
		"another service": {string(demo.Patient), "raw", good, []string{"--server", server + "/playground"}, "is this a bonfire server?"},
		"nobody there":    {string(demo.Patient), "raw", good, []string{"--server", "http://127.0.0.1:1"}, "connection refused"},
	} {
		args := append([]string{"upload", path, "--patient", tc.patient, "--kind", tc.kind, "--server", server, "--token", tc.token}, tc.more...)
		if r := bonfire(t.Context(), environ, nil, args...); r.code != 1 || !strings.Contains(r.err, tc.words) || r.out != "" {
			t.Errorf("%s: %+v, want %q", name, r, tc.words)
		}
	}
	if notes := notesOf(environ); len(notes) != 0 {
		t.Errorf("notes are left: %v", notes)
	}
}

func TestUploadOfOddSizes(t *testing.T) {
	t.Parallel()
	server, environ, _ := serveDev(t, devtest.NewFrom(t, "schema", migrate))
	tok := token(t, environ, "clinician")
	for _, size := range []int{0, 1, 8 * mib, 8*mib + 1} {
		path, digest := randomFile(t, size)
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for name, r := range map[string]ran{
			"file":   bonfire(t.Context(), environ, nil, "upload", path, "--patient", string(demo.Patient), "--kind", "raw", "--server", server, "--token", tok),
			"stream": bonfire(t.Context(), environ, bytes.NewReader(content), "upload", "-", "--patient", string(demo.Patient), "--kind", "raw", "--server", server, "--token", tok),
		} {
			if r.code != 0 || !strings.Contains(r.out, fmt.Sprintf("size    %d\nsha256  %s\n", size, digest)) {
				t.Errorf("%s of %d bytes: %+v", name, size, r)
			}
		}
	}
}
