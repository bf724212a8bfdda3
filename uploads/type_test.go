package uploads_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"net/http"
	"strconv"
	"testing"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/clinictest"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/records"
)

// picture is a PNG of n bytes at least: one black pixel and a comment.
func picture(n int) []byte {
	var b bytes.Buffer
	b.WriteString("\x89PNG\r\n\x1a\n")
	chunk := func(name string, data []byte) {
		_ = binary.Write(&b, binary.BigEndian, uint32(len(data)))
		body := append([]byte(name), data...)
		b.Write(body)
		_ = binary.Write(&b, binary.BigEndian, crc32.ChecksumIEEE(body))
	}
	chunk("IHDR", []byte{0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0})
	if n > 0 {
		chunk("tEXt", append([]byte("Comment\x00"), content(n)...))
	}
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	_, _ = w.Write([]byte{0, 0})
	_ = w.Close()
	chunk("IDAT", z.Bytes())
	chunk("IEND", nil)
	return b.Bytes()
}

// TestSniffing: bytes that are not of the declared type are refused, however
// they are cut, and the upload has failed with nothing left.
func TestSniffing(t *testing.T) {
	t.Parallel()
	s := serve(t)
	pdf := append([]byte("%PDF-1.7\n"), content(9*mib)...)
	for _, c := range []struct {
		name, meta string
		b          []byte
		fits       bool
	}{
		{"a photo", with(), picture(1000), true},
		{"a large photo", with(), picture(9 * mib), true},
		{"a PDF for a photo", with(), pdf[:1000], false},
		{"a large PDF for a photo", with(), pdf, false},
		{"a program for a photo", with(), append([]byte("\x7fELF\x02\x01\x01"), make([]byte, 2000)...), false},
		{"a web page for a PDF", with("kind", "consent", "filetype", "application/pdf"), []byte("<!DOCTYPE html><script>alert(1)</script>"), false},
		{"a photo for text", with("kind", "consent", "filetype", "text/plain"), picture(100), false},
		{"text", with("kind", "consent", "filetype", "text/plain"), []byte("Grüße aus der Praxis"), true},
		{"text cut in a character", with("kind", "consent", "filetype", "text/plain"), append(bytes.Repeat([]byte("a"), 599), []byte("Grüße")...), true},
		{"anything for raw", raw, pdf[:1000], true},
	} {
		for _, piece := range []int{1 << 30, 600, 100} {
			if len(c.b)/piece > 100 {
				continue
			}
			t.Run(c.name+" in pieces of "+strconv.Itoa(piece), func(t *testing.T) {
				s := s.on(t)
				u := s.create(int64(len(c.b)), c.meta)
				var a answer
				for at := 0; at < len(c.b); at += piece {
					a = s.patch(u, int64(at), c.b[at:min(at+piece, len(c.b))])
					if a.StatusCode != http.StatusNoContent {
						break
					}
				}
				if c.fits {
					s.want(a, http.StatusNoContent)
					s.wantRecord(a, c.b)
					return
				}
				s.wantSays(a, http.StatusUnsupportedMediaType, "contentType")
				s.wantState(u, "failed")
				s.want(s.head(u), http.StatusGone)
				s.wantSays(s.patch(u, 0, c.b), http.StatusGone, "not of the declared content type")
				up, err := s.Records.Upload(t.Context(), s.As("clinician"), clinical.UploadID(u[len(u)-36:]))
				if err != nil || up.Failure == nil || up.Failure.Code != clinical.FailedContentType || up.Title != "" {
					t.Errorf("%+v, %v", up.Failure, err)
				}
			})
		}
	}
	if n := s.one(`SELECT count(*) FROM file f JOIN upload u ON u.id = f.upload_id WHERE u.state <> 'completed'`); n != "0" {
		t.Errorf("%s records of failed uploads", n)
	}
	s.wantClean()
}

// TestSniffingQuarantine: a kind may keep what is not what it says, apart.
func TestSniffingQuarantine(t *testing.T) {
	t.Parallel()
	s := serve(t, clinictest.Setup{Records: func(o *records.Options) {
		o.Kinds = clinical.DefaultKinds()
		for i := range o.Kinds {
			o.Kinds[i].Mismatch, o.Kinds[i].Scan = clinical.QuarantineMismatch, clinical.ScanRequired
		}
	}})
	b := []byte("%PDF-1.7 and so on")
	u := s.create(int64(len(b)), with())
	s.want(s.patch(u, 0, b), http.StatusNoContent)
	if got := s.one(`SELECT scan_status || ' ' || (SELECT sniffed FROM upload) FROM file`); got != "pending application/pdf" {
		t.Errorf("the file is %s", got)
	}
}

// TestTooLarge: the limit of the kind holds where no length was announced, while
// the bytes stream in.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	const limit = 6 * mib
	s := serve(t, clinictest.Setup{Records: func(o *records.Options) {
		o.Kinds = clinical.DefaultKinds()
		for i := range o.Kinds {
			o.Kinds[i].MaxSize = limit
		}
	}})
	b := content(20 * mib)
	t.Run("announced", func(t *testing.T) {
		s := s.on(t)
		a := s.do(http.MethodPost, s.URL+"/uploads/", nil, map[string]string{"Upload-Metadata": raw, "Upload-Length": strconv.Itoa(limit + 1)})
		s.wantSays(a, http.StatusRequestEntityTooLarge, "size")
	})
	for _, piece := range []int{20 * mib, mib} {
		t.Run("deferred, in pieces of "+strconv.Itoa(piece), func(t *testing.T) {
			s := s.on(t)
			u := s.create(-1, raw)
			at := 0
			for ; at < len(b); at += piece {
				if a := s.patch(u, int64(at), b[at:at+piece]); a.StatusCode != http.StatusNoContent {
					s.wantSays(a, http.StatusRequestEntityTooLarge, "size")
					break
				}
			}
			if at > limit {
				t.Fatalf("%d bytes were taken", at)
			}
			// What fits is a file; more than that cannot be declared.
			s.wantSays(s.patch(u, int64(at), nil, "Upload-Length", strconv.Itoa(limit+1)), http.StatusRequestEntityTooLarge, "Upload-Length")
			s.wantRecord(s.patch(u, int64(at), b[at:limit], "Upload-Length", strconv.Itoa(limit)), b[:limit])
		})
	}
	t.Run("streamed without a length at all", func(t *testing.T) {
		s := s.on(t)
		u := s.create(-1, raw)
		p := s.stall(u, b[:mib])
		go func() {
			for at := mib; at < len(b); at += mib {
				if _, err := p.conn.Write([]byte("100000\r\n" + string(b[at:at+mib]) + "\r\n")); err != nil {
					return
				}
			}
		}()
		s.wantSays(p.answer(), http.StatusRequestEntityTooLarge, "size")
	})
	t.Run("more than announced", func(t *testing.T) {
		s := s.on(t)
		u := s.create(1000, raw)
		s.want(s.patch(u, 0, b[:1001]), http.StatusRequestEntityTooLarge)
		s.wantOffset(s.head(u), 0)
	})
	s.sql(`UPDATE upload SET expires_at = now() - interval '1 hour'`)
	s.wantClean()
	if n := s.one(`SELECT count(*) FROM file`); n != "2" {
		t.Errorf("%s records", n)
	}
}

var _ = demo.Patient
