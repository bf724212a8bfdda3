package uploads_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/clinictest"
	"github.com/bonfiredb/bonfire/records"
	"github.com/bonfiredb/bonfire/uploads"
)

func TestOptions(t *testing.T) {
	t.Parallel()
	s := serve(t)
	a := s.do(http.MethodOptions, s.URL+"/uploads/", nil, map[string]string{"Test-As": ""})
	s.want(a, http.StatusOK)
	ext := strings.Split(a.Header.Get("Tus-Extension"), ",")
	slices.Sort(ext)
	if got := strings.Join(ext, ","); got != "checksum,creation,creation-defer-length,creation-with-upload,expiration,termination" {
		t.Errorf("Tus-Extension: %s", got)
	}
	if a.Header.Get("Tus-Version") != "1.0.0" || a.Header.Get("Tus-Checksum-Algorithm") != "sha256,sha1,crc32" {
		t.Errorf("headers: %v", a.Header)
	}
}

// TestCORS: the origins that are named, whole, and no others.
func TestCORS(t *testing.T) {
	t.Parallel()
	s := serve(t)
	u := s.create(10, raw)
	for origin, allowed := range map[string]bool{
		"https://app.example": true, "https://app.example.evil.net": false, "https://evilapp.example": false, "http://app.example": false,
		"https://app.example:8443": false, "https://APP.example": false, "https://sub.app.example": false, "null": false, "*": false,
	} {
		pre := s.do(http.MethodOptions, u, nil, map[string]string{
			"Test-As": "", "Origin": origin, "Access-Control-Request-Method": "PATCH",
			"Access-Control-Request-Headers": "bonfire-upload-token,content-type,tus-resumable,upload-checksum,upload-offset",
		})
		got := s.headWith(u, "Origin", origin)
		for _, a := range []answer{pre, got} {
			want := ""
			if allowed {
				want = origin
			}
			if have := a.Header.Get("Access-Control-Allow-Origin"); have != want {
				t.Errorf("%s from %s: Access-Control-Allow-Origin %q", a.Request.Method, origin, have)
			}
			if a.Header.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s from %s may send cookies", a.Request.Method, origin)
			}
		}
		if !allowed {
			continue
		}
		if !strings.Contains(pre.Header.Get("Access-Control-Allow-Methods"), "PATCH") || !strings.Contains(strings.ToLower(pre.Header.Get("Access-Control-Allow-Headers")), "bonfire-upload-token") {
			t.Errorf("preflight: %v", pre.Header)
		}
		for _, h := range []string{"Location", "Upload-Offset", "Upload-Expires", uploads.ResourceIDHeader, uploads.TokenHeader} {
			if !strings.Contains(strings.ToLower(got.Header.Get("Access-Control-Expose-Headers")), strings.ToLower(h)) {
				t.Errorf("%s is not exposed: %s", h, got.Header.Get("Access-Control-Expose-Headers"))
			}
		}
	}
}

// TestMethods: what tus does not need is not there, and no header makes it so.
func TestMethods(t *testing.T) {
	t.Parallel()
	s := serve(t)
	b := content(10)
	u := s.create(10, raw)
	a := s.patch(u, 0, b)
	s.wantRecord(a, b)
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodTrace, "PROPFIND"} {
		for _, at := range []string{u, s.URL + "/uploads/"} {
			if a := s.do(method, at, nil, nil); a.StatusCode < 400 || a.StatusCode >= 500 || strings.Contains(a.Body, string(b)) {
				t.Errorf("%s: %d %s", method, a.StatusCode, a.Body)
			}
		}
	}
	for _, method := range []string{"DELETE", "PATCH", "HEAD", "GET"} {
		a := s.do(http.MethodPost, u, nil, map[string]string{"X-HTTP-Method-Override": method, "Upload-Offset": "0"})
		if a.StatusCode < 400 {
			t.Errorf("POST as %s: %d", method, a.StatusCode)
		}
	}
	s.wantState(u, "completed")
	s.wantRecord(s.head(u), b)
}

func TestHeadNamesTheRecord(t *testing.T) {
	t.Parallel()
	s := serve(t)
	b := content(10)
	u := s.create(10, raw)
	done := s.patch(u, 0, b)
	a := s.head(u)
	for _, h := range []string{uploads.ResourceTypeHeader, uploads.ResourceIDHeader, "Content-Location"} {
		if a.Header.Get(h) == "" || a.Header.Get(h) != done.Header.Get(h) {
			t.Errorf("%s: %q, and %q with the last bytes", h, a.Header.Get(h), done.Header.Get(h))
		}
	}
	if want := "/fhir/R4/Binary/" + a.Header.Get(uploads.ResourceIDHeader); a.Header.Get("Content-Location") != want {
		t.Errorf("Content-Location: %q, want %q", a.Header.Get("Content-Location"), want)
	}
	if a.Header.Get("Upload-Expires") != "" {
		t.Error("a record does not expire")
	}
	again := s.patch(u, 10, nil)
	s.want(again, http.StatusNoContent)
	s.wantRecord(again, b)
	if n := s.one(`SELECT count(*) FROM file`); n != "1" {
		t.Errorf("%s records", n)
	}
}

func TestOffsets(t *testing.T) {
	t.Parallel()
	s := serve(t)
	b := content(100)
	u := s.create(100, raw)
	s.want(s.patch(u, 0, b[:50]), http.StatusNoContent)
	for offset, status := range map[string]int{"0": 409, "49": 409, "51": 409, "100": 409, "9223372036854775807": 409, "-1": 400, "": 400, "x": 400, "5e1": 400} {
		a := s.do(http.MethodPatch, u, strings.NewReader("abc"), map[string]string{"Upload-Offset": offset})
		s.want(a, status)
	}
	s.want(s.do(http.MethodPatch, u, strings.NewReader("abc"), map[string]string{"Upload-Offset": "50", "Content-Type": "text/plain"}), 400)
	s.want(s.patch(u, 50, b[50:], "Upload-Length", "101"), http.StatusBadRequest)
	s.wantOffset(s.head(u), 50)
	s.wantRecord(s.patch(u, 50, b[50:]), b)
}

func TestTermination(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for _, received := range []int{0, 10, 300 << 10, 9 * mib} {
		t.Run(strconv.Itoa(received), func(t *testing.T) {
			s := s.on(t)
			u := s.create(20*mib, raw)
			if received > 0 {
				s.want(s.patch(u, 0, content(received)), http.StatusNoContent)
			}
			s.want(s.do(http.MethodDelete, u, nil, nil), http.StatusNoContent)
			s.wantState(u, "cancelled")
			s.want(s.head(u), http.StatusGone)
			s.want(s.patch(u, int64(received), []byte("x")), http.StatusGone)
			s.want(s.do(http.MethodDelete, u, nil, nil), http.StatusGone)
			if title := s.one(`SELECT title FROM upload WHERE id = $1`, u[len(u)-36:]); title != "" {
				t.Error("the title is kept")
			}
		})
	}
	s.wantNothing()

	b := content(10)
	u := s.create(10, raw)
	s.want(s.patch(u, 0, b), http.StatusNoContent)
	s.wantSays(s.do(http.MethodDelete, u, nil, nil), http.StatusConflict, "retracted")
	_, err := s.Records.CancelUpload(t.Context(), s.As("clinician"), clinical.UploadID(u[len(u)-36:]))
	if !clinical.Is(err, clinical.Conflict) {
		t.Errorf("got %v", err)
	}
	s.wantRecord(s.head(u), b)
	s.wantClean()
}

// TestExpiration: what nobody goes on with ends, with nothing left; whoever goes
// on has the whole time again.
func TestExpiration(t *testing.T) {
	t.Parallel()
	s := serve(t, clinictest.Setup{Records: func(o *records.Options) { o.UploadTTL = time.Hour }})
	expires := func(a answer) time.Time {
		t.Helper()
		at, err := time.Parse(http.TimeFormat, a.Header.Get("Upload-Expires"))
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	var all []string
	for _, received := range []int{0, 10, 300 << 10, 9 * mib} {
		u := s.create(20*mib, raw)
		all = append(all, u)
		if received > 0 {
			s.sql(`UPDATE upload SET expires_at = now() + interval '1 minute' WHERE id = $1`, u[len(u)-36:])
			a := s.patch(u, 0, content(received))
			if left := time.Until(expires(s.head(u))); left < 59*time.Minute || left > time.Hour+time.Minute {
				t.Errorf("it expires in %v", left)
			}
			if left := time.Until(expires(a)); left > time.Hour {
				t.Errorf("the PATCH said in %v", left)
			}
			before := s.one(`SELECT expires_at FROM upload WHERE id = $1`, u[len(u)-36:])
			s.want(s.patch(u, int64(received), content(1)), http.StatusNoContent)
			if after := s.one(`SELECT expires_at FROM upload WHERE id = $1`, u[len(u)-36:]); after != before {
				t.Errorf("an indexed column went from %s to %s within a moment", before, after)
			}
		}
	}
	done := s.create(10, raw)
	s.want(s.patch(done, 0, content(10)), http.StatusNoContent)
	s.sweep()
	for _, u := range all {
		if st := s.state(u); st != "open" && st != "receiving" {
			t.Fatalf("%s ended too soon: %s", u, st)
		}
	}
	s.sql(`UPDATE upload SET expires_at = now() - interval '1 second'`)
	s.sweep()
	for _, u := range all {
		s.wantState(u, "expired")
		s.want(s.head(u), http.StatusGone)
		s.wantSays(s.patch(u, 0, []byte("x")), http.StatusGone)
	}
	s.wantState(done, "completed")
	if n := s.one(`SELECT count(*) FROM audit_event WHERE verb = 'expireUpload'`); n != strconv.Itoa(len(all)) {
		t.Errorf("%s audit events", n)
	}
	s.wantClean()
}

// TestDeferredLength: a recording of unknown length ends with its last bytes,
// with a request of no bytes, or by finishUpload.
func TestDeferredLength(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for _, size := range []int{0, 1, 100 << 10, 6 * mib, 9 * mib} {
		b := content(size)
		begin := func(s *server) string {
			s.t.Helper()
			u := s.create(-1, raw)
			for at := 0; at < size; at += mib {
				s.want(s.patch(u, int64(at), b[at:min(at+mib, size)]), http.StatusNoContent)
			}
			a := s.head(u)
			s.wantOffset(a, int64(size))
			if a.Header.Get("Upload-Defer-Length") != "1" || a.Header.Get("Upload-Length") != "" {
				s.t.Errorf("headers: %v", a.Header)
			}
			return u
		}
		t.Run("declared by an empty PATCH at "+strconv.Itoa(size), func(t *testing.T) {
			s := s.on(t)
			u := begin(s)
			a := s.patch(u, int64(size), nil, "Upload-Length", strconv.Itoa(size))
			s.want(a, http.StatusNoContent)
			s.wantRecord(a, b)
		})
		t.Run("finished at "+strconv.Itoa(size), func(t *testing.T) {
			s := s.on(t)
			u := begin(s)
			id, doctor := clinical.UploadID(u[len(u)-36:]), s.As("clinician")
			_, err := s.Records.FinishUpload(t.Context(), doctor, id, records.FinishUpload{})
			if !clinical.Is(err, clinical.Conflict) {
				t.Errorf("without its length: %v", err)
			}
			for range 2 { // idempotent
				f, err := s.Records.FinishUpload(t.Context(), doctor, id, records.FinishUpload{DeclareLength: true})
				if err != nil || f.Size != int64(size) {
					t.Fatalf("%+v, %v", f, err)
				}
			}
			s.wantRecord(s.head(u), b)
		})
		t.Run("declared again after "+strconv.Itoa(size), func(t *testing.T) {
			s := s.on(t)
			u := begin(s)
			more := content(1000)
			length := []string{"Upload-Length", strconv.Itoa(size + 1000)}
			s.want(s.patch(u, int64(size), more[:400], length...), http.StatusNoContent)
			s.want(s.patch(u, int64(size)+400, more[400:], "Upload-Length", strconv.Itoa(size+1001)), http.StatusBadRequest)
			a := s.patch(u, int64(size)+400, more[400:], length...) // as a client does whose last PATCH was cut
			s.want(a, http.StatusNoContent)
			s.wantRecord(a, append(append([]byte{}, b...), more...))
		})
	}
	// A photo of nothing says nothing.
	u := s.create(-1, with())
	s.wantSays(s.patch(u, 0, nil, "Upload-Length", "0"), http.StatusBadRequest, "Upload-Length")
	_, err := s.Records.FinishUpload(t.Context(), s.As("clinician"), clinical.UploadID(u[len(u)-36:]), records.FinishUpload{DeclareLength: true})
	if !clinical.Is(err, clinical.Invalid) {
		t.Errorf("got %v", err)
	}
	// Less than was received, or nonsense, cannot be declared.
	u = s.create(-1, raw)
	s.want(s.patch(u, 0, content(100)), http.StatusNoContent)
	for _, length := range []string{"99", "-1", "x", "9223372036854775808"} {
		s.wantSays(s.patch(u, 100, nil, "Upload-Length", length), http.StatusBadRequest, "Upload-Length")
	}
	s.wantClean()
}
