package auth_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
)

// journal is a log that tests read.
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

// event is the last "request" event.
func (j *journal) event(t *testing.T) map[string]any {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(j.String()), "\n")
	for k := len(lines) - 1; k >= 0; k-- {
		var e map[string]any
		if err := json.Unmarshal([]byte(lines[k]), &e); err == nil && e["msg"] == "request" {
			return e
		}
	}
	t.Fatalf("no request event in: %s", j)
	return nil
}

func (j *journal) logger() *slog.Logger { return slog.New(slog.NewJSONHandler(j, nil)) }

// handler runs one request through Requests and gives the answer.
func through(j *journal, r *http.Request, pattern string, h http.HandlerFunc) *httptest.ResponseRecorder {
	mux := http.NewServeMux()
	mux.Handle(pattern, h)
	w := httptest.NewRecorder()
	auth.Requests(j.logger(), mux).ServeHTTP(w, r)
	return w
}

func TestRequestIDIsTakenWhenSaneAndMadeOtherwise(t *testing.T) {
	for sent, taken := range map[string]bool{
		"0190a1b2-c3d4":         true,
		"gateway_1.abc-XYZ":     true,
		"":                      false,
		"short":                 false,
		"with blank inside":     false,
		"line\nbreak-in-an-id":  false,
		strings.Repeat("x", 65): false,
		"<script>alert</script": false,
		"-begins-with-a-hyphen": false,
	} {
		var inside string
		r := httptest.NewRequest("GET", "/x", nil)
		r.Header[auth.RequestIDHeader] = []string{sent}
		w := through(&journal{}, r, "/x", func(w http.ResponseWriter, r *http.Request) {
			inside = auth.RequestID(r.Context())
			if auth.Actor(r.Context()).Session.RequestID != inside {
				t.Errorf("%q: the zero Actor does not carry the request's id", sent)
			}
		})
		got := w.Header().Get(auth.RequestIDHeader)
		if got != inside || got == "" || (got == sent) != taken {
			t.Errorf("sent %q: answered %q, inside %q", sent, got, inside)
		}
	}
}

// TestP10_LogHoldsNoPathsOrQueries: ids and tokens travel in both.
func TestP10_LogHoldsNoPathsOrQueries(t *testing.T) {
	j := &journal{}
	r := httptest.NewRequest("GET", "/links/s3cr3t-token?name=Doe", nil)
	r.Header.Set("Authorization", "Bearer s3cr3t-bearer")
	r.Header.Set("User-Agent", "Jane-Doe-phone")
	through(j, r, "GET /links/{token}", func(w http.ResponseWriter, r *http.Request) {
		ctx := auth.WithActor(r.Context(), clinical.Actor{ID: "actor-7", Display: "Dr Doe"})
		if auth.Actor(ctx).ID != "actor-7" {
			t.Error("WithActor did not take")
		}
		w.WriteHeader(http.StatusGone)
	})
	e := j.event(t)
	if e["route"] != "GET /links/{token}" || e["method"] != "GET" || e["status"] != float64(410) || e["actor"] != "actor-7" ||
		e["request"] == "" || e["latency"] == nil {
		t.Errorf("the event lacks something: %v", e)
	}
	for _, leak := range []string{"s3cr3t", "Doe"} {
		if strings.Contains(j.String(), leak) {
			t.Errorf("%q is in the log: %s", leak, j)
		}
	}
	through(j, httptest.NewRequest("JANEDOE", "/x", nil), "/x", func(http.ResponseWriter, *http.Request) {})
	if j.event(t)["method"] != "other" {
		t.Error("a made-up method is in the log")
	}
}

// TestP10_PanicTellsNobodyItsValue: it may hold anything.
func TestP10_PanicTellsNobodyItsValue(t *testing.T) {
	j := &journal{}
	w := through(j, httptest.NewRequest("POST", "/graphql", nil), "/graphql", func(http.ResponseWriter, *http.Request) {
		panic("Jane Doe, born 1970")
	})
	if w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), `"INTERNAL_SERVER_ERROR"`) {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
	if strings.Contains(w.Body.String()+j.String(), "Doe") {
		t.Errorf("the value got out: %s %s", w.Body, j)
	}
	if !strings.Contains(j.String(), "request_test.go") || j.event(t)["status"] != float64(500) {
		t.Errorf("the log does not help: %s", j)
	}
}

// TestPanicHalfWay: an answer that was begun must not look complete.
func TestPanicHalfWay(t *testing.T) {
	srv := httptest.NewServer(auth.Requests((&journal{}).logger(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "half")
		w.(http.Flusher).Flush()
		panic("later")
	})))
	defer srv.Close()
	resp, err := http.Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.ReadAll(resp.Body); err == nil {
		t.Error("the client took the half for the whole")
	}
}

// TestRecorderKeepsTheConnectionReachable: tusd and the WebSocket need it.
func TestRecorderKeepsTheConnectionReachable(t *testing.T) {
	j := &journal{}
	logged := make(chan struct{}) // the server does not wait for whoever has taken a connection over
	requests := auth.Requests(j.logger(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := http.NewResponseController(w).EnableFullDuplex(); err != nil {
			t.Errorf("ResponseController: %v", err)
		}
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Errorf("Hijack: %v", err)
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
		_ = conn.Close()
	}))
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(logged)
		requests.ServeHTTP(w, r)
	}))
	defer srv.Close()
	resp, err := http.Get(srv.URL)
	if err != nil || resp.StatusCode != http.StatusNoContent {
		t.Fatalf("got %v, %v", resp, err)
	}
	<-logged
	if j.event(t)["status"] != float64(http.StatusSwitchingProtocols) {
		t.Errorf("event %v", j.event(t))
	}
}
