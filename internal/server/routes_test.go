package server_test

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/blob"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
)

func TestRoutes(t *testing.T) {
	t.Parallel()
	s := start(t, devtest.NewFrom(t, "schema", migrate))
	for _, tc := range []struct {
		method, path string
		status       int
		header, want string
	}{
		{"GET", "/healthz", 200, "Cache-Control", "no-store"},
		{"HEAD", "/healthz", 200, "", ""},
		{"GET", "/readyz", 200, "Content-Type", "application/json"},
		{"GET", "/", 200, "Permissions-Policy", "camera=(), display-capture=(), geolocation=(), microphone=(self), payment=(), usb=()"},
		{"GET", "/console.json", 200, "Cache-Control", "no-store"},
		{"GET", "/dev/token", 404, "", ""}, // only POST is anything
		{"POST", "/", 405, "Allow", "GET, HEAD"},
		{"GET", "/playground", 307, "Location", "/playground/"},
		{"GET", "/playground/", 200, "Content-Type", "text/html; charset=utf-8"},
		{"GET", "/links/unknown", 404, "Cache-Control", "no-store"},
		{"HEAD", "/links/unknown", 405, "Allow", "GET"},
		{"GET", "/nowhere", 404, "", ""},
		{"GET", "/metrics", 404, "", ""}, // on its own listener only
		{"POST", "/graphql", 415, "", ""},
		{"OPTIONS", "/uploads/", 200, "Tus-Version", "1.0.0"},
	} {
		resp, _ := s.do(t, tc.method, tc.path, "")
		if resp.StatusCode != tc.status || tc.header != "" && resp.Header.Get(tc.header) != tc.want {
			t.Errorf("%s %s: %s, %s: %q, want %d and %q", tc.method, tc.path, resp.Status, tc.header, resp.Header.Get(tc.header), tc.status, tc.want)
		}
		for _, name := range []string{"X-Request-Id", "Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy"} {
			if resp.Header.Get(name) == "" {
				t.Errorf("%s %s lacks %s", tc.method, tc.path, name)
			}
		}
	}
}

func TestEnvironmentTurnsThePlaygroundOff(t *testing.T) {
	t.Parallel()
	s := start(t, devtest.NewFrom(t, "schema", migrate), "BONFIRE_PLAYGROUND=false", "BONFIRE_INTROSPECTION=false")
	if resp, _ := s.do(t, "GET", "/playground/", ""); resp.StatusCode != 404 {
		t.Errorf("playground: %s", resp.Status)
	}
	_, body := s.do(t, "POST", "/graphql", `{"query":"{ __schema { queryType { name } } }"}`,
		"Content-Type", "application/json", "Authorization", bearer(t, "clinician"))
	if strings.Contains(body, "queryType\":{") {
		t.Errorf("introspection: %s", body)
	}
}

func TestWithoutTheConsoleThePlaygroundAnswers(t *testing.T) {
	t.Parallel()
	s := start(t, devtest.NewFrom(t, "schema", migrate), "BONFIRE_CONSOLE=false")
	if resp, _ := s.do(t, "GET", "/", ""); resp.StatusCode != 302 || resp.Header.Get("Location") != "/playground/" {
		t.Errorf("%s to %q", resp.Status, resp.Header.Get("Location"))
	}
	for method, path := range map[string]string{"GET": "/console.json", "POST": "/dev/token"} {
		if resp, _ := s.do(t, method, path, `{"name":"clinician"}`, "Content-Type", "application/json"); resp.StatusCode != 404 {
			t.Errorf("%s %s: %s", method, path, resp.Status)
		}
	}
}

func TestCrossOriginIsByWholeOrigins(t *testing.T) {
	t.Parallel()
	s := start(t, devtest.NewFrom(t, "schema", migrate), "BONFIRE_CORS_ORIGINS=https://app.example.org")
	for origin, allowed := range map[string]bool{
		"https://app.example.org":           true,
		"https://app.example.org.evil.test": false,
		"https://evil-app.example.org":      false,
		"http://app.example.org":            false,
		"https://app.example.org:8443":      false,
		"null":                              false,
	} {
		for _, path := range []string{"/graphql", "/uploads/"} {
			resp, _ := s.do(t, "OPTIONS", path, "", "Origin", origin, "Access-Control-Request-Method", "POST",
				"Access-Control-Request-Headers", "authorization,content-type")
			if got := resp.Header.Get("Access-Control-Allow-Origin"); (got == origin) != allowed || got == "*" {
				t.Errorf("%s from %s: allowed %q", path, origin, got)
			}
			if resp.Header.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s from %s: credentials", path, origin)
			}
		}
	}
}

func TestMetricsHaveAListenerOfTheirOwn(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0") // a free port, given back
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	_ = ln.Close()
	s := start(t, devtest.NewFrom(t, "schema", migrate), "BONFIRE_METRICS_ADDR="+addr)
	s.do(t, "GET", "/links/some-token-in-a-path", "")
	resp, body := s.do(t, "GET", "http://"+addr+"/metrics", "")
	for _, want := range []string{
		`bonfire_http_request_duration_seconds_count{method="GET",route="/links/{token}",status="404"} 1`,
		`bonfire_s3_requests_total{operation="HeadBucket"}`, "bonfire_database_connections_max", "bonfire_spool_bytes 0", "go_goroutines",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("%s: no %s", resp.Status, want)
		}
	}
	if strings.Contains(body, "some-token") {
		t.Error("P10: a path is in the metrics")
	}
}

// TestP3_DriftIsExported: what the comparison in the background has seen.
func TestP3_DriftIsExported(t *testing.T) {
	t.Parallel()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := free.Addr().String()
	_ = free.Close()
	s := start(t, devtest.NewFrom(t, "schema", migrate), "BONFIRE_METRICS_ADDR="+addr, "BONFIRE_FSCK_INTERVAL=0")
	metrics := func() string { _, body := s.do(t, "GET", "http://"+addr+"/metrics", ""); return body }
	if strings.Contains(metrics(), "bonfire_drift_") {
		t.Error("there are figures before anything was compared")
	}
	if err := s.rooms.Bucket.PutScratch(t.Context(), "not-ours/a.txt", blob.BytesBody([][]byte{[]byte("x")})); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.rooms.Records.WatchDrift(ctx, time.Millisecond) }()
	waitUntil(t, "the figures are there", func() bool {
		body := metrics()
		for _, want := range []string{
			`bonfire_drift_findings{code="object-without-row"} 0`, `bonfire_drift_findings{code="row-without-object"} 0`,
			"bonfire_drift_last_run_timestamp_seconds ", "bonfire_drift_objects_checked 0", "bonfire_drift_foreign_objects 1",
		} {
			if !strings.Contains(body, want) {
				return false
			}
		}
		return true
	})
	stop()
	if err := <-ended; err != nil || strings.Contains(metrics(), "bonfire_drift_") {
		t.Errorf("%v; a server whose turn is over has no figures", err)
	}
}

// TestReadinessFollowsTheDependencies on servers that the test may kill.
func TestReadinessFollowsTheDependencies(t *testing.T) {
	t.Parallel()
	env := devtest.NewPrivate(t)
	if err := migrate(t.Context(), env.OwnerURL); err != nil {
		t.Fatal(err)
	}
	s := start(t, env)
	becomes := func(status int, words string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		for {
			resp, body := s.do(t, "GET", "/readyz", "")
			if resp.StatusCode == status && strings.Contains(body, words) {
				return
			}
			select {
			case <-ctx.Done():
				t.Fatalf("still %s %s, want %d %s", resp.Status, body, status, words)
			case <-time.After(100 * time.Millisecond):
			}
		}
	}
	becomes(200, `"status":"ready"`)
	env.Stack.S3().Kill()
	becomes(503, `"bucket":"not ready","database":"ok"`)
	if resp, _ := s.do(t, "GET", "/healthz", ""); resp.StatusCode != 200 {
		t.Errorf("alive is not the same as ready: %s", resp.Status)
	}
	if err := env.Stack.S3().Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	becomes(200, `"bucket":"ok"`)
	env.Stack.Postgres().Kill()
	becomes(503, `"database":"not ready"`)
	if err := env.Stack.Postgres().Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	becomes(200, `"database":"ok"`)
}

// TestBodyDeadlineIsLifted: two requests on one connection, the second after
// the first one's limit for its body was lifted.
func TestBodyDeadlineIsLifted(t *testing.T) {
	t.Parallel()
	s := start(t, devtest.NewFrom(t, "schema", migrate))
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	r := bufio.NewReader(conn)
	for range 2 { // on one connection: the first request's deadline is gone at the second
		body := `{"query":"{ kinds { code } }"}`
		req, err := http.NewRequestWithContext(t.Context(), "POST", s.url+"/graphql", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", bearer(t, "clinician"))
		if err := req.Write(conn); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(r, req)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != 200 {
			t.Errorf("%s", resp.Status)
		}
		_, _ = r.Discard(int(resp.ContentLength))
	}
}

func TestGatedLinkRedirectsOnce(t *testing.T) {
	t.Parallel()
	s := start(t, devtest.NewFrom(t, "schema", migrate))
	id, url, header := s.reserve(t, "5")
	if resp, body := s.do(t, "PATCH", url, "hello", append(header, "Upload-Offset", "0", "Content-Type", "application/offset+octet-stream")...); resp.StatusCode != 204 {
		t.Fatalf("%s %s", resp.Status, body)
	}
	var finished struct {
		FinishUpload struct{ File struct{ ID string } }
	}
	s.graphql(t, "clinician", `mutation { finishUpload(input: {uploadId: "`+id+`"}) { file { id } } }`, &finished)
	var signed struct{ SignedURL struct{ URL string } }
	s.graphql(t, "clinician", `mutation { signedUrl: signedUrl(documentId: "`+finished.FinishUpload.File.ID+`", delivery: GATED, singleUse: true) { url } }`, &signed)
	link := signed.SignedURL.URL
	if !strings.HasPrefix(link, s.url+"/links/") {
		t.Fatalf("the link is %s", link)
	}
	if resp, _ := s.do(t, "HEAD", link, ""); resp.StatusCode != 405 {
		t.Errorf("a preview: %s", resp.Status)
	}
	resp, _ := s.do(t, "GET", link, "")
	to := resp.Header.Get("Location")
	if resp.StatusCode != 302 || resp.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%s to %s", resp.Status, to)
	}
	if _, body := s.do(t, "GET", to, ""); body != "hello" {
		t.Errorf("the bucket served %q", body)
	}
	if resp, _ := s.do(t, "GET", link, ""); resp.StatusCode != 410 {
		t.Errorf("used twice: %s", resp.Status)
	}
	if strings.Contains(s.log.String(), strings.TrimPrefix(link, s.url+"/links/")) || strings.Contains(s.log.String(), string(demo.Patient)) {
		t.Error("P10: the link's token or a patient's id is in the log")
	}
}
