package graph_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/fhir"
	"github.com/bonfiredb/bonfire/graph"
	"github.com/bonfiredb/bonfire/internal/clinictest"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/records"
	"github.com/bonfiredb/bonfire/store"
)

var (
	liveKey = bytes.Repeat([]byte("k"), 32)
	livePDF = []byte("%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n")
)

// live is one replica that serves the demo clinic's real rows.
type live struct {
	*clinictest.Clinic
	*httptest.Server
	t    *testing.T
	stop context.CancelFunc // ends streams, as a server that stops does
}

func goLive(t *testing.T, c *clinictest.Clinic) *live {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	tokens, err := auth.NewDevTokens(liveKey, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	who := auth.New(auth.MembersOf(c.Store), tokens)
	h, err := graph.New(graph.Options{
		Records: c.Records, Auth: who, PublicURL: "https://bonfire.test", ChunkSize: 8 << 20, Log: log,
		FHIR: fhir.Renderer{Base: "https://bonfire.test/fhir/R4", Systems: "https://bonfire.test/fhir"},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Records.Listen(ctx) }()
	ending := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		life, end := context.WithCancel(r.Context())
		defer end()
		defer context.AfterFunc(ctx, end)()
		h.ServeHTTP(w, r.WithContext(life))
	})
	l := &live{Clinic: c, Server: httptest.NewServer(auth.Requests(log, who.Middleware(ending))), t: t, stop: stop}
	t.Cleanup(func() {
		stop()
		l.Server.Close() // waits for every stream
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return l
}

// pair are two replicas on one database.
func pair(t *testing.T) (a, b *live) {
	t.Helper()
	here := clinictest.New(t)
	return goLive(t, here), goLive(t, clinictest.New(t, clinictest.Setup{Env: here.Env}))
}

func (l *live) bearer(who string) string {
	l.t.Helper()
	token, err := auth.DevToken{Name: who, Expires: time.Now().Add(time.Hour), MFA: true}.Sign(liveKey, time.Now())
	if err != nil {
		l.t.Fatal(err)
	}
	return "Bearer " + token
}

func (l *live) begin(who string) clinical.UploadID {
	l.t.Helper()
	size := int64(len(livePDF))
	begun, err := l.Records.BeginUpload(l.t.Context(), l.As(who), records.BeginUpload{
		Patient: demo.Patient, Kind: "intake-form", ContentType: "application/pdf", Length: &size,
	})
	if err != nil {
		l.t.Fatal(err)
	}
	return begun.Upload.ID
}

// upload brings a file in whole.
func (l *live) upload(who string, id clinical.UploadID) clinical.File {
	l.t.Helper()
	up, err := l.Records.OpenUpload(l.t.Context(), l.As(who), id, nil)
	if err != nil {
		l.t.Fatal(err)
	}
	defer up.Release()
	if _, err := up.Receive(l.t.Context(), bytes.NewReader(livePDF), nil); err != nil {
		l.t.Fatal(err)
	}
	f, err := up.Finish(l.t.Context(), false)
	if err != nil {
		l.t.Fatal(err)
	}
	return f
}

// news is one event of a stream as it came over the wire; done is its end.
type news struct {
	done bool
	Data struct {
		UploadProgress *struct {
			State         string
			ReceivedBytes int64
			File          *struct{ ID clinical.FileID }
		}
		FileEvents *struct {
			Cursor, Type string
			File         struct{ ID clinical.FileID }
		}
	}
	Errors []struct {
		Extensions struct{ Code, RequestID string }
	}
}

func (n news) code() string {
	if len(n.Errors) == 0 {
		return ""
	}
	return n.Errors[0].Extensions.Code
}

// transports open a subscription; the function they give reads its next event.
var transports = map[string]func(l *live, who, query string) func() news{"websocket": overSocket, "sse": overSSE}

func overSocket(l *live, who, query string) func() news {
	l.t.Helper()
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}}
	ws, res, err := dialer.DialContext(l.t.Context(), "ws"+strings.TrimPrefix(l.URL, "http")+"/graphql", nil)
	if err != nil {
		l.t.Fatal(err)
	}
	res.Body.Close()
	l.t.Cleanup(func() { ws.Close() })
	_ = ws.SetReadDeadline(time.Now().Add(time.Minute))
	type message struct {
		ID      string `json:"id,omitempty"`
		Type    string `json:"type"`
		Payload any    `json:"payload,omitempty"`
	}
	say := func(m message) {
		if err := ws.WriteJSON(m); err != nil {
			l.t.Fatal(err)
		}
	}
	say(message{Type: "connection_init", Payload: map[string]string{"authorization": l.bearer(who)}})
	say(message{ID: "1", Type: "subscribe", Payload: map[string]string{"query": query}})
	return func() (n news) {
		l.t.Helper()
		for {
			var m struct {
				Type    string
				Payload json.RawMessage
			}
			if err := ws.ReadJSON(&m); websocket.IsCloseError(err, websocket.CloseNormalClosure, websocket.CloseGoingAway) {
				return news{done: true}
			} else if err != nil {
				l.t.Fatal(err)
			}
			switch m.Type {
			case "next":
				l.decode(m.Payload, &n)
				return n
			case "complete":
				return news{done: true}
			case "error":
				l.t.Fatalf("error: %s", m.Payload)
			}
		}
	}
}

func overSSE(l *live, who, query string) func() news {
	l.t.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		l.t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	l.t.Cleanup(stop)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, l.URL+"/graphql", bytes.NewReader(body))
	if err != nil {
		l.t.Fatal(err)
	}
	r.Header = http.Header{"Accept": {"text/event-stream"}, "Content-Type": {"application/json"}, "Authorization": {l.bearer(who)}}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { res.Body.Close() })
	lines := bufio.NewScanner(res.Body)
	return func() (n news) {
		l.t.Helper()
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				l.decode([]byte(data), &n)
				return n
			}
			if lines.Text() == "event: complete" {
				return news{done: true}
			}
		}
		if err := lines.Err(); err != nil && err != io.ErrUnexpectedEOF {
			l.t.Fatal(err)
		}
		return news{done: true}
	}
}

func (l *live) decode(raw []byte, n *news) {
	l.t.Helper()
	if err := json.Unmarshal(raw, n); err != nil {
		l.t.Fatalf("%v: %s", err, raw)
	}
}

func progressOf(id clinical.UploadID) string {
	return `subscription { uploadProgress(uploadId: "` + string(id) + `") { state receivedBytes file { id } } }`
}

func filesOf(patient clinical.PatientID, args string) string {
	return `subscription { fileEvents(patientId: "` + string(patient) + `"` + args + `) { cursor type at file { id title } } }`
}

// An upload that one replica receives is followed over the other, to its end.
func TestUploadProgressOverTheWire(t *testing.T) {
	here, there := pair(t)
	for name, open := range transports {
		t.Run(name, func(t *testing.T) {
			id := here.begin("clinician")
			next := open(there, "clinician", progressOf(id))
			if n := next(); n.Data.UploadProgress == nil || n.Data.UploadProgress.State != "OPEN" {
				t.Fatalf("first: %+v", n)
			}
			f := here.upload("clinician", id)
			n := next()
			for n.code() == "" && !n.done && n.Data.UploadProgress.State != "COMPLETED" {
				n = next()
			}
			if p := n.Data.UploadProgress; p == nil || p.ReceivedBytes != int64(len(livePDF)) || p.File == nil || p.File.ID != f.ID {
				t.Fatalf("last: %+v", n)
			}
			if n := next(); !n.done {
				t.Errorf("it goes on: %+v", n)
			}
			if n := open(there, "colleague", progressOf(id))(); n.code() != "NOT_FOUND" || n.Errors[0].Extensions.RequestID == "" {
				t.Errorf("another's: %+v", n)
			}
		})
	}
}

// Events come in order, a cursor goes on where it was, and a membership that
// ends takes the stream with it.
func TestFileEventsOverTheWire(t *testing.T) {
	for name, open := range transports {
		t.Run(name, func(t *testing.T) {
			here, there := pair(t)
			first := here.upload("clinician", here.begin("clinician"))
			next := open(there, "clinician", filesOf(demo.Patient, ""))
			one := next()
			if e := one.Data.FileEvents; e == nil || e.File.ID != first.ID || e.Type != "CREATED" {
				t.Fatalf("first: %+v", one)
			}
			second := here.upload("clinician", here.begin("clinician"))
			if e := next().Data.FileEvents; e == nil || e.File.ID != second.ID {
				t.Fatalf("second: %+v", e)
			}
			if _, err := here.Records.CreateNote(t.Context(), here.As("clinician"), records.CreateNote{
				Patient: demo.Patient, Draft: "S: better", DerivedFrom: []string{string(second.ID)},
			}); err != nil {
				t.Fatal(err)
			}
			if e := next().Data.FileEvents; e == nil || e.File.ID != second.ID || e.Type != "LINKED" {
				t.Fatalf("a note names the second: %+v", e)
			}
			again := open(here, "clinician", filesOf(demo.Patient, `, afterCursor: "`+one.Data.FileEvents.Cursor+`"`))
			if e := again().Data.FileEvents; e == nil || e.File.ID != second.ID {
				t.Fatalf("with a cursor: %+v", e)
			}
			if e := again().Data.FileEvents; e == nil || e.Type != "LINKED" {
				t.Fatalf("then: %+v", e)
			}
			if n := open(here, "colleague", filesOf(demo.Patient, ""))(); n.code() != "NOT_FOUND" {
				t.Errorf("a hidden patient: %+v", n)
			}
			if n := open(here, "clinician", filesOf(demo.Patient, `, afterCursor: "x"`))(); n.code() != "BAD_USER_INPUT" {
				t.Errorf("a cursor that is none: %+v", n)
			}

			clinician := here.As("clinician")
			by := here.begin("clerk")
			if err := here.Store.InTx(t.Context(), demo.Harbor, func(ctx context.Context, tx *store.Tx) error {
				return tx.EndMember(ctx, clinician.ID)
			}); err != nil {
				t.Fatal(err)
			}
			here.upload("clerk", by)
			for which, read := range map[string]func() news{"there": next, "here": again} {
				if n := read(); n.code() != "FORBIDDEN" {
					t.Errorf("%s, revoked: %+v", which, n)
				}
				if n := read(); !n.done {
					t.Errorf("%s goes on: %+v", which, n)
				}
			}
		})
	}
}

// A server that stops ends its streams, and leaves nothing running.
func TestStoppingEndsStreams(t *testing.T) {
	l := goLive(t, clinictest.New(t))
	id := l.begin("clinician")
	var reads []func() news
	for _, open := range transports {
		next := open(l, "clinician", progressOf(id))
		next()
		reads = append(reads, next)
	}
	l.stop()
	for _, read := range reads {
		if n := read(); !n.done {
			t.Errorf("after the stop: %+v", n)
		}
	}
}
