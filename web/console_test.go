package web

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func TestConsoleIsConfined(t *testing.T) {
	reach := Reach{Bucket: "https://bucket.example", API: []string{"https://login.example", "", "https://files.example", "https://files.example"}}
	console := Console(func(context.Context) Reach { return reach })
	get := func(path string) *http.Response {
		w := httptest.NewRecorder()
		console.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		return w.Result()
	}
	for _, path := range []string{"/", "/callback.html", "/none"} {
		h := get(path).Header
		policy := h.Get("Content-Security-Policy")
		for _, directive := range []string{
			"default-src 'none'", "script-src 'self'", "style-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
			"connect-src 'self' https://files.example https://login.example",
			"img-src 'self' https://bucket.example", "media-src 'self' https://bucket.example", "frame-src 'self' https://bucket.example",
		} {
			if !strings.Contains(policy+";", directive+";") {
				t.Errorf("%s: the policy lacks %q: %s", path, directive, policy)
			}
		}
		if wide := regexp.MustCompile(`unsafe|\*|blob:|data:`).FindString(policy); wide != "" {
			t.Errorf("%s: the policy allows %s: %s", path, wide, policy)
		}
		if got := h.Get("Permissions-Policy"); !strings.Contains(got, "microphone=(self)") || !strings.Contains(got, "camera=()") {
			t.Errorf("%s: Permissions-Policy %q", path, got)
		}
	}
	for _, path := range []string{"/", "/callback.html"} {
		page := body(t, get(path))
		for _, inline := range []string{`<script>`, `<style`, ` style=`, ` onload=`, `http://`, `https://`} {
			if bytes.Contains(page, []byte(inline)) {
				t.Errorf("%s has %s:\n%s", path, inline, page)
			}
		}
	}
}

func TestConsoleReachesNobodyItWasNotTold(t *testing.T) {
	policy := consoleCSP(Reach{})
	for _, directive := range []string{"connect-src 'self'", "img-src 'self'", "frame-src 'self'"} {
		if !strings.Contains(policy+";", directive+";") {
			t.Errorf("the policy lacks %q: %s", directive, policy)
		}
	}
}
