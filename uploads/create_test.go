package uploads_test

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/uploads"
)

// with changes the metadata of a good wound photo; "" removes the key.
func with(pairs ...string) string {
	m := map[string]string{"patientId": string(demo.Patient), "kind": "wound-photo", "filetype": "image/png"}
	order := []string{"patientId", "kind", "filetype"}
	for i := 0; i < len(pairs); i += 2 {
		if _, there := m[pairs[i]]; !there {
			order = append(order, pairs[i])
		}
		m[pairs[i]] = pairs[i+1]
	}
	var all []string
	for _, k := range order {
		if m[k] != "" {
			all = append(all, k, m[k])
		}
	}
	return metadata(all...)
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// TestCreateRefusals: whatever is wrong is refused before a byte is stored, with
// a status, the field at fault, and nothing left behind.
func TestCreateRefusals(t *testing.T) {
	t.Parallel()
	s := serve(t)
	long := strings.Repeat("x", 10<<10)
	for _, c := range []struct {
		name, who, meta, length string
		status                  int
		says                    string
		more                    []string
	}{
		{name: "nobody", who: "", status: 401},
		{name: "unknown patient", meta: with("patientId", "00000000-0000-7000-8000-000000000999"), status: 404, says: "patientId"},
		{name: "another's patient", meta: with("patientId", string(demo.ColleaguePatient)), status: 404, says: "patientId"},
		{name: "another clinic's patient", meta: with("patientId", string(demo.LakesidePatient)), status: 404, says: "patientId"},
		{name: "patient in SQL", meta: with("patientId", "' OR 1=1 --"), status: 404, says: "patientId"},
		{name: "patient in Unicode", meta: with("patientId", "пациент🩺"), status: 404, says: "patientId"},
		{name: "patient of 5 kB", meta: with("patientId", long[:5<<10]), status: 404, says: "patientId"},
		{name: "patient in upper case", meta: with("patientId", strings.ToUpper("00000000-0000-7000-8000-00000000abcd")), status: 404, says: "patientId"},
		{name: "seen and not permitted", who: "clerk", status: 403, says: "patientId"},
		{name: "no patient", meta: with("patientId", ""), status: 400, says: "patientId"},
		{name: "no kind", meta: with("kind", ""), status: 400, says: "kind"},
		{name: "unknown kind", meta: with("kind", "selfie"), status: 400, says: "kind"},
		{name: "kind in SQL", meta: with("kind", "x'; DROP TABLE upload; --"), status: 400, says: "kind"},
		{name: "no type", meta: with("filetype", ""), status: 400, says: "contentType"},
		{name: "malformed type", meta: with("filetype", "png"), status: 400, says: "contentType"},
		{name: "type not taken", meta: with("filetype", "application/pdf"), status: 415, says: "contentType"},
		{name: "unknown category", meta: with("category", "secret"), status: 400, says: "category"},
		{name: "malformed encounter", meta: with("encounterId", "\x01"), status: 400, says: "encounterId"},
		{name: "another patient's encounter", meta: with("patientId", string(demo.SecondPatient), "encounterId", string(demo.Encounter)), status: 400, says: "encounterId"},
		{name: "title too long", meta: with("title", long[:300]), status: 400, says: "title"},
		{name: "NUL in a title", meta: with("title", "a\x00b"), status: 400, says: "title"},
		{name: "NUL in a file name", meta: with("filename", "a\x00b"), status: 400, says: "title"},
		{name: "malformed instant", meta: with("capturedAt", "yesterday"), status: 400, says: "capturedAt"},
		{name: "malformed digest", meta: with("sha256", "abc"), status: 400, says: "sha256"},
		{name: "metadata without patient", meta: "", status: 400, says: "patientId"},
		{name: "not base64", meta: with() + ",title %%%", status: 400, says: "Upload-Metadata"},
		{name: "not UTF-8", meta: with() + ",title " + b64("\xff\xfe"), status: 400, says: "Upload-Metadata"},
		{name: "key twice", meta: with() + ",kind " + b64("raw"), status: 400, says: "Upload-Metadata"},
		{name: "empty key", meta: with() + ", ,", status: 400, says: "Upload-Metadata"},
		{name: "value with blanks", meta: with() + ",title YQ== YQ==", status: 400, says: "Upload-Metadata"},
		{name: "metadata of 10 kB", meta: with("title", long), status: 400, says: "Upload-Metadata"},
		{name: "no length", length: "-", status: 400, says: "Upload-Length"},
		{name: "negative length", length: "-1", status: 400, says: "Upload-Length"},
		{name: "length that overflows", length: "9223372036854775808", status: 400, says: "Upload-Length"},
		{name: "length in words", length: "ten", status: 400, says: "Upload-Length"},
		{name: "huge length", length: "9223372036854775807", status: 413, says: "size"},
		{name: "a byte too long", length: strconv.Itoa(200*mib + 1), status: 413, says: "size"},
		{name: "empty photo", length: "0", status: 400, says: "size"},
		{name: "length and deferred", more: []string{"Upload-Defer-Length", "1"}, status: 400},
		{name: "deferred by another word", length: "-", more: []string{"Upload-Defer-Length", "yes"}, status: 400},
		{name: "concatenation, partial", more: []string{"Upload-Concat", "partial"}, status: 400, says: "Upload-Concat"},
		{name: "concatenation, final", length: "-", more: []string{"Upload-Concat", "final;/uploads/a /uploads/b"}, status: 400, says: "Upload-Concat"},
		{name: "another version", more: []string{"Tus-Resumable", "0.2.2"}, status: 412},
		{name: "idempotency key too short", more: []string{"Idempotency-Key", "abc"}, status: 400, says: "idempotencyKey"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := s.on(t)
			h := map[string]string{"Upload-Metadata": c.meta, "Upload-Length": c.length}
			if c.meta == "" && c.name != "metadata without patient" {
				h["Upload-Metadata"] = with()
			}
			switch c.length {
			case "":
				h["Upload-Length"] = "10"
			case "-":
				h["Upload-Length"] = ""
			}
			if c.who != "" || c.name == "nobody" {
				h["Test-As"] = c.who
			}
			for i := 0; i < len(c.more); i += 2 {
				h[c.more[i]] = c.more[i+1]
			}
			var a answer
			made := s.calls(func() { a = s.do(http.MethodPost, s.URL+"/uploads/", nil, h) })
			s.wantSays(a, c.status, c.says)
			if a.Header.Get("Location") != "" {
				t.Error("an address was given")
			}
			if len(made) != 0 {
				t.Errorf("S3 was asked: %v", made)
			}
		})
	}
	if n := s.one(`SELECT count(*) FROM upload`); n != "0" {
		t.Errorf("%s uploads were reserved", n)
	}
	s.wantNothing()
}

func TestCreate(t *testing.T) {
	t.Parallel()
	s := serve(t)
	var a answer
	made := s.calls(func() {
		a = s.do(http.MethodPost, s.URL+"/uploads/", nil, map[string]string{
			"Upload-Length": "5", "Upload-Metadata": with("kind", "raw", "filetype", "text/plain; charset=utf-8",
				"filename", "Wunde links – Ferse.txt", "capturedAt", "2026-03-04T12:00:00+01:00", "encounterId", string(demo.Encounter)),
		})
	})
	s.want(a, http.StatusCreated)
	if len(made) != 0 {
		t.Errorf("S3 was asked: %v", made)
	}
	u := a.Header.Get("Location")
	if !strings.HasPrefix(u, s.URL+"/uploads/") || a.Header.Get("Upload-Expires") == "" || a.Header.Get("Cache-Control") != "no-store" ||
		a.Header.Get(uploads.TokenHeader) == "" {
		t.Errorf("headers: %v", a.Header)
	}
	h := s.head(u)
	s.wantOffset(h, 0)
	for _, pair := range []string{"kind " + b64("raw"), "title " + b64("Wunde links – Ferse.txt"), "encounterId " + b64(string(demo.Encounter))} {
		if !strings.Contains(h.Header.Get("Upload-Metadata"), pair) {
			t.Errorf("Upload-Metadata %q lacks %q", h.Header.Get("Upload-Metadata"), pair)
		}
	}
	f := s.wantRecord(s.patch(u, 0, []byte("hello")), []byte("hello"))
	if f.ContentType != "text/plain" || f.CapturedAt == nil || f.Title != "Wunde links – Ferse.txt" || f.Encounter != demo.Encounter {
		t.Errorf("%+v", f)
	}
}

func (s *server) createWith(b []byte, length int64, more ...string) answer {
	s.t.Helper()
	h := map[string]string{
		"Upload-Metadata": raw, "Upload-Length": strconv.FormatInt(length, 10), "Content-Type": "application/offset+octet-stream",
	}
	if length < 0 {
		h["Upload-Length"], h["Upload-Defer-Length"] = "", "1"
	}
	for i := 0; i < len(more); i += 2 {
		h[more[i]] = more[i+1]
	}
	return s.do(http.MethodPost, s.URL+"/uploads/", bytes.NewReader(b), h)
}

func TestCreationWithUpload(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for _, size := range []int{0, 1, 300 << 10, 9 * mib} {
		t.Run(strconv.Itoa(size), func(t *testing.T) {
			s := s.on(t)
			b := content(size)
			a := s.createWith(b, int64(size))
			s.want(a, http.StatusCreated)
			s.wantOffset(a, int64(size))
			s.wantRecord(a, b)
			a = s.head(a.Header.Get("Location"))
			s.want(a, http.StatusOK)
			s.wantRecord(a, b)
		})
	}
	t.Run("the first piece only", func(t *testing.T) {
		s := s.on(t)
		b := content(1000)
		a := s.createWith(b[:400], 1000)
		s.want(a, http.StatusCreated)
		s.wantOffset(a, 400)
		s.wantRecord(s.patch(a.Header.Get("Location"), 400, b[400:]), b)
	})
	t.Run("of unknown length", func(t *testing.T) {
		s := s.on(t)
		b := content(1000)
		a := s.createWith(b[:400], -1)
		s.want(a, http.StatusCreated)
		s.wantOffset(a, 400)
		s.wantRecord(s.patch(a.Header.Get("Location"), 400, b[400:], "Upload-Length", "1000"), b)
	})
	t.Run("more than announced", func(t *testing.T) {
		s := s.on(t)
		a := s.createWith(content(20), 10)
		s.want(a, http.StatusRequestEntityTooLarge)
	})
	t.Run("bytes refused, the address given", func(t *testing.T) {
		s := s.on(t)
		b := content(10)
		a := s.createWith(b, 10, "Upload-Checksum", "crc32 AAAAAA==")
		s.want(a, 460)
		u := a.Header.Get("Location")
		s.wantOffset(s.head(u), 0)
		s.wantRecord(s.patch(u, 0, b), b)
	})
	s.wantClean()
}

// TestCreateAgain: a creation whose answer was lost is sent again with the same
// idempotency key and finds the same upload, where it stands.
func TestCreateAgain(t *testing.T) {
	t.Parallel()
	s := serve(t)
	key := []string{"Idempotency-Key", "0194-again-and-again"}
	b := content(1000)
	first := s.createWith(b[:400], 1000, key...)
	s.want(first, http.StatusCreated)
	u := first.Header.Get("Location")
	again := s.createWith(b[:400], 1000, key...)
	s.want(again, http.StatusCreated)
	if again.Header.Get("Location") != u {
		t.Fatalf("another upload: %s, not %s", again.Header.Get("Location"), u)
	}
	s.wantOffset(again, 400) // and not 800
	s.wantOffset(s.head(u), 400)
	old, now := first.Header.Get(uploads.TokenHeader), again.Header.Get(uploads.TokenHeader)
	s.want(s.do(http.MethodHead, u, nil, map[string]string{"Test-As": "", uploads.TokenHeader: old}), http.StatusUnauthorized)
	s.want(s.do(http.MethodHead, u, nil, map[string]string{"Test-As": "", uploads.TokenHeader: now}), http.StatusOK)

	s.wantSays(s.createWith(b[:400], 1001, key...), http.StatusConflict, "idempotencyKey")
	s.wantRecord(s.patch(u, 400, b[400:]), b)
	done := s.createWith(b[:400], 1000, key...)
	s.want(done, http.StatusCreated)
	s.wantRecord(done, b)
	if n := s.one(`SELECT count(*) FROM upload`); n != "1" {
		t.Errorf("%s uploads", n)
	}
	s.wantClean()
}
