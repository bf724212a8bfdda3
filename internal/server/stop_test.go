package server_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
)

// TestP1_StoppingCommitsWhatArrived: a client sends half of a file and stands
// still; the server is told to stop. It does so soon, and what had arrived is
// there for the next server.
func TestP1_StoppingCommitsWhatArrived(t *testing.T) {
	t.Parallel()
	env := devtest.NewFrom(t, "schema", migrate)
	s := start(t, env)
	_, url, header := s.reserve(t, "2000000")
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	path := strings.TrimPrefix(url, s.url)
	head := fmt.Sprintf("PATCH %s HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\nUpload-Offset: 0\r\nContent-Type: application/offset+octet-stream\r\n", path)
	for i := 0; i < len(header); i += 2 {
		head += header[i] + ": " + header[i+1] + "\r\n"
	}
	if _, err := io.WriteString(conn, head+"\r\n"+strings.Repeat("x", 1_000_000)); err != nil {
		t.Fatal(err)
	}
	waitUntil(t, "the server reads the body", func() bool { return s.rooms.Budget.Used() >= 1_000_000 })
	began := time.Now()
	if err := s.stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("it took %s to stop", took)
	}
	next := start(t, env, "BONFIRE_PUBLIC_URL="+s.url)
	resp, body := next.do(t, "HEAD", next.url+path, "", header...)
	if offset, _ := strconv.Atoi(resp.Header.Get("Upload-Offset")); offset != 1_000_000 {
		t.Errorf("%s: offset %d %s, want what had arrived", resp.Status, offset, body)
	}
}

// TestStoppingEndsSubscriptions, which would never end by themselves.
func TestStoppingEndsSubscriptions(t *testing.T) {
	t.Parallel()
	s := start(t, devtest.NewFrom(t, "schema", migrate))
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}}
	ws, _, err := dialer.Dial("ws"+strings.TrimPrefix(s.url, "http")+"/graphql", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	say := func(v any) {
		t.Helper()
		if err := ws.WriteJSON(v); err != nil {
			t.Fatal(err)
		}
	}
	type message map[string]any
	say(message{"type": "connection_init", "payload": message{"authorization": bearer(t, "clinician")}})
	var got message
	if err := ws.ReadJSON(&got); err != nil || got["type"] != "connection_ack" {
		t.Fatalf("got %v, %v", got, err)
	}
	say(message{"type": "subscribe", "id": "1", "payload": message{
		"query": fmt.Sprintf(`subscription { fileEvents(patientId: %q) { cursor } }`, demo.Patient),
	}})
	req, err := http.NewRequestWithContext(t.Context(), "POST", s.url+"/graphql",
		strings.NewReader(fmt.Sprintf(`{"query":"subscription { fileEvents(patientId: \"%s\") { cursor } }"}`, demo.Patient)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", bearer(t, "clinician"))
	stream, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	began := time.Now()
	if err := s.stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %s to stop", took)
	}
	_ = ws.SetReadDeadline(time.Now().Add(5 * time.Second))
	for {
		if _, _, err := ws.ReadMessage(); err != nil {
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				t.Error("the WebSocket is still open")
			}
			return
		}
	}
}

func waitUntil(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: it never happened", what)
		}
	}
}
