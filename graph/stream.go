package graph

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
)

// subprotocol is the one WebSocket protocol spoken
// (https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md).
const subprotocol = "graphql-transport-ws"

// Close codes of the protocol, and of RFC 6455's registry.
const (
	closeBadRequest = 4400
	closeForbidden  = 4403
	closeTryAgain   = 1013
)

// streams authenticates WebSockets: once when they open, and again for each
// operation, so that a membership that ended ends there too.
type streams struct {
	auth      Authenticator
	presenter *presenter
	limit     int64 // bytes of one message
}

// ExtensionName names the extension to gqlgen.
func (s *streams) ExtensionName() string { return "Streams" }

// Validate has nothing to check.
func (s *streams) Validate(graphql.ExecutableSchema) error { return nil }

func (s *streams) websocket() transport.Websocket {
	return transport.Websocket{
		Implementation:   socketMaker{},
		InitFunc:         s.open,
		InitTimeout:      10 * time.Second,
		PingPongInterval: keepAlive,
		PayloadReadLimit: &s.limit,
	}
}

// open answers connection_init. connectionParams carries what a browser cannot
// send as headers: authorization and, if wanted, purposeOfUse.
func (s *streams) open(ctx context.Context, params transport.InitPayload) (context.Context, *transport.InitPayload, error) {
	e := entryOf(ctx)
	if value := params.Authorization(); value != "" {
		e.authorization = value
	}
	if value := params.GetString("purposeOfUse"); value != "" {
		e.purpose = clinical.PurposeOfUse(value)
	}
	actor, err := s.auth.Authenticate(ctx, e.authorization, e.purpose)
	if err == nil && !actor.Anonymous() {
		return auth.WithActor(withEntry(ctx, e), actor), nil, nil
	}
	code, reason := closeForbidden, "Forbidden"
	if clinical.Is(err, clinical.Unavailable) {
		code, reason = closeTryAgain, "Try again later"
	}
	ctx = transport.WithWebsocketCloseCode(transport.AppendCloseReason(ctx, reason), code)
	return ctx, nil, errors.New(reason)
}

// InterceptOperation authenticates each operation of a WebSocket anew.
func (s *streams) InterceptOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	e := entryOf(ctx)
	if !e.socket() {
		return next(ctx)
	}
	actor, err := s.auth.Authenticate(ctx, e.authorization, e.purpose)
	if err != nil {
		return graphql.OneShot(&graphql.Response{Errors: gqlerror.List{s.presenter.present(ctx, err)}})
	}
	return next(auth.WithActor(ctx, actor))
}

// socketMaker accepts WebSockets of our protocol. Origins were checked at the door.
type socketMaker struct{}

// Accept upgrades the connection.
func (socketMaker) Accept(w http.ResponseWriter, r *http.Request, o transport.WebsocketAcceptOptions) (transport.WebsocketConn, error) {
	var upgrader transport.CoderWebsocketImplementation
	upgrader.AcceptOptions.InsecureSkipVerify = true
	o.Subprotocols = []string{subprotocol}
	conn, err := upgrader.Accept(w, r, o)
	if err != nil {
		return nil, err
	}
	return socket{conn}, nil
}

// socket closes with 4400 on a message that the protocol does not know, as it
// says, where gqlgen would answer without a code.
type socket struct{ transport.WebsocketConn }

// message is what a client may send.
type message struct {
	ID      string          `json:"id"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload"`
}

// NextReader gives the next message, once its form was checked.
func (s socket) NextReader() (int, io.Reader, error) {
	kind, r, err := s.WebsocketConn.NextReader()
	if err != nil {
		return kind, nil, err
	}
	body, err := io.ReadAll(r)
	if err != nil {
		return kind, nil, err
	}
	if !wellFormed(body) {
		_ = s.WriteClose(closeBadRequest, "Invalid message")
		return kind, nil, transport.ErrWebsocketClosed
	}
	return kind, bytes.NewReader(body), nil
}

func wellFormed(body []byte) bool {
	var m message
	if !decodes(body, &m) {
		return false
	}
	switch m.Type {
	case "connection_init", "ping", "pong":
		return len(m.Payload) == 0 || decodes(m.Payload, new(map[string]any))
	case "subscribe":
		return m.ID != "" && decodes(m.Payload, new(graphql.RawParams))
	case "complete":
		return m.ID != ""
	}
	return false
}

// SetReadLimit bounds one message; gqlgen looks for it by interface.
func (s socket) SetReadLimit(limit int64) {
	if c, ok := s.WebsocketConn.(transport.WebsocketReadLimiter); ok {
		c.SetReadLimit(limit)
	}
}

// SetReadDeadline bounds the wait for a pong; gqlgen looks for it by interface.
func (s socket) SetReadDeadline(t time.Time) error {
	if c, ok := s.WebsocketConn.(transport.WebsocketReadDeadliner); ok {
		return c.SetReadDeadline(t)
	}
	return nil
}

// whileOpen drops what is written after the handler has returned: gqlgen's
// keep-alive may fire once more then, into a connection that is another
// request's already.
type whileOpen struct {
	http.ResponseWriter
	mu     sync.Mutex
	closed bool
}

func (w *whileOpen) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
}

// Write writes while the handler runs.
func (w *whileOpen) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return 0, http.ErrHandlerTimeout
	}
	return w.ResponseWriter.Write(p)
}

// Flush sends what was written, while the handler runs.
func (w *whileOpen) Flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		_ = http.NewResponseController(w.ResponseWriter).Flush()
	}
}
