package uploads

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
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
	body      *ending
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
	if reading {
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

// ending remembers how a body ended: tusd hides it from the data store.
type ending struct {
	io.ReadCloser
	whole bool // all of it was read
}

// Read implements io.Reader.
func (e *ending) Read(p []byte) (int, error) {
	n, err := e.ReadCloser.Read(p)
	e.whole = e.whole || err == io.EOF
	return n, err
}

// announced is a body of which the request said how long it is.
type announced struct {
	io.Reader
	left int64
}

func announce(body io.Reader, length int64) io.Reader {
	if length < 0 {
		return body
	}
	return &announced{body, length}
}

// Read implements io.Reader.
func (a *announced) Read(p []byte) (int, error) {
	n, err := a.Reader.Read(p)
	a.left -= int64(n)
	return n, err
}

// Remaining implements ledger.Announced.
func (a *announced) Remaining() int64 { return a.left }

// translate refuses what tusd would take and we do not, and adds to its
// responses what it does not know of: the record, the expiry, our extensions.
func translate(tus http.Handler, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		slot := slotOf(r.Context())
		if err := refuse(r); err != nil {
			writeFault(w, r, faultOf(err, log))
			return
		}
		slot.body, slot.announced = &ending{ReadCloser: r.Body}, r.ContentLength
		r.Body = slot.body
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

// response completes the headers just before they are sent.
type response struct {
	http.ResponseWriter
	slot *request
	sent bool
	mute bool // the words are not ours to repeat
}

// Unwrap lets http.ResponseController reach the connection.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// internalWords replace what tusd would print of an error it does not know.
const internalWords = "internal error\n"

// WriteHeader implements http.ResponseWriter.
func (w *response) WriteHeader(status int) {
	if !w.sent {
		w.sent = true
		if status == http.StatusBadRequest && w.slot.interrupted() {
			status = http.StatusLocked // tusd says 400, after which a client gives up for good
		}
		w.complete(status)
	}
	w.ResponseWriter.WriteHeader(status)
	if w.mute {
		_, _ = w.ResponseWriter.Write([]byte(internalWords))
	}
}

// Write implements http.ResponseWriter.
func (w *response) Write(b []byte) (int, error) {
	if !w.sent {
		w.WriteHeader(http.StatusOK)
	}
	if w.mute {
		return len(b), nil
	}
	return w.ResponseWriter.Write(b)
}

func (w *response) complete(status int) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	if status >= 400 && w.slot.method != http.MethodHead {
		// tusd stops a body by letting its connection's read deadline pass, and
		// net/http then cancels every later request of that connection.
		h.Set("Connection", "close")
	}
	if status == http.StatusInternalServerError && !w.slot.faulted && w.slot.method != http.MethodHead {
		w.mute = true
		h.Set("Content-Length", strconv.Itoa(len(internalWords)))
	}
	if ext := h.Get("Tus-Extension"); ext != "" {
		h.Set("Tus-Extension", ext+",expiration,checksum")
		h.Set("Tus-Checksum-Algorithm", strings.Join(algorithms, ","))
	}
	if w.slot.begun != "" && h.Get("Location") == "" { // created, though the bytes that came with it were refused
		h.Set("Location", w.slot.location)
	}
	if status < 300 && w.slot.upload != nil {
		w.tell(h, w.slot.upload)
	}
}

// tell adds what a success knows of the upload.
func (w *response) tell(h http.Header, u *clinical.Upload) {
	if w.slot.begun != "" {
		h.Set(TokenHeader, w.slot.begun)
	}
	switch {
	case u.State.Receives():
		h.Set("Upload-Expires", u.ExpiresAt.UTC().Format(http.TimeFormat))
	case u.State == clinical.UploadCompleted:
		h.Set(ResourceTypeHeader, string(u.Resource))
		h.Set(ResourceIDHeader, string(u.File))
		h.Set("Content-Location", "/fhir/R4/"+string(u.Resource)+"/"+string(u.File))
	}
}
