package graph

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/99designs/gqlgen/graphql"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
)

// door lets in only what the transports behind it can take without a mistake:
// gqlgen's own answer to a malformed body repeats the body, to the client and
// to the log, and its other refusals carry neither code nor request id.
type door struct {
	inside  http.Handler
	origins origins
	body    int64 // bytes
	log     *slog.Logger
}

// entry is how a request came in.
type entry struct {
	get     bool
	stream  bool // SSE or WebSocket: may carry a subscription
	inParts bool // a stream, or multipart/mixed: may carry what @defer puts off
	// authorization and purpose are set on a WebSocket, each operation of
	// which is authenticated anew.
	authorization string
	purpose       clinical.PurposeOfUse
}

func (e entry) socket() bool { return e.get && e.stream }

type entryKey struct{}

func withEntry(ctx context.Context, e entry) context.Context {
	return context.WithValue(ctx, entryKey{}, e)
}

func entryOf(ctx context.Context) entry {
	e, _ := ctx.Value(entryKey{}).(entry)
	return e
}

// refused is an answer of the door: constant words and the status.
type refused struct {
	status int
	code   string
	words  string
}

func malformed(words string) *refused {
	return &refused{http.StatusBadRequest, codeBadRequest, words}
}

// ServeHTTP checks the request's form and passes it on.
func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store") // answers hold patient data
	w.Header().Set("X-Content-Type-Options", "nosniff")
	upgrade := strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
	if !upgrade {
		r.Header.Del("Upgrade") // to h2c, say: a server may go on as it is (RFC 9110 section 7.8)
	}
	var e entry
	var no *refused
	switch {
	case r.Method == http.MethodGet && upgrade:
		e, no = d.socket(r)
	case r.Method == http.MethodGet:
		e, no = d.get(r)
	case r.Method == http.MethodPost && !upgrade:
		e, no = d.post(w, r)
	default:
		w.Header().Set("Allow", "GET, POST")
		no = &refused{http.StatusMethodNotAllowed, codeBadRequest, "use GET or POST"}
	}
	if no != nil {
		d.refuse(w, r, no)
		return
	}
	r = r.WithContext(withEntry(r.Context(), e))
	if e.inParts && !e.socket() {
		until := &whileOpen{ResponseWriter: w}
		defer until.close()
		w = until
	}
	d.inside.ServeHTTP(w, r)
}

// socket admits a WebSocket that speaks graphql-transport-ws.
func (d *door) socket(r *http.Request) (entry, *refused) {
	if !d.origins.allow(r) {
		return entry{}, foreignOrigin
	}
	for _, offered := range r.Header.Values("Sec-WebSocket-Protocol") {
		for protocol := range strings.SplitSeq(offered, ",") {
			if strings.TrimSpace(protocol) == subprotocol {
				return entry{get: true, stream: true, inParts: true,
					authorization: r.Header.Get("Authorization"),
					purpose:       clinical.PurposeOfUse(r.Header.Get(auth.PurposeHeader))}, nil
			}
		}
	}
	return entry{}, malformed("the WebSocket must speak " + subprotocol)
}

// preflighted are headers that a page of another origin cannot send without
// asking first (Fetch standard, CORS-safelisted request-header).
var preflighted = []string{"Apollo-Require-Preflight", "X-Apollo-Operation-Name", "GraphQL-Require-Preflight"}

// get admits a persisted query. Its text never stands in a URL, where logs
// and histories would keep it.
func (d *door) get(r *http.Request) (entry, *refused) {
	safe := isJSON(r)
	for _, name := range preflighted {
		safe = safe || r.Header.Get(name) != ""
	}
	if !safe {
		return entry{}, malformed("a GET needs the header Apollo-Require-Preflight or X-Apollo-Operation-Name")
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return entry{}, malformed("the query string is malformed")
	}
	if query.Get("query") != "" || query.Get("extensions") == "" {
		return entry{}, malformed("a GET takes a persisted query only; send others by POST")
	}
	for _, name := range []string{"variables", "extensions"} {
		if v := query.Get(name); v != "" && !decodes([]byte(v), new(map[string]any)) {
			return entry{}, malformed(name + " must be a JSON object")
		}
	}
	return entry{get: true}, nil
}

// post admits one operation as JSON, and puts the body back for the transport.
func (d *door) post(w http.ResponseWriter, r *http.Request) (entry, *refused) {
	accept := r.Header.Get("Accept")
	e := entry{stream: strings.Contains(accept, "text/event-stream")}
	e.inParts = e.stream || strings.Contains(accept, "multipart/mixed")
	if e.stream && !d.origins.allow(r) {
		return e, foreignOrigin
	}
	if !isJSON(r) {
		return e, &refused{http.StatusUnsupportedMediaType, codeBadRequest, "the content type must be application/json"}
	}
	limit, nobody := d.body, auth.Actor(r.Context()).Anonymous()
	if nobody {
		limit = min(limit, anonymousBody)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge) && nobody:
		return e, &refused{http.StatusUnauthorized, codes[clinical.Unauthenticated], "send a bearer token"}
	case errors.As(err, &tooLarge):
		return e, &refused{http.StatusRequestEntityTooLarge, codeLimit, "the request body is too large"}
	case err != nil:
		return e, malformed("the request body could not be read")
	case bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("[")):
		return e, &refused{http.StatusBadRequest, codeLimit, "one operation a request: batches are not taken"}
	case !decodes(body, new(graphql.RawParams)):
		return e, malformed("the body must be a JSON object with query, operationName, variables and extensions")
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return e, nil
}

// anonymousBody is how much is read from somebody without a token, bytes:
// enough to read the schema, where that is open.
const anonymousBody = 16 << 10

var foreignOrigin = &refused{http.StatusForbidden, codes[clinical.Forbidden], "streams are not open to pages of this origin"}

// refuse answers in the form of a GraphQL error.
func (d *door) refuse(w http.ResponseWriter, r *http.Request, no *refused) {
	id := auth.RequestID(r.Context())
	what := []slog.Attr{slog.Any("codes", []string{no.code}), slog.String("reason", no.words)}
	if !auth.Describe(r.Context(), what...) {
		d.log.LogAttrs(r.Context(), slog.LevelInfo, "graphql refused", append(what, slog.String("request", id))...)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(no.status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []any{map[string]any{
		"message":    no.words,
		"extensions": map[string]any{"code": no.code, "requestId": id},
	}}})
}

func isJSON(r *http.Request) bool {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && mediaType == "application/json"
}

// decodes reports whether body is one JSON value of the form of into, and
// nothing after it.
func decodes(body []byte, into any) bool {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if dec.Decode(into) != nil {
		return false
	}
	_, err := dec.Token()
	return err == io.EOF
}
