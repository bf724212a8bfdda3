package uploads

import (
	"context"
	"log/slog"
	"net/http"
	"sync"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/records"
)

// Response headers that name the record an upload became.
const (
	ResourceTypeHeader = "Bonfire-Resource-Type"
	ResourceIDHeader   = "Bonfire-Resource-Id"
)

// request is what one HTTP request carries through tusd's handler, from the
// lock to the data store to the response.
type request struct {
	method    string
	header    http.Header
	requestID string
	token     string          // upload token, "" when none was presented
	gone      context.Context //nolint:containedctx // ends when the client goes
	body      *body
	announced int64 // Content-Length; negative when there is none
	// incoming is the held upload; nil until the lock is taken.
	incoming *records.Incoming
	// upload is what the response tells of; its record too, once it is completed.
	upload *clinical.Upload
	// begun and location are token and address of an upload that this request created.
	begun, location string
	// faulted: the answer is one of ours.
	faulted bool

	mu      sync.Mutex
	reading bool // the body is being received
	wanted  bool // another request wants the upload
}

type slotKey struct{}

// slotOf finds the request of a context; tusd keeps the values of r.Context().
func slotOf(ctx context.Context) *request {
	s, _ := ctx.Value(slotKey{}).(*request)
	if s == nil {
		s = &request{header: http.Header{}, gone: context.Background()}
	}
	return s
}

// letGo stops the receiving of the body, and nothing else: what follows it is
// short. stop is tusd's way, which works once tusd has made its body reader.
func (q *request) letGo(stop func()) {
	q.mu.Lock()
	q.wanted = true
	reading := q.reading
	q.mu.Unlock()
	if reading && !q.body.whole() {
		stop()
	}
}

// receives reports whether the body may still be received.
func (q *request) receives() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.reading = true
	return !q.wanted
}

// interrupted reports whether the body was stopped because another request
// wants the upload, and not by a fault that has an answer of its own.
func (q *request) interrupted() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.wanted && q.reading && !q.faulted
}

// translate refuses what tusd would take and we do not, and adds to its
// responses what it does not know of: the record, the expiry, our extensions.
func translate(tus http.Handler, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		slot := slotOf(r.Context())
		if err := refuse(r); err != nil {
			writeFault(w, r, faultOf(err, log))
			return
		}
		slot.body, slot.announced = newBody(w, r), r.ContentLength
		r.Body = slot.body
		defer slot.body.end()
		tus.ServeHTTP(&response{ResponseWriter: w, slot: slot}, r)
	})
}

func refuse(r *http.Request) error {
	switch {
	case r.Method == http.MethodGet:
		return clinical.Fail(clinical.Invalid, "bytes are fetched by signed URL, not by tus", nil)
	case r.Header.Get("Upload-Concat") != "":
		return clinical.Bad("Upload-Concat", "this server does not join uploads")
	}
	return nil
}
