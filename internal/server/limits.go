package server

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/tus/tusd/v2/pkg/handler"
)

// bodyTime is how long a request to the API may take to arrive. Uploads have
// limits of their own: an hour's recording is one request that takes an hour.
const bodyTime = 30 * time.Second

// inTime ends the reading of a body that trickles in. The deadline is lifted
// with the last byte: on an open stream it would otherwise end the connection.
func inTime(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			conn := http.NewResponseController(w)
			if conn.SetReadDeadline(time.Now().Add(bodyTime)) == nil {
				r.Body = &timedBody{r.Body, func() { _ = conn.SetReadDeadline(time.Time{}) }}
			}
		}
		next.ServeHTTP(w, r)
	})
}

type timedBody struct {
	io.ReadCloser
	arrived func()
}

// Read lifts the deadline when there is nothing more to read.
func (b *timedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.arrived()
	}
	return n, err
}

// lifetimes ends long requests when the server stops: the context is done when it does.
type lifetimes struct{ stopping context.Context }

// endUploads stops the reading of bodies; what arrived is committed, and the
// client goes on at another replica. The cause is the one that tusd knows.
func (l lifetimes) endUploads(next http.Handler) http.Handler {
	return l.end(next, handler.ErrServerShutdown, func(*http.Request) bool { return true })
}

// endStreams ends subscriptions, which would never end by themselves.
func (l lifetimes) endStreams(next http.Handler) http.Handler {
	return l.end(next, context.Canceled, func(r *http.Request) bool {
		return r.Header.Get("Upgrade") != "" || strings.Contains(r.Header.Get("Accept"), "text/event-stream")
	})
}

func (l lifetimes) end(next http.Handler, cause error, which func(*http.Request) bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if which(r) {
			ctx, cancel := context.WithCancelCause(r.Context())
			defer cancel(nil)
			defer context.AfterFunc(l.stopping, func() { cancel(cause) })()
			r = r.WithContext(ctx)
		}
		next.ServeHTTP(w, r)
	})
}
