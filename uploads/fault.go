package uploads

import (
	"log/slog"
	"net/http"
	"strings"

	"github.com/tus/tusd/v2/pkg/handler"

	"github.com/bonfiredb/bonfire/clinical"
)

// statusChecksumMismatch is the tus checksum extension's own status.
const statusChecksumMismatch = 460

// statuses translates kinds of failure. Busy is 423: tus clients ask again
// after it, where after other errors many begin again at 0.
var statuses = map[clinical.Kind]int{
	clinical.Unauthenticated:  http.StatusUnauthorized,
	clinical.NotFound:         http.StatusNotFound,
	clinical.Forbidden:        http.StatusForbidden,
	clinical.Invalid:          http.StatusBadRequest,
	clinical.Conflict:         http.StatusConflict,
	clinical.Busy:             http.StatusLocked,
	clinical.TooLarge:         http.StatusRequestEntityTooLarge,
	clinical.Unsupported:      http.StatusUnsupportedMediaType,
	clinical.Gone:             http.StatusGone,
	clinical.ChecksumMismatch: statusChecksumMismatch,
	clinical.Quarantined:      http.StatusForbidden,
	clinical.Unavailable:      http.StatusServiceUnavailable,
	clinical.NotImplemented:   http.StatusNotImplemented,
}

// faultOf makes the answer to a failure: its constant words and the field at
// fault, never its cause, which goes to the log.
func faultOf(err error, log *slog.Logger) handler.Error {
	f := clinical.AsFailure(err)
	status, known := http.StatusInternalServerError, false
	if f != nil {
		status, known = statuses[f.Kind]
	}
	if !known {
		status, f = http.StatusInternalServerError, clinical.Fail(clinical.Internal, "internal error", err)
	}
	if status >= http.StatusInternalServerError {
		log.Error("upload request failed", "kind", f.Kind.String(), "error", err)
	}
	body := f.Words
	if f.Field != "" {
		body = f.Field + ": " + body
	}
	if len(f.Allowed) > 0 {
		body += " (" + strings.Join(f.Allowed, ", ") + ")"
	}
	h := handler.HTTPHeader{"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"}
	if status == http.StatusUnauthorized { // RFC 6750 section 3
		h["WWW-Authenticate"] = `Bearer realm="bonfire"`
	}
	return handler.Error{
		ErrorCode: "ERR_" + strings.ToUpper(f.Kind.String()), Message: body,
		HTTPResponse: handler.HTTPResponse{StatusCode: status, Body: body + "\n", Header: h},
	}
}

// unfinished softens what stands in the way of finishing a received upload: the
// client has nothing to send again and should only ask again.
func unfinished(err error) error {
	if clinical.Is(err, clinical.Unavailable) {
		return clinical.Fail(clinical.Busy, "received, and being stored: ask again", err)
	}
	return err
}

// writeFault answers before tusd is reached.
func writeFault(w http.ResponseWriter, r *http.Request, e handler.Error) {
	for k, v := range e.HTTPResponse.Header {
		w.Header().Set(k, v)
	}
	w.Header().Set("Tus-Resumable", "1.0.0")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(e.HTTPResponse.StatusCode)
	if r.Method != http.MethodHead {
		_, _ = w.Write([]byte(e.HTTPResponse.Body))
	}
}
