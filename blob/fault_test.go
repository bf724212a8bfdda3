package blob_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/blob"
	"github.com/bonfiredb/bonfire/clinical"
)

// fault sees every request before the server does and answers it, or lets it
// through; next is the server itself.
type fault func(w http.ResponseWriter, r *http.Request, next http.Handler)

// facing puts a fault before the server. It keeps the Host header, which is
// signed.
func facing(f fault) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		target, err := url.Parse(server.URL())
		if err != nil {
			panic(err)
		}
		f(w, r, &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(target)
			p.Out.Host = p.In.Host
		}})
	})
}

// through is a Bucket whose requests meet that fault.
func through(t testing.TB, f fault, edit ...func(*blob.Config)) *blob.Bucket {
	t.Helper()
	proxy := httptest.NewServer(facing(f))
	t.Cleanup(proxy.Close)
	return open(t, append(edit, func(c *blob.Config) { c.Endpoint = proxy.URL })...)
}

// lose executes the first n requests that match and drops their answers.
func lose(n int32, match func(*http.Request) bool) fault {
	var left atomic.Int32
	left.Store(n)
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if !match(r) || left.Add(-1) < 0 {
			next.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	}
}

// refuse answers the first n requests that match with this status and code.
func refuse(n int32, status int, code string, match func(*http.Request) bool) fault {
	var left atomic.Int32
	left.Store(n)
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if !match(r) || left.Add(-1) < 0 {
			next.ServeHTTP(w, r)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "<Error><Code>"+code+"</Code><Message>clinic-bucket secret-key</Message></Error>")
	}
}

func puts(r *http.Request) bool {
	return r.Method == http.MethodPut && r.URL.Query().Get("uploadId") == ""
}
func partsSent(r *http.Request) bool {
	return r.Method == http.MethodPut && r.URL.Query().Has("partNumber")
}
func completes(r *http.Request) bool {
	return r.Method == http.MethodPost && r.URL.Query().Has("uploadId")
}
func all(*http.Request) bool { return true }

func TestALostAnswerToPut(t *testing.T) {
	t.Parallel()
	b, p := through(t, lose(1, puts)), noise(1, 1000)
	before := b.Calls()
	o, err := b.Put(t.Context(), "k", "", body(p))
	if err != nil || o.Size != 1000 || !o.HasCRC {
		t.Fatalf("%+v, %v", o, err)
	}
	if got := calls(b, before); got["PutObject"] != 1 || got["PutObject.attempts"] != 2 || got["HeadObject"] != 1 {
		t.Errorf("calls: %v", got)
	}
	if !bytes.Equal(fetch(t, b, "k"), p) {
		t.Fatal("other bytes came back")
	}
}

func TestALostAnswerToComplete(t *testing.T) {
	t.Parallel()
	for name, n := range map[string]int32{"one": 1, "all, and the caller asks again": 4} {
		t.Run(name, func(t *testing.T) {
			b, p := through(t, lose(n, completes)), noise(1, partSize+1)
			id, parts, crc := upload(t, b, "k", p, 1, 2)
			o, err := b.CompleteMultipart(t.Context(), "k", id, parts, int64(len(p)), crc)
			if n > 1 {
				want(t, err, blob.ErrUnavailable, clinical.Unavailable)
				o, err = b.CompleteMultipart(t.Context(), "k", id, parts, int64(len(p)), crc)
			}
			if err != nil || o.CRC32C != crc {
				t.Fatalf("%+v, %v", o, err)
			}
			if !bytes.Equal(fetch(t, b, "k"), p) {
				t.Fatal("other bytes came back")
			}
		})
	}
}

// The upload is gone for the store as soon as it begins to assemble, the
// object is there only when it has ended; whoever asks in between must not be
// told that the bytes are lost.
func TestCompleteWaitsForAnAssemblyUnderWay(t *testing.T) {
	t.Parallel()
	var heads atomic.Int32
	b := through(t, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		switch {
		case completes(r):
			next.ServeHTTP(httptest.NewRecorder(), r)
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, "<Error><Code>NoSuchUpload</Code></Error>")
		case r.Method == http.MethodHead && heads.Add(1) == 1:
			w.WriteHeader(http.StatusNotFound)
		default:
			next.ServeHTTP(w, r)
		}
	})
	id, parts, crc := upload(t, b, "k", noise(1, 100), 1)
	if o, err := b.CompleteMultipart(t.Context(), "k", id, parts, 100, crc); err != nil || o.CRC32C != crc {
		t.Fatalf("%+v, %v", o, err)
	}
}

// A 200 that does not name the checksum, and no object: not done, not gone.
func TestCompleteDoesNotBelieveABareSuccess(t *testing.T) {
	t.Parallel()
	b := through(t, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if !completes(r) {
			next.ServeHTTP(w, r)
			return
		}
		_, _ = io.WriteString(w, "<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>")
	})
	id, parts, crc := upload(t, b, "k", noise(1, 100), 1)
	_, err := b.CompleteMultipart(t.Context(), "k", id, parts, 100, crc)
	want(t, err, blob.ErrUnavailable, clinical.Unavailable)
	if !blob.Transient(err) {
		t.Error("not transient")
	}
}

// A store that refuses a part while its body is still on the way closes the
// connection, and the answer is lost with it.
func TestABrokenPartOfAGoneUploadIsGone(t *testing.T) {
	t.Parallel()
	b := through(t, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if partsSent(r) {
			panic(http.ErrAbortHandler)
		}
		next.ServeHTTP(w, r)
	})
	id, err := b.CreateMultipart(t.Context(), "k", "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.UploadPart(t.Context(), "k", id, 1, body(noise(1, 1000)))
	want(t, err, blob.ErrUnavailable, clinical.Unavailable)
	if !blob.Transient(err) || errors.Is(err, blob.ErrMultipartGone) {
		t.Fatalf("of a living upload: %v", err)
	}
	if err := b.AbortMultipart(t.Context(), "k", id); err != nil {
		t.Fatal(err)
	}
	_, err = b.UploadPart(t.Context(), "k", id, 1, body(noise(1, 1000)))
	want(t, err, blob.ErrMultipartGone, clinical.Gone)
	if blob.Transient(err) {
		t.Fatal("gone is final")
	}
}

func TestAStoreThatRecovers(t *testing.T) {
	t.Parallel()
	b, p := through(t, refuse(3, http.StatusServiceUnavailable, "SlowDown", partsSent)), noise(1, partSize)
	id, parts, crc := upload(t, b, "k", p, 1)
	if n := b.Calls()["UploadPart.attempts"]; n != 4 {
		t.Errorf("%d attempts", n)
	}
	if _, err := b.CompleteMultipart(t.Context(), "k", id, parts, partSize, crc); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(fetch(t, b, "k"), p) {
		t.Fatal("other bytes came back")
	}
}

// A store that does not tell checksums is asked for the bytes.
func TestPutAgainWhereChecksumsAreNotTold(t *testing.T) {
	t.Parallel()
	b := through(t, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(mute{w}, r)
	})
	for range 2 {
		if o, err := b.Put(t.Context(), "k", "", body(noise(1, 1000))); err != nil || !o.HasCRC {
			t.Fatalf("%+v, %v", o, err)
		}
	}
	if o, err := b.Head(t.Context(), "k"); err != nil || o.HasCRC {
		t.Fatalf("this store tells: %+v, %v", o, err)
	}
	_, err := b.Put(t.Context(), "k", "", body(noise(2, 1000)))
	want(t, err, blob.ErrConflict, clinical.Conflict)
}

// Above the size that is worth reading again, the size decides.
func TestALargeObjectWhoseChecksumIsNotTold(t *testing.T) {
	t.Parallel()
	b := through(t, func(w http.ResponseWriter, r *http.Request, next http.Handler) { next.ServeHTTP(mute{w}, r) })
	p := noise(1, 2*partSize+1)
	id, parts, crc := upload(t, b, "k", p, 1, 2, 3)
	if err := b.AbortMultipart(t.Context(), "k", id); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Put(t.Context(), "k", "", body(p)); err != nil {
		t.Fatal(err)
	}
	before := b.Calls()
	if o, err := b.CompleteMultipart(t.Context(), "k", id, parts, int64(len(p)), crc); err != nil || o.HasCRC {
		t.Fatalf("%+v, %v", o, err)
	}
	if got := calls(b, before); got["GetObject"] != 0 {
		t.Errorf("calls: %v", got)
	}
	id, parts, crc = upload(t, b, "k", append(p, 0), 1, 2, 3)
	_, err := b.CompleteMultipart(t.Context(), "k", id, parts, int64(len(p))+1, crc)
	want(t, err, blob.ErrDigestMismatch, clinical.ChecksumMismatch)
}

// A refusal because of an object that is not there any more is no conflict.
func TestAConflictThatWentAway(t *testing.T) {
	t.Parallel()
	b := through(t, refuse(1, http.StatusPreconditionFailed, "PreconditionFailed", puts))
	_, err := b.Put(t.Context(), "k", "", body(noise(1, 1000)))
	want(t, err, blob.ErrUnavailable, clinical.Unavailable)
	if errors.Is(err, blob.ErrConflict) || !blob.Transient(err) {
		t.Fatalf("two verdicts in one: %v", err)
	}
	if _, err := b.Put(t.Context(), "k", "", body(noise(1, 1000))); err != nil {
		t.Fatal(err)
	}
}

func TestTheStoreChecksTheWholeToo(t *testing.T) {
	t.Parallel()
	asked := make(chan http.Header, 1)
	b := through(t, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if completes(r) {
			asked <- r.Header.Clone()
		}
		next.ServeHTTP(w, r)
	})
	id, parts, crc := upload(t, b, "k", noise(1, 9), 1)
	if _, err := b.CompleteMultipart(t.Context(), "k", id, parts, 9, crc); err != nil {
		t.Fatal(err)
	}
	h := <-asked
	sum := base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc))
	if h.Get("X-Amz-Checksum-Crc32c") != sum || h.Get("X-Amz-Checksum-Type") != "FULL_OBJECT" ||
		h.Get("X-Amz-Mp-Object-Size") != "9" || h.Get("If-None-Match") != "*" {
		t.Errorf("asked with %v", h)
	}
}

// mute drops the checksum from the headers of an answer.
type mute struct{ http.ResponseWriter }

func (m mute) WriteHeader(status int) {
	m.Header().Del("X-Amz-Checksum-Crc32c")
	m.ResponseWriter.WriteHeader(status)
}

func TestABodyThatBreaksOff(t *testing.T) {
	t.Parallel()
	b := through(t, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Method != http.MethodGet {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write(make([]byte, 300))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	r, err := b.Get(t.Context(), "k", 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p, err := io.ReadAll(r)
	if len(p) != 300 || !blob.Transient(err) || !clinical.Is(err, clinical.Unavailable) {
		t.Fatalf("%d bytes, %v", len(p), err)
	}
}

// Memory is reused as soon as a call returns, so it may not be read any more,
// even when the call was given up in the middle of the body.
func TestABodyIsNotReadAfterTheCall(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan struct{})
	b := through(t, func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		_, _ = io.ReadFull(r.Body, make([]byte, 100<<10))
		cancel()
		<-over
	})
	t.Cleanup(func() { close(over) })
	w := &watched{Body: body(noise(1, 64<<20))}
	_, err := b.UploadPart(ctx, "k", "id", 1, w)
	want(t, err, context.Canceled, clinical.Unavailable)
	after := w.read.Load()
	time.Sleep(50 * time.Millisecond)
	if now := w.read.Load(); now != after || now == 0 {
		t.Fatalf("read %d bytes, then %d", after, now)
	}
}

// watched counts the bytes read from a body.
type watched struct {
	blob.Body
	read atomic.Int64
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Body.Read(p)
	w.read.Add(int64(n))
	return n, err
}
