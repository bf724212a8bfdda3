package blob_test

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/bonfiredb/bonfire/blob"
	"github.com/bonfiredb/bonfire/clinical"
)

func TestAStoreThatStaysDown(t *testing.T) {
	t.Parallel()
	b := through(t, refuse(1000, http.StatusServiceUnavailable, "ServiceUnavailable", all))
	ask := map[string]func() error{
		"Put":       func() error { _, err := b.Put(t.Context(), "k", "", body(noise(1, 10))); return err },
		"Scratch":   func() error { return b.PutScratch(t.Context(), "k", body(noise(1, 10))) },
		"Part":      func() error { _, err := b.UploadPart(t.Context(), "k", "id", 1, body(noise(1, 10))); return err },
		"Create":    func() error { _, err := b.CreateMultipart(t.Context(), "k", ""); return err },
		"Head":      func() error { _, err := b.Head(t.Context(), "k"); return err },
		"Get":       func() error { _, err := b.Get(t.Context(), "k", 0, -1); return err },
		"Delete":    func() error { return b.Delete(t.Context(), "k") },
		"DeleteTwo": func() error { return b.Delete(t.Context(), "k", "l") },
		"Abort":     func() error { return b.AbortMultipart(t.Context(), "k", "id") },
		"Alive":     func() error { _, err := b.MultipartAlive(t.Context(), "k", "id"); return err },
		"Complete": func() error {
			_, err := b.CompleteMultipart(t.Context(), "k", "id", []blob.Part{{Number: 1, ETag: "x", Size: 1, CRC32C: 7}}, 1, 7)
			return err
		},
	}
	var wg sync.WaitGroup
	for name, call := range ask {
		wg.Go(func() {
			err := call()
			if f := clinical.AsFailure(err); f == nil || f.Kind != clinical.Unavailable || !blob.Transient(err) {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	wg.Wait()
	if got := b.Calls(); got["PutObject.attempts"] != 8 || got["DeleteObject"] != 1 || got["DeleteObjects"] != 1 {
		t.Errorf("calls: %v", got)
	}
}

func TestRefusedCredentials(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		code   string
	}{{403, "AccessDenied"}, {403, "InvalidAccessKeyId"}, {400, "ExpiredToken"}} {
		b := through(t, refuse(1000, c.status, c.code, all))
		_, err := b.Put(t.Context(), "k", "", body(nil))
		want(t, err, blob.ErrRefused, clinical.Unavailable)
		if !blob.Transient(err) || b.Calls()["PutObject.attempts"] != 1 {
			t.Errorf("%s: %v, %v", c.code, err, b.Calls())
		}
	}
	b := through(t, refuse(1000, 400, "KMS.DisabledException", all))
	if _, err := b.Put(t.Context(), "k", "", body(nil)); !blob.Transient(err) || !clinical.Is(err, clinical.Unavailable) {
		t.Errorf("KMS: %v", err)
	}
	b = through(t, refuse(1000, 400, "RequestTimeout", all))
	_, err := b.Put(t.Context(), "k", "", body(nil))
	want(t, err, blob.ErrUnavailable, clinical.Unavailable)
}

func TestAStoreWithoutDeleteObjects(t *testing.T) {
	t.Parallel()
	deletes := func(r *http.Request) bool { return r.Method == http.MethodPost && r.URL.Query().Has("delete") }
	b := through(t, refuse(1000, http.StatusNotImplemented, "NotImplemented", deletes))
	for _, k := range []string{"a", "b"} {
		if err := b.PutScratch(t.Context(), k, body([]byte(k))); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Delete(t.Context(), "a", "b", "c"); err != nil {
		t.Fatal(err)
	}
	for o, err := range b.List(t.Context(), "") {
		t.Errorf("left: %v, %v", o.Key, err)
	}
}

func TestWordsHoldNothingOfTheStore(t *testing.T) {
	t.Parallel()
	for status, code := range map[int]string{400: "Whatever", 403: "AccessDenied", 404: "NoSuchKey", 409: "OperationAborted",
		412: "PreconditionFailed", 416: "InvalidRange", 500: "InternalError", 301: "PermanentRedirect"} {
		b := through(t, refuse(1000, status, code, all))
		for _, call := range []func() error{
			func() error { _, err := b.Get(t.Context(), "some-key", 0, -1); return err },
			func() error { return b.PutScratch(t.Context(), "some-key", body(noise(1, 10))) },
			func() error { return b.Check(t.Context()) },
		} {
			err := call()
			f := clinical.AsFailure(err)
			if f == nil {
				t.Fatalf("%d %s: %v", status, code, err)
			}
			for _, secret := range []string{settings().Bucket, "127.0.0.1", "key", "http", code, "clinic"} {
				if strings.Contains(f.Words, secret) {
					t.Errorf("%d %s: words %q hold %q", status, code, f.Words, secret)
				}
			}
			if errors.Unwrap(f) == nil {
				t.Errorf("%d %s: no cause for the log", status, code)
			}
		}
	}
}
