package uploads

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestConnectionsOutliveStoppedUploads: however tusd stops a body, and whenever,
// the next request of the same connection is not cancelled by it; where that
// can't be promised, the answer says that the connection ends.
func TestConnectionsOutliveStoppedUploads(t *testing.T) {
	past := func(w http.ResponseWriter) { _ = http.NewResponseController(w).SetReadDeadline(time.Now()) }
	var late http.ResponseWriter
	for _, c := range []struct {
		name   string
		serve  func(w http.ResponseWriter, r *http.Request)
		closes bool
	}{
		{"before its end", func(w http.ResponseWriter, r *http.Request) {
			past(w)
			w.WriteHeader(http.StatusNoContent)
		}, true},
		{"after its end", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			past(w)
			time.Sleep(20 * time.Millisecond) // net/http reads ahead
			w.WriteHeader(http.StatusNoContent)
		}, false},
		{"by a limit that passes while the last bytes are stored", func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(20 * time.Millisecond))
			_, _ = io.Copy(io.Discard, r.Body)
			time.Sleep(40 * time.Millisecond)
			w.WriteHeader(http.StatusNoContent)
		}, false},
		{"after its answer", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(http.StatusNoContent)
			late = w
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			late = nil
			requests := 0
			var state error
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				requests++
				if requests > 1 {
					if late != nil {
						past(late)
						time.Sleep(20 * time.Millisecond)
					}
					state = r.Context().Err()
					return
				}
				slot := &request{method: r.Method}
				ctx := context.WithValue(r.Context(), slotKey{}, slot)
				translate(http.HandlerFunc(c.serve), nil).ServeHTTP(w, r.WithContext(ctx))
			}))
			defer s.Close()
			var closes bool
			for range 2 {
				res, err := s.Client().Post(s.URL, "application/offset+octet-stream", strings.NewReader("bytes"))
				if err != nil {
					t.Fatal(err)
				}
				_ = res.Body.Close()
				closes = closes || res.Close
			}
			if state != nil {
				t.Errorf("the next request of the connection: %v", state)
			}
			if closes != c.closes {
				t.Errorf("the connection is closed: %v, want %v", closes, c.closes)
			}
		})
	}
}
