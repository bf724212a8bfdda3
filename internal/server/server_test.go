package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/internal/config"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
	"github.com/bonfiredb/bonfire/internal/server"
	"github.com/bonfiredb/bonfire/store"
)

func TestMain(m *testing.M) { devtest.Main(m) }

var devKey = bytes.Repeat([]byte("k"), 32)

func migrate(ctx context.Context, url string) error {
	_, err := store.Migrate(ctx, url)
	return err
}

// running is a server that serves the demo clinic until stop is called.
type running struct {
	url   string
	log   *journal
	rooms *server.Rooms
	stop  func() error // tells it to stop, waits, gives Run's error
}

// start starts a server on env; vars are put over its environment.
func start(t *testing.T, env *devtest.Env, vars ...string) *running {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &running{url: "http://" + ln.Addr().String(), log: &journal{}}
	environ := append(append(env.Environ(), "BONFIRE_PUBLIC_URL="+s.url, "BONFIRE_SPOOL_DIR="+t.TempDir()), vars...)
	cfg, err := config.Load(environ)
	if err != nil {
		t.Fatal(err)
	}
	o := server.Options{
		Config: cfg, Dev: true, DevKey: devKey, Log: slog.New(slog.NewTextHandler(s.log, nil)),
		Credentials: credentials.NewStaticCredentialsProvider(env.AccessKey, env.SecretKey, ""),
	}
	if s.rooms, err = server.Open(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.rooms.Close() })
	if err := s.rooms.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := demo.Seed(t.Context(), s.rooms.Store, time.Now()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- s.rooms.Run(ctx, o, ln, func() { close(ready) }) }()
	s.stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	<-ready
	return s
}

type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.String()
}

func bearer(t *testing.T, name string) string {
	t.Helper()
	token, err := auth.DevToken{Name: name, Expires: time.Now().Add(time.Hour), MFA: true}.Sign(devKey, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return "Bearer " + token
}

// noRedirect shows redirects instead of following them.
var noRedirect = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

func (s *running) do(t *testing.T, method, path, body string, header ...string) (*http.Response, string) {
	t.Helper()
	if !strings.HasPrefix(path, "http") {
		path = s.url + path
	}
	req, err := http.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := noRedirect.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(text)
}

// graphql runs an operation as a demo principal and decodes its data.
func (s *running) graphql(t *testing.T, who, query string, out any) {
	t.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		t.Fatal(err)
	}
	resp, text := s.do(t, http.MethodPost, "/graphql", string(body), "Content-Type", "application/json", "Authorization", bearer(t, who))
	var answer struct {
		Data   json.RawMessage
		Errors []any
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil || len(answer.Errors) > 0 {
		t.Fatalf("%s: %s %s", query, resp.Status, text)
	}
	if err := json.Unmarshal(answer.Data, out); err != nil {
		t.Fatal(err)
	}
}

// reserve begins an upload and gives its URL and token header.
func (s *running) reserve(t *testing.T, size string) (id, url string, header []string) {
	t.Helper()
	var out struct {
		CreateUpload struct {
			Upload struct{ ID string }
			Tus    struct {
				URL     string
				Headers []struct{ Name, Value string }
			}
		}
	}
	s.graphql(t, "clinician", fmt.Sprintf(`mutation { createUpload(input: {patientId: %q, kind: "raw", contentType: "application/octet-stream", size: %s}) {
		upload { id } tus { url headers { name value } } } }`, demo.Patient, size), &out)
	header = []string{"Tus-Resumable", "1.0.0"}
	for _, h := range out.CreateUpload.Tus.Headers {
		header = append(header, h.Name, h.Value)
	}
	return out.CreateUpload.Upload.ID, out.CreateUpload.Tus.URL, header
}
