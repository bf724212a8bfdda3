package web

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// ask sends one request to the playground as it is mounted.
func ask(t *testing.T, method, target string, header http.Header) *http.Response {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle(PlaygroundPath, Playground())
	r := httptest.NewRequest(method, target, nil)
	for name, values := range header {
		r.Header[name] = values
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) []byte {
	t.Helper()
	content, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func gunzip(t *testing.T, packed []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

var takesGzip = http.Header{"Accept-Encoding": {"gzip, deflate, br"}}

// script finds the entry script, whose name changes with each build.
func script(t *testing.T) string {
	t.Helper()
	page := body(t, ask(t, "GET", "/playground/", nil))
	found := regexp.MustCompile(`<script[^>]+src="\./(assets/[^"]+\.js)"`).FindSubmatch(page)
	if found == nil {
		t.Fatalf("no script in the page:\n%s", page)
	}
	return "/playground/" + string(found[1])
}

func TestPlaygroundServesThePage(t *testing.T) {
	r := ask(t, "GET", "/playground/", nil)
	page := body(t, r)
	if r.StatusCode != http.StatusOK || !bytes.Contains(page, []byte(`id="root"`)) {
		t.Fatalf("status %d, page:\n%s", r.StatusCode, page)
	}
	for name, want := range map[string]string{
		"Content-Type":  "text/html; charset=utf-8",
		"Cache-Control": "no-cache",
		"Vary":          "Accept-Encoding",
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	named := body(t, ask(t, "GET", "/playground/index.html", nil))
	if !bytes.Equal(named, page) {
		t.Error("index.html differs from the directory's page")
	}
}

func TestPlaygroundWithoutSlashLeadsToThePage(t *testing.T) {
	r := ask(t, "GET", "/playground", nil)
	if r.StatusCode/100 != 3 || r.Header.Get("Location") != PlaygroundPath {
		t.Errorf("status %d, Location %q", r.StatusCode, r.Header.Get("Location"))
	}
}

// The page is confined: no script but its own files, no word to another host.
func TestPlaygroundIsConfined(t *testing.T) {
	policy := ask(t, "GET", "/playground/", nil).Header.Get("Content-Security-Policy")
	for _, directive := range []string{
		"default-src 'none'", "script-src 'self'", "connect-src 'self'", "worker-src 'self'",
		"base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
	} {
		if !strings.Contains(policy+";", directive+";") {
			t.Errorf("policy lacks %q: %s", directive, policy)
		}
	}
	if wide := regexp.MustCompile(`unsafe-eval|\*|https?:|blob:`).FindString(policy); wide != "" {
		t.Errorf("policy allows %s: %s", wide, policy)
	}
	if strings.Count(policy, "unsafe-inline") != 1 {
		t.Errorf("unsafe-inline is for styles alone: %s", policy)
	}
	// A refusal is a page too.
	if ask(t, "GET", "/playground/none", nil).Header.Get("Content-Security-Policy") != policy {
		t.Error("404 goes out without the policy")
	}

	page := body(t, ask(t, "GET", "/playground/", nil))
	for _, inline := range []string{`<script>`, `<style`, ` style=`, ` onload=`, `//cdn`, `http://`, `https://`} {
		if bytes.Contains(page, []byte(inline)) {
			t.Errorf("page has %s:\n%s", inline, page)
		}
	}
}

func TestPlaygroundSendsGzipToThoseWhoTakeIt(t *testing.T) {
	target := script(t)
	packed := ask(t, "GET", target, takesGzip)
	plain := ask(t, "GET", target, nil)

	if got := packed.Header.Get("Content-Encoding"); got != "gzip" {
		t.Errorf("Content-Encoding %q, want gzip", got)
	}
	if got := plain.Header.Get("Content-Encoding"); got != "" {
		t.Errorf("Content-Encoding %q, want none", got)
	}
	if packed.Header.Get("Etag") == plain.Header.Get("Etag") {
		t.Error("two representations with one strong ETag")
	}
	packedBody, plainBody := body(t, packed), body(t, plain)
	for _, r := range []struct {
		*http.Response
		sent []byte
	}{{packed, packedBody}, {plain, plainBody}} {
		if r.ContentLength != int64(len(r.sent)) {
			t.Errorf("Content-Length %d, sent %d", r.ContentLength, len(r.sent))
		}
		if got := r.Header.Get("Content-Type"); got != "text/javascript; charset=utf-8" {
			t.Errorf("Content-Type %q", got)
		}
		if got := r.Header.Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
			t.Errorf("Cache-Control %q", got)
		}
	}
	if !bytes.Equal(gunzip(t, packedBody), plainBody) {
		t.Error("the packed script is another than the plain one")
	}
}

func TestPlaygroundAnswersHead(t *testing.T) {
	for _, header := range []http.Header{nil, takesGzip} {
		get, head := ask(t, "GET", script(t), header), ask(t, "HEAD", script(t), header)
		if sent := body(t, head); len(sent) != 0 {
			t.Errorf("HEAD sent %d bytes", len(sent))
		}
		for name := range get.Header {
			if got, want := head.Header.Get(name), get.Header.Get(name); got != want {
				t.Errorf("%s: HEAD %q, GET %q", name, got, want)
			}
		}
	}
}

func TestPlaygroundIsNotSentTwice(t *testing.T) {
	etag := ask(t, "GET", "/playground/", takesGzip).Header.Get("Etag")
	for _, known := range []string{etag, "W/" + etag, `"other", ` + etag, "*"} {
		header := takesGzip.Clone()
		header.Set("If-None-Match", known)
		r := ask(t, "GET", "/playground/", header)
		if sent := body(t, r); r.StatusCode != http.StatusNotModified || len(sent) != 0 {
			t.Errorf("If-None-Match %s: status %d, %d bytes", known, r.StatusCode, len(sent))
		}
		if r.Header.Get("Etag") != etag || r.Header.Get("Cache-Control") == "" || r.Header.Get("Vary") == "" {
			t.Errorf("304 lacks what RFC 9110, section 15.4.5, asks for: %v", r.Header)
		}
	}
	// The other representation's tag is another tag.
	r := ask(t, "GET", "/playground/", http.Header{"If-None-Match": {etag}})
	if r.StatusCode != http.StatusOK {
		t.Errorf("status %d for the tag of another representation", r.StatusCode)
	}
}

func TestPlaygroundHasOnlyWhatWasBuilt(t *testing.T) {
	for _, target := range []string{
		"/playground/none",
		"/playground/assets",
		"/playground/assets/",
		"/playground/index.html.gz",
		"/playground/SOURCE.sha256",
		"/playground/%2e%2e/doc.go",
		"/playground/..%2fdoc.go",
		"/playground/assets%2f..%2findex.html",
		"/playground/assets/..%5cindex.html",
		"/playground//index.html%00",
	} {
		r := ask(t, "GET", target, nil)
		for r.StatusCode/100 == 3 { // ServeMux cleans a path first
			r = ask(t, "GET", r.Header.Get("Location"), nil)
		}
		if r.StatusCode != http.StatusNotFound {
			t.Errorf("%s: status %d, want 404", target, r.StatusCode)
		}
		if strings.Contains(r.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: a 404 to keep for ever", target)
		}
	}
}

func TestPlaygroundTakesNothing(t *testing.T) {
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
		r := ask(t, method, "/playground/", nil)
		if r.StatusCode != http.StatusMethodNotAllowed || r.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: status %d, Allow %q", method, r.StatusCode, r.Header.Get("Allow"))
		}
	}
}
