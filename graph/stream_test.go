package graph

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/graph/model"
)

var _ Authenticator = (*auth.Authenticator)(nil)

const progress = `subscription { uploadProgress(uploadId: "x") { state } }`

func TestPostRunsNoSubscription(t *testing.T) {
	e := start(t, stage{})
	a := e.ask(progress)
	if a.code() != "BAD_REQUEST" || a.status != http.StatusUnprocessableEntity || !strings.Contains(a.Errors[0].Message, "subscription") {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// events reads the "next" events of an answer in Server-Sent Events, and
// whether it was ended.
func events(t *testing.T, a answer) (out []answer, complete bool) {
	t.Helper()
	lines := bufio.NewScanner(strings.NewReader(a.body))
	for lines.Scan() {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			one := answer{header: a.header, body: data}
			if err := json.Unmarshal([]byte(data), &one); err != nil {
				t.Fatal(err)
			}
			out = append(out, one)
		}
		complete = complete || lines.Text() == "event: complete"
	}
	return out, complete
}

func TestServerSentEvents(t *testing.T) {
	e := start(t, stage{options: func(o *Options) { o.Origins = []string{"https://app.test"} }})
	body := `{"query":` + quote(progress) + `}`
	tests := map[string]struct {
		headers []string
		code    string
	}{
		"authenticated": {[]string{"Authorization: " + clinician}, "NOT_IMPLEMENTED"},
		"nobody":        {nil, "UNAUTHENTICATED"},
		"own origin":    {[]string{"Authorization: " + clinician, "Origin: " + e.URL}, "NOT_IMPLEMENTED"},
		"public origin": {[]string{"Authorization: " + clinician, "Origin: https://bonfire.test"}, "NOT_IMPLEMENTED"},
		"known origin":  {[]string{"Authorization: " + clinician, "Origin: https://app.test"}, "NOT_IMPLEMENTED"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a := e.send(http.MethodPost, "/graphql", body, append(tt.headers, asJSON, "Accept: text/event-stream")...)
			got, complete := events(t, a)
			if len(got) != 1 || !complete || a.header.Get("Content-Type") != "text/event-stream" {
				t.Fatalf("%d %s", a.status, a.body)
			}
			e.checkErrors(got[0])
			wantCode(t, got[0], tt.code)
		})
	}
	for _, origin := range []string{"https://app.test.evil.test", "https://evil-app.test", "http://app.test", "null", "https://app.test/", "https://app.test:444"} {
		a := e.send(http.MethodPost, "/graphql", body, asJSON, "Accept: text/event-stream", "Origin: "+origin, "Authorization: "+clinician)
		if a.status != http.StatusForbidden || a.code() != "FORBIDDEN" {
			t.Errorf("origin %s: %d %s", origin, a.status, a.body)
		}
	}
}

// @defer is answered in parts, and refused where the parts would be lost.
func TestDefer(t *testing.T) {
	e := start(t, stage{actors: principals, file: func(context.Context, string) (*model.File, error) { return fileOf(scan()), nil }})
	const deferred = `{ file(id: "x") { id ... @defer { uploadedBy { id } } } }`
	as := "Authorization: " + clinician
	post := func(query string, accept string) answer {
		return e.send(http.MethodPost, "/graphql", `{"query":`+quote(query)+`}`, asJSON, as, "Accept: "+accept)
	}
	a := post(deferred, "multipart/mixed;deferSpec=20220824, application/json")
	if !strings.HasPrefix(a.header.Get("Content-Type"), "multipart/mixed") || !strings.Contains(a.body, `"hasNext":true`) ||
		!strings.Contains(a.body, `"uploadedBy"`) || !strings.HasSuffix(a.body, "--graphql--\r\n") {
		t.Errorf("multipart: %v %s", a.header, a.body)
	}
	a = post(deferred, "text/event-stream")
	if got, complete := events(t, a); len(got) != 2 || !complete || !strings.Contains(got[1].body, `"uploadedBy"`) {
		t.Errorf("events: %s", a.body)
	}
	wantCode(t, post(deferred, "application/json"), "BAD_REQUEST")
	wantCode(t, post(`query { file(id: "x") { ...f @defer } } fragment f on File { id }`, "*/*"), "BAD_REQUEST")
	wantCode(t, post(`mutation { cancelUpload(input: {uploadId: "x"}) { ... @defer { upload { id } } } }`, "multipart/mixed"), "BAD_REQUEST")
	wantCode(t, post(progress, "multipart/mixed"), "BAD_REQUEST")
	a = post(`{ viewer { id } }`, "multipart/mixed, application/json")
	if !strings.Contains(a.body, string(clinicianID)) {
		t.Errorf("without @defer: %s", a.body)
	}
}

// A part that is still being made when its client goes away does not hold the
// server up: Close waits for every request.
func TestDeferEndsWhenItsClientGoesAway(t *testing.T) {
	release := make(chan struct{})
	e := start(t, stage{
		file: func(context.Context, string) (*model.File, error) { return fileOf(scan()), nil },
		actors: func(ctx context.Context, ids []clinical.ActorID) (map[clinical.ActorID]clinical.Actor, error) {
			<-release
			return principals(ctx, ids)
		},
	})
	for range 20 { // either branch of a select may be taken
		ctx, cancel := context.WithCancel(t.Context())
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL+"/graphql",
			strings.NewReader(`{"query":"{ file(id: \"x\") { id ... @defer { uploadedBy { id } } } }"}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header = http.Header{"Authorization": {clinician}, "Content-Type": {"application/json"}, "Accept": {"text/event-stream"}}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(res.Body)
		for lines.Scan() && !strings.Contains(lines.Text(), `"hasNext":true`) {
		}
		cancel()
		res.Body.Close()
	}
	time.AfterFunc(50*time.Millisecond, func() { close(release) }) // once the server has noticed
	watchdog := time.AfterFunc(20*time.Second, func() { panic("a request never ended") })
	e.Close()
	watchdog.Stop()
}

// dial opens a WebSocket; params become connection_init's payload.
func (e *edge) dial(headers http.Header, protocols ...string) (*websocket.Conn, *http.Response, error) {
	dialer := websocket.Dialer{Subprotocols: protocols, HandshakeTimeout: 10 * time.Second}
	return dialer.DialContext(e.t.Context(), "ws"+strings.TrimPrefix(e.URL, "http")+"/graphql", headers)
}

func (e *edge) socket(headers http.Header, params string) *websocket.Conn {
	e.t.Helper()
	conn, res, err := e.dial(headers, "graphql-ws", subprotocol)
	if err != nil {
		e.t.Fatal(err)
	}
	res.Body.Close()
	e.t.Cleanup(func() { conn.Close() })
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	if conn.Subprotocol() != subprotocol {
		e.t.Fatalf("protocol %q", conn.Subprotocol())
	}
	say(e.t, conn, `{"type":"connection_init","payload":`+params+`}`)
	return conn
}

func say(t *testing.T, conn *websocket.Conn, text string) {
	t.Helper()
	if err := conn.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

type heard struct {
	ID      string          `json:"id"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload"`
}

// hear gives the next message; pings are answered.
func hear(t *testing.T, conn *websocket.Conn) (m heard, err error) {
	t.Helper()
	for {
		if err = conn.ReadJSON(&m); err != nil || m.Type != "ping" {
			return m, err
		}
		say(t, conn, `{"type":"pong"}`)
	}
}

func wantClosed(t *testing.T, conn *websocket.Conn, code int) {
	t.Helper()
	m, err := hear(t, conn)
	var closed *websocket.CloseError
	if !errors.As(err, &closed) || closed.Code != code {
		t.Errorf("message %+v, error %v, want the close code %d", m, err, code)
	}
}

func TestWebSocketAuthenticates(t *testing.T) {
	e := start(t, stage{})
	byHeader := http.Header{"Authorization": {clinician}}
	refusals := map[string]struct {
		headers http.Header
		params  string
	}{
		"nobody":          {nil, `{}`},
		"unknown member":  {nil, `{"authorization":"Bearer test:stranger"}`},
		"no bearer":       {nil, `{"authorization":"test:clinician"}`},
		"foreign purpose": {nil, `{"authorization":"` + clinician + `","purposeOfUse":"HRESCH"}`},
		"params outrank":  {byHeader, `{"authorization":"Bearer test:stranger"}`},
	}
	for name, tt := range refusals {
		t.Run(name, func(t *testing.T) { wantClosed(t, e.socket(tt.headers, tt.params), closeForbidden) })
	}
	for name, tt := range map[string]struct {
		headers http.Header
		params  string
	}{
		"by params":    {nil, `{"authorization":"` + clinician + `"}`},
		"by header":    {byHeader, `{}`},
		"with purpose": {nil, `{"Authorization":"` + clinician + `","purposeOfUse":"ETREAT"}`},
	} {
		t.Run(name, func(t *testing.T) {
			conn := e.socket(tt.headers, tt.params)
			if m, err := hear(t, conn); m.Type != "connection_ack" {
				t.Fatalf("%+v %v", m, err)
			}
			say(t, conn, `{"id":"1","type":"subscribe","payload":{"query":`+quote(progress)+`}}`)
			m, err := hear(t, conn)
			if err != nil || m.Type != "next" || !strings.Contains(string(m.Payload), "NOT_IMPLEMENTED") {
				t.Fatalf("%+v %v %s", m, err, m.Payload)
			}
			if m, err = hear(t, conn); m.Type != "complete" || m.ID != "1" {
				t.Fatalf("%+v %v", m, err)
			}
		})
	}
}

// A membership that ends while a socket is open ends there too.
func TestWebSocketAuthenticatesEachOperation(t *testing.T) {
	e := start(t, stage{})
	conn := e.socket(nil, `{"authorization":"`+clinician+`"}`)
	if m, err := hear(t, conn); m.Type != "connection_ack" {
		t.Fatalf("%+v %v", m, err)
	}
	operation := `{"id":"1","type":"subscribe","payload":{"query":"{ viewer { id } }"}}`
	say(t, conn, operation)
	if m, _ := hear(t, conn); !strings.Contains(string(m.Payload), string(clinicianID)) {
		t.Fatalf("before: %s", m.Payload)
	}
	_, _ = hear(t, conn) // complete
	e.members.remove("clinician")
	say(t, conn, operation)
	if m, _ := hear(t, conn); !strings.Contains(string(m.Payload), "UNAUTHENTICATED") || !strings.Contains(string(m.Payload), "requestId") {
		t.Fatalf("after: %+v %s", m, m.Payload)
	}
}

func TestWebSocketRefusals(t *testing.T) {
	e := start(t, stage{options: func(o *Options) { o.Limits.Depth = 2 }})
	for _, protocol := range []string{"graphql-ws", "chat", ""} {
		_, res, err := e.dial(nil, strings.Fields(protocol)...)
		if err == nil || res.StatusCode != http.StatusBadRequest {
			t.Errorf("protocol %q: %v", protocol, err)
		}
	}
	_, res, err := e.dial(http.Header{"Origin": {"https://evil.test"}}, subprotocol)
	if err == nil || res.StatusCode != http.StatusForbidden {
		t.Errorf("origin: %v", err)
	}
	authorized := `{"authorization":"` + clinician + `"}`
	for _, text := range []string{`JaneDoe`, `{"type":"JaneDoe"}`, `{"id":"1","type":"subscribe","payload":{"query":{"JaneDoe":1}}}`, `{"type":"subscribe","payload":{}}`} {
		conn := e.socket(nil, authorized)
		_, _ = hear(t, conn) // connection_ack
		say(t, conn, text)
		wantClosed(t, conn, closeBadRequest)
	}
	conn := e.socket(nil, authorized)
	_, _ = hear(t, conn)
	say(t, conn, `{"id":"1","type":"subscribe","payload":{"query":"{ patients { nodes { id } } }"}}`)
	if m, _ := hear(t, conn); m.Type != "error" || !strings.Contains(string(m.Payload), "QUERY_LIMIT_EXCEEDED") || !strings.Contains(string(m.Payload), "requestId") {
		t.Errorf("limit: %+v %s", m, m.Payload)
	}
	if strings.Contains(e.log.String(), "JaneDoe") {
		t.Errorf("log: %s", e.log)
	}
}

// A keep-alive that fires when the answer is over writes nothing any more.
func TestNothingIsWrittenAfterTheAnswer(t *testing.T) {
	out := httptest.NewRecorder()
	w := &whileOpen{ResponseWriter: out}
	_, _ = w.Write([]byte("event"))
	w.Flush()
	w.close()
	if _, err := w.Write([]byte(": ping")); err == nil || out.Body.String() != "event" {
		t.Errorf("wrote %q, error %v", out.Body, err)
	}
	out.Flushed = false
	if w.Flush(); out.Flushed {
		t.Error("flushed")
	}
}
