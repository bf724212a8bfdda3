package uploads

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
)

// response completes the headers just before they are sent.
type response struct {
	http.ResponseWriter
	slot *request
	sent bool
	mute bool // the words are not ours to repeat
}

// Unwrap lets http.ResponseController reach the connection.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// SetReadDeadline is what http.ResponseController asks for first.
func (w *response) SetReadDeadline(t time.Time) error { return w.slot.body.deadline(t) }

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
	if good := w.slot.body.end(); !good || status >= 400 && w.slot.method != http.MethodHead {
		h.Set("Connection", "close") // a refused body is not read to its end
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
