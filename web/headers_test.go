package web

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestSecurityHeadersConfineAndYield(t *testing.T) {
	inner := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Permissions-Policy", "microphone=(self)")
		w.WriteHeader(http.StatusTeapot)
	})
	w := httptest.NewRecorder()
	SecurityHeaders("default-src 'none'")(inner).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))

	if w.Code != http.StatusTeapot {
		t.Errorf("status %d: the inner handler's answer is lost", w.Code)
	}
	for name, want := range map[string]string{
		"Content-Security-Policy":      "default-src 'none'",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Permissions-Policy":           "microphone=(self)",
		"Referrer-Policy":              "no-referrer",
		"X-Content-Type-Options":       "nosniff",
		"X-Frame-Options":              "DENY",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
