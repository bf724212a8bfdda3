package server

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

// alive answers as long as the process can answer anything.
func alive(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("ok\n"))
}

const (
	// readyTime bounds one look at the dependencies.
	readyTime = 3 * time.Second
	// readyFor is how long a look is believed: nobody without a token makes
	// this server ask its database more often.
	readyFor = time.Second
)

// readiness tells whether requests can be served: the database answers and is
// at this program's migrations, the bucket lets us in.
type readiness struct {
	rooms *Rooms

	mu     sync.Mutex
	at     time.Time
	ready  bool
	checks map[string]string
}

func (r *Rooms) readiness() http.Handler { return &readiness{rooms: r} }

// ServeHTTP answers 200 or 503 and which part is not ready; causes go to the log.
func (h *readiness) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ready, checks := h.look(r.Context())
	status, word := http.StatusOK, "ready"
	if !ready {
		status, word = http.StatusServiceUnavailable, "not ready"
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"status": word, "checks": checks})
}

func (h *readiness) look(ctx context.Context) (bool, map[string]string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Since(h.at) < readyFor {
		return h.ready, h.checks
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyTime)
	defer cancel()
	h.ready, h.checks = true, map[string]string{}
	for _, part := range []struct {
		name string
		ask  func(context.Context) error
	}{
		{"database", h.rooms.Store.Ping},
		{"migrations", h.rooms.Store.Check},
		{"bucket", h.rooms.Bucket.Check},
	} {
		h.checks[part.name] = "ok"
		if err := part.ask(ctx); err != nil {
			h.ready, h.checks[part.name] = false, "not ready"
			h.rooms.log.WarnContext(ctx, "not ready", "part", part.name, "error", err)
		}
	}
	h.at = time.Now()
	return h.ready, h.checks
}
