package blob_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/bonfiredb/bonfire/blob"
	"github.com/bonfiredb/bonfire/clinical"
)

// open is a Bucket in a prefix of its own on the real server, with its
// configuration changed by edit.
func open(t testing.TB, edit ...func(*blob.Config)) *blob.Bucket {
	t.Helper()
	c := settings()
	c.Prefix = t.Name() + "/" + string(clinical.NewID[clinical.FileID](time.Now()))
	for _, e := range edit {
		e(&c)
	}
	b, err := blob.Open(t.Context(), c)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return b
}

// noise is n bytes that are the same for the same seed.
func noise(seed uint64, n int) []byte {
	var key [32]byte
	key[0], key[1] = byte(seed), byte(seed>>8)
	p := make([]byte, n)
	rand.NewChaCha8(key).Read(p)
	return p
}

func body(p []byte) blob.Body { return blob.BytesBody([][]byte{p}) }

// liar is a body that announces another checksum than its bytes have, and so
// stands for bytes that are damaged on their way.
type liar struct{ blob.Body }

func (l liar) CRC32C() uint32 { return l.Body.CRC32C() ^ 1 }

// fetch is the whole object.
func fetch(t testing.TB, b *blob.Bucket, key string) []byte {
	t.Helper()
	r, err := b.Get(t.Context(), key, 0, -1)
	if err != nil {
		t.Fatalf("Get: %v", err)
	}
	defer r.Close()
	p, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	return p
}

// want fails unless err is this verdict and of this kind.
func want(t testing.TB, err, verdict error, kind clinical.Kind) {
	t.Helper()
	if !errors.Is(err, verdict) || !clinical.Is(err, kind) || clinical.AsFailure(err) == nil {
		t.Fatalf("got %v, want %v of kind %v", err, verdict, kind)
	}
}

// calls is how often each operation was called since before.
func calls(b *blob.Bucket, before map[string]int64) map[string]int64 {
	now := b.Calls()
	maps.DeleteFunc(now, func(name string, n int64) bool { return n == before[name] })
	for name := range now {
		now[name] -= before[name]
	}
	return now
}

func TestOpenRefusesAnIncompleteConfiguration(t *testing.T) {
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_CONFIG_FILE", "/nonexistent")
	for field, edit := range map[string]func(*blob.Config){
		"bucket":         func(c *blob.Config) { c.Bucket = "" },
		"endpoint":       func(c *blob.Config) { c.Endpoint = "s3.example.org" },
		"publicEndpoint": func(c *blob.Config) { c.PublicEndpoint = "ftp://s3.example.org" },
		"region":         func(c *blob.Config) { c.Region = "" },
	} {
		c := settings()
		edit(&c)
		_, err := blob.Open(t.Context(), c)
		if f := clinical.AsFailure(err); f == nil || f.Kind != clinical.Invalid || f.Field != field {
			t.Errorf("%s: got %v", field, err)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	if err := open(t).Check(t.Context()); err != nil {
		t.Fatalf("our bucket: %v", err)
	}
	for name, c := range map[string]struct {
		edit  func(*blob.Config)
		words string
	}{
		"missing bucket": {func(c *blob.Config) { c.Bucket = "no-such-bucket" }, "the storage bucket does not exist"},
		"wrong secret": {func(c *blob.Config) {
			access, _ := server.Credentials()
			c.Credentials = credentials.NewStaticCredentialsProvider(access, "wrong", "")
		}, "storage refused the server's credentials"},
		"nobody there": {func(c *blob.Config) { c.Endpoint = "http://127.0.0.1:1" }, "storage does not answer; try again"},
	} {
		err := open(t, c.edit).Check(t.Context())
		if f := clinical.AsFailure(err); f == nil || f.Kind != clinical.Unavailable || f.Words != c.words {
			t.Errorf("%s: got %v", name, err)
		}
		if !blob.Transient(err) {
			t.Errorf("%s: an operator can mend this, so nothing may be given up for it: %v", name, err)
		}
	}
}

func TestKeysAreRelativeToThePrefix(t *testing.T) {
	t.Parallel()
	var prefix string
	inside := open(t, func(c *blob.Config) { prefix = c.Prefix })
	outside := open(t, func(c *blob.Config) { c.Prefix = "" })
	if _, err := inside.Put(t.Context(), "a/b", "", body([]byte("x"))); err != nil {
		t.Fatal(err)
	}
	if got := fetch(t, outside, prefix+"/a/b"); !bytes.Equal(got, []byte("x")) {
		t.Fatalf("got %q", got)
	}
	for o, err := range inside.List(t.Context(), "a/") {
		if err != nil || o.Key != "a/b" {
			t.Fatalf("listed %q, %v", o.Key, err)
		}
	}
}

func TestACancelledContextEndsTheCall(t *testing.T) {
	t.Parallel()
	b := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := b.Put(ctx, "k", "", body([]byte("x")))
	want(t, err, context.Canceled, clinical.Unavailable)
	if !blob.Transient(err) {
		t.Fatal("a cancelled call says nothing of the object")
	}
	if _, err := b.Head(t.Context(), "k"); !errors.Is(err, blob.ErrNotFound) {
		t.Fatalf("after a cancelled Put: %v", err)
	}
}
