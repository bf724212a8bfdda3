package fhirapi

import (
	"log/slog"
	"net/http"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/fhir"
)

const mediaType = "application/fhir+json"

// statuses translate kinds of failure: the one place.
var statuses = map[clinical.Kind]int{
	clinical.Unauthenticated:  http.StatusUnauthorized,
	clinical.NotFound:         http.StatusNotFound,
	clinical.Forbidden:        http.StatusForbidden,
	clinical.Quarantined:      http.StatusForbidden,
	clinical.Invalid:          http.StatusBadRequest,
	clinical.Conflict:         http.StatusConflict,
	clinical.Gone:             http.StatusGone,
	clinical.TooLarge:         http.StatusRequestEntityTooLarge,
	clinical.Unsupported:      http.StatusUnsupportedMediaType,
	clinical.ChecksumMismatch: http.StatusConflict,
	clinical.Busy:             http.StatusServiceUnavailable,
	clinical.Unavailable:      http.StatusServiceUnavailable,
	clinical.NotImplemented:   http.StatusNotImplemented,
}

// status is a failure with a status of its own.
type status struct {
	code int
	*clinical.Failure
}

// Unwrap gives the failure.
func (s status) Unwrap() error { return s.Failure }

// fail answers an error as an OperationOutcome: the failure's constant words and
// nothing else. What is our fault goes to the log.
func (f *facade) fail(w http.ResponseWriter, r *http.Request, err error) {
	id := auth.RequestID(r.Context())
	code, known := statuses[clinical.KindOf(err)]
	if !known {
		code = http.StatusInternalServerError
	}
	if own, ok := err.(status); ok {
		code = own.code
	}
	if code >= http.StatusInternalServerError {
		f.Log.LogAttrs(r.Context(), slog.LevelError, "fhir fault", slog.String("request", id), slog.String("error", err.Error()))
	}
	if code == http.StatusUnauthorized && w.Header().Get("WWW-Authenticate") == "" { // RFC 6750 section 3
		w.Header().Set("WWW-Authenticate", `Bearer realm="bonfire"`)
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Del("ETag")
	w.Header().Del("Last-Modified")
	w.Header().Set("Content-Type", mediaType)
	w.WriteHeader(code)
	if r.Method != http.MethodHead {
		_ = fhir.Write(w, f.FHIR.OperationOutcome(err, id)) // the client has gone
	}
}
