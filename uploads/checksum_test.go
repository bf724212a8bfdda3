package uploads_test

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/records"
)

func checksum(name string, b []byte) string {
	var sum []byte
	switch name {
	case "sha256":
		s := sha256.Sum256(b)
		sum = s[:]
	case "sha1":
		s := sha1.Sum(b)
		sum = s[:]
	case "crc32":
		sum = binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(b))
	}
	return name + " " + base64.StdEncoding.EncodeToString(sum)
}

// TestP1_NothingOfABadChecksum: of a request whose bytes do not match its
// checksum nothing is acknowledged, however large it is.
func TestP1_NothingOfABadChecksum(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for _, name := range []string{"sha256", "sha1", "crc32"} {
		for _, size := range []int{10, 100 << 10, 2 * mib, 21 * mib} {
			if size > 3*mib && name != "crc32" {
				continue
			}
			t.Run(name+" of "+strconv.Itoa(size), func(t *testing.T) {
				s := s.on(t)
				b := content(2 * size)
				for _, length := range []int64{int64(2 * size), -1} {
					u := s.create(length, raw)
					good := s.patch(u, 0, b[:size], "Upload-Checksum", checksum(name, b[:size]))
					s.want(good, http.StatusNoContent)
					s.wantOffset(good, int64(size))
					bad := append([]byte{}, b[size:]...)
					bad[size-1] ^= 1
					var more []string
					if length < 0 {
						more = []string{"Upload-Length", strconv.Itoa(2 * size)}
					}
					a := s.patch(u, int64(size), bad, append(more, "Upload-Checksum", checksum(name, b[size:]))...)
					s.wantSays(a, 460, "Upload-Checksum")
					s.wantOffset(s.head(u), int64(size))
					a = s.patch(u, int64(size), b[size:], append(more, "Upload-Checksum", checksum(name, b[size:]))...)
					s.want(a, http.StatusNoContent)
					s.wantRecord(a, b)
				}
			})
		}
	}
	s.wantClean()
}

// A small file whose checksum is wrong does not even reach the bucket.
func TestABadChecksumSendsNoFile(t *testing.T) {
	t.Parallel()
	s := serve(t)
	b := content(1000)
	u := s.create(1000, raw)
	made := s.calls(func() { s.want(s.patch(u, 0, b, "Upload-Checksum", checksum("sha1", b[1:])), 460) })
	if len(made) != 0 {
		t.Errorf("S3 was asked: %v", made)
	}
	s.wantRecord(s.patch(u, 0, b, "Upload-Checksum", checksum("sha1", b)), b)
}

func TestMalformedChecksums(t *testing.T) {
	t.Parallel()
	s := serve(t)
	u := s.create(10, raw)
	for _, h := range []string{"md5 1B2M2Y8AsgTpgAmY7PhCfg==", "sha1", "sha1 ", "sha1 %%%", "sha1 AAAA", "crc32 " + strings.Repeat("A", 100), "sha256 null", "SHA1 2jmj7l5rSw0yVb/vlWAYkK/YBwk="} {
		a := s.patch(u, 0, content(10), "Upload-Checksum", h)
		s.wantSays(a, http.StatusBadRequest, "Upload-Checksum")
	}
	s.wantOffset(s.head(u), 0)
}

// Of a request with a checksum whose connection breaks nothing can be told, so
// nothing is kept, and the client is not told that its bytes were bad.
func TestAChecksumOfABrokenRequest(t *testing.T) {
	t.Parallel()
	s := serve(t)
	b := content(9 * mib)
	u := s.create(int64(len(b)), raw)
	p := s.stall(u, b[:8*mib+100], "Upload-Checksum", checksum("sha256", b))
	s.wantOffset(s.head(u), 0) // takes it over
	if a := p.answer(); a.StatusCode == 460 {
		t.Error("told that its bytes are bad")
	}
	s.wantRecord(s.patch(u, 0, b, "Upload-Checksum", checksum("sha256", b)), b)
	s.wantClean()
}

// TestP2_AnnouncedDigest: a file that is not what was announced never becomes a
// record, wherever its bytes are when that is found.
func TestP2_AnnouncedDigest(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for _, size := range []int{0, 10, 100 << 10, 9 * mib} {
		t.Run(strconv.Itoa(size), func(t *testing.T) {
			s := s.on(t)
			b := content(size)
			sum := sha256.Sum256(b)
			wrong := sha256.Sum256(append(b, 0))
			meta := func(sum []byte) string { return raw + ",sha256 " + b64(hex.EncodeToString(sum)) }
			for _, length := range []int64{int64(size), -1} {
				if length == 0 { // it ends with its creation
					a := s.createWith(nil, 0, "Upload-Metadata", meta(wrong[:]))
					s.wantSays(a, 460, "sha256")
					s.wantState(a.Header.Get("Location"), "failed")
					continue
				}
				u := s.create(length, meta(wrong[:]))
				a := s.finishBytes(u, b, length < 0)
				s.wantSays(a, 460, "sha256")
				s.wantState(u, "failed")
				s.want(s.head(u), http.StatusGone)
				u = s.create(length, meta(sum[:]))
				s.wantRecord(s.finishBytes(u, b, length < 0), b)
			}
			// Told at the end.
			for _, told := range [][]byte{wrong[:], sum[:]} {
				u := s.create(-1, raw)
				if size > 0 {
					s.want(s.patch(u, 0, b), http.StatusNoContent)
				}
				id := clinical.UploadID(u[len(u)-36:])
				f, err := s.Records.FinishUpload(t.Context(), s.As("clinician"), id, records.FinishUpload{SHA256: told, DeclareLength: true})
				if string(told) == string(sum[:]) {
					if err != nil || string(f.Digests.SHA256) != string(sum[:]) {
						t.Errorf("%+v, %v", f, err)
					}
					// Once it is a record a wrong digest is an error of the caller's.
					_, err = s.Records.FinishUpload(t.Context(), s.As("clinician"), id, records.FinishUpload{SHA256: wrong[:]})
				} else {
					s.wantState(u, "failed")
				}
				if !clinical.Is(err, clinical.ChecksumMismatch) {
					t.Errorf("got %v", err)
				}
			}
			// What is told at the end does not replace what was announced.
			u := s.create(-1, meta(wrong[:]))
			if size > 0 {
				s.want(s.patch(u, 0, b), http.StatusNoContent)
			}
			_, err := s.Records.FinishUpload(t.Context(), s.As("clinician"), clinical.UploadID(u[len(u)-36:]), records.FinishUpload{SHA256: sum[:], DeclareLength: true})
			if !clinical.Is(err, clinical.ChecksumMismatch) {
				t.Errorf("got %v", err)
			}
			s.wantState(u, "failed")
		})
	}
	s.wantClean()
}

// finishBytes sends all of b in one PATCH, declaring its length if it was
// deferred. An upload of nothing is finished by HEAD.
func (s *server) finishBytes(u string, b []byte, deferred bool) answer {
	s.t.Helper()
	if deferred {
		return s.patch(u, 0, b, "Upload-Length", strconv.Itoa(len(b)))
	}
	if len(b) == 0 {
		return s.do(http.MethodPatch, u, nil, map[string]string{"Upload-Offset": "0"})
	}
	return s.patch(u, 0, b)
}
