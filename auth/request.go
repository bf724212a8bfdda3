package auth

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"sync"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
)

// RequestIDHeader carries the request's id, on every response and, from a
// proxy or a client that has one, on the request.
const RequestIDHeader = "X-Request-Id"

// saneID is what is taken for an id from outside: it goes into logs, audit events and answers as it stands.
var saneID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{7,63}$`)

// request is what is learned of a request on its way, for its log event.
type request struct {
	id string

	mu     sync.Mutex
	actor  clinical.ActorID
	reason string // why it was refused, in constant words
	fault  error  // what was behind a refusal that is not the caller's doing
	more   []slog.Attr
	out    *recorder
}

func (r *request) noteActor(id clinical.ActorID) {
	r.mu.Lock()
	r.actor = id
	r.mu.Unlock()
}

func (r *request) noteReason(words string) {
	r.mu.Lock()
	r.reason = words
	r.mu.Unlock()
}

func (r *request) noteFault(err error) {
	r.mu.Lock()
	r.fault = err
	r.mu.Unlock()
}

// Describe adds what an edge knows of the request to its log event, so that there
// is one event and not one of each. False when that event cannot hold it, and the
// edge writes its own: outside Requests, on a connection that was taken over and
// carries one operation after another, and when the request is described already.
func Describe(ctx context.Context, attrs ...slog.Attr) bool {
	req := requestOf(ctx)
	if req == nil {
		return false
	}
	req.mu.Lock()
	defer req.mu.Unlock()
	if req.out.status == http.StatusSwitchingProtocols || req.more != nil {
		return false
	}
	req.more = attrs
	return true
}

// Answered is what an observer, a metric for example, is told of a request.
type Answered struct {
	Method, Route string
	Status        int
	Latency       time.Duration
}

// Requests is the outermost middleware: it gives each request an id and writes
// one log event for it with id, actor, method, route, status and latency. The
// route is the pattern that matched and never the path: paths and query
// strings hold ids and tokens. A panic becomes a 500 that says nothing; its
// stack goes to the log, its value does not, since that may be anything.
//
// Observers are told of each request when it has been answered.
func Requests(log *slog.Logger, next http.Handler, observers ...func(Answered)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		req := &request{id: r.Header.Get(RequestIDHeader)}
		if !saneID.MatchString(req.id) {
			req.id = clinical.NewID[string](began)
		}
		r = r.WithContext(context.WithValue(r.Context(), requestKey, req))
		w.Header().Set(RequestIDHeader, req.id)
		out := &recorder{ResponseWriter: w}
		req.out = out
		defer func() {
			fault := recover()
			begun := out.status != 0
			if fault != nil && fault != http.ErrAbortHandler {
				log.LogAttrs(r.Context(), slog.LevelError, "panic", slog.String("request", req.id),
					slog.String("route", r.Pattern), slog.String("stack", string(debug.Stack())))
				if !begun {
					refuse(out, r, clinical.Fail(clinical.Internal, "internal error", nil))
				}
			}
			done := Answered{Method: method(r.Method), Route: r.Pattern, Status: cmp.Or(out.status, http.StatusOK), Latency: time.Since(began)}
			req.log(r.Context(), log, done)
			for _, observe := range observers {
				observe(done)
			}
			if fault == http.ErrAbortHandler || fault != nil && begun {
				panic(http.ErrAbortHandler) // a half-written answer must not look whole
			}
		}()
		next.ServeHTTP(out, r)
	})
}

func (r *request) log(ctx context.Context, log *slog.Logger, done Answered) {
	r.mu.Lock()
	defer r.mu.Unlock()
	level := slog.LevelInfo
	if done.Status >= 500 {
		level = slog.LevelWarn
	}
	attrs := []slog.Attr{
		slog.String("request", r.id), slog.String("method", done.Method), slog.String("route", done.Route),
		slog.Int("status", done.Status), slog.Duration("latency", done.Latency),
	}
	if r.actor != "" {
		attrs = append(attrs, slog.String("actor", string(r.actor)))
	}
	if r.reason != "" {
		attrs = append(attrs, slog.String("reason", r.reason))
	}
	if r.fault != nil {
		attrs = append(attrs, slog.String("error", r.fault.Error()))
	}
	log.LogAttrs(ctx, level, "request", append(attrs, r.more...)...)
}

// method keeps made-up methods, which are free text, out of the log.
func method(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return m
	}
	return "other"
}
