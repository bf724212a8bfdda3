package server

import (
	"log/slog"
	"net/http"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
)

// statuses of what following a link can end in.
var statuses = map[clinical.Kind]int{
	clinical.NotFound:    http.StatusNotFound,
	clinical.Gone:        http.StatusGone,
	clinical.Forbidden:   http.StatusForbidden,
	clinical.Quarantined: http.StatusForbidden,
	clinical.Unavailable: http.StatusServiceUnavailable,
	clinical.Busy:        http.StatusServiceUnavailable,
}

// followLink answers a gated link with a redirect to the bucket (P7). GET only:
// what looks a link over beforehand, with HEAD, must not use it up.
func (r *Rooms) followLink(log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if req.Method != http.MethodGet {
			w.Header().Set("Allow", http.MethodGet)
			http.Error(w, "use GET", http.StatusMethodNotAllowed)
			return
		}
		id := auth.RequestID(req.Context())
		to, err := r.Records.FollowLink(req.Context(), req.PathValue("token"), id)
		if err == nil {
			http.Redirect(w, req, to, http.StatusFound)
			return
		}
		failure := clinical.AsFailure(err)
		if failure == nil {
			failure = clinical.Fail(clinical.Internal, "internal error", err)
		}
		status, known := statuses[failure.Kind]
		if !known {
			status = http.StatusInternalServerError
			log.ErrorContext(req.Context(), "link", "request", id, "error", err)
		}
		http.Error(w, failure.Words, status)
	})
}
