package blob_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/blob"
	"github.com/bonfiredb/bonfire/clinical"
)

func TestPutIsOneCall(t *testing.T) {
	t.Parallel()
	b, p := open(t), noise(1, 300_000)
	before := b.Calls()
	o, err := b.Put(t.Context(), "a/b", "image/png", blob.BytesBody([][]byte{p[:1], p[1:200_000], nil, p[200_000:]}))
	if err != nil {
		t.Fatal(err)
	}
	if got := calls(b, before); !maps.Equal(got, map[string]int64{"PutObject": 1, "PutObject.attempts": 1}) {
		t.Errorf("calls: %v", got)
	}
	head, err := b.Head(t.Context(), "a/b")
	if err != nil {
		t.Fatal(err)
	}
	if head.Size != 300_000 || head.CRC32C != blob.UpdateCRC32C(0, p) || !head.HasCRC || head.ContentType != "image/png" ||
		time.Since(head.LastModified) > time.Hour {
		t.Errorf("head: %+v", head)
	}
	if o.Key != "a/b" || o.ETag != head.ETag || o.Size != head.Size || o.CRC32C != head.CRC32C || !o.HasCRC {
		t.Errorf("put: %+v, head: %+v", o, head)
	}
	if !bytes.Equal(fetch(t, b, "a/b"), p) {
		t.Error("other bytes came back")
	}
}

func TestPutOfNothing(t *testing.T) {
	t.Parallel()
	b := open(t)
	if _, err := b.Put(t.Context(), "empty", "", blob.BytesBody(nil)); err != nil {
		t.Fatal(err)
	}
	if o, err := b.Head(t.Context(), "empty"); err != nil || o.Size != 0 || o.CRC32C != 0 || !o.HasCRC {
		t.Fatalf("%+v, %v", o, err)
	}
	if p := fetch(t, b, "empty"); len(p) != 0 {
		t.Fatalf("got %q", p)
	}
}

func TestPutAgain(t *testing.T) {
	t.Parallel()
	b, p := open(t), noise(2, 1000)
	first, err := b.Put(t.Context(), "k", "", body(p))
	if err != nil {
		t.Fatal(err)
	}
	again, err := b.Put(t.Context(), "k", "", body(p))
	if err != nil || again.ETag != first.ETag || again.CRC32C != first.CRC32C {
		t.Fatalf("same bytes: %+v, %v", again, err)
	}
	_, err = b.Put(t.Context(), "k", "", body(noise(3, 1000)))
	want(t, err, blob.ErrConflict, clinical.Conflict)
	_, err = b.Put(t.Context(), "k", "", body(p[:999]))
	want(t, err, blob.ErrConflict, clinical.Conflict)
	if blob.Transient(err) {
		t.Error("a conflict is final")
	}
	if !bytes.Equal(fetch(t, b, "k"), p) {
		t.Fatal("a refused Put changed the object")
	}
}

func TestScratchIsReplaced(t *testing.T) {
	t.Parallel()
	b := open(t)
	for seed := range uint64(2) {
		if err := b.PutScratch(t.Context(), "s", body(noise(seed, 500))); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(fetch(t, b, "s"), noise(1, 500)) {
		t.Fatal("not the newer bytes")
	}
}

func TestDamagedBytesAreRefused(t *testing.T) {
	t.Parallel()
	for name, md5 := range map[string]bool{"CRC32C": false, "Content-MD5": true} {
		t.Run(name, func(t *testing.T) {
			b := open(t, func(c *blob.Config) { c.FullObjectCRC = !md5 })
			bad := liar{body(noise(4, 1000))}
			_, err := b.Put(t.Context(), "k", "", bad)
			want(t, err, blob.ErrDigestMismatch, clinical.ChecksumMismatch)
			want(t, b.PutScratch(t.Context(), "k", bad), blob.ErrDigestMismatch, clinical.ChecksumMismatch)
			if blob.Transient(err) {
				t.Error("a mismatch is final")
			}
			_, err = b.Head(t.Context(), "k")
			want(t, err, blob.ErrNotFound, clinical.NotFound)
		})
	}
}

func TestGetRanges(t *testing.T) {
	t.Parallel()
	b, p := open(t), noise(5, 1000)
	if _, err := b.Put(t.Context(), "k", "", body(p)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		off, length int64
		want        []byte
	}{{0, -1, p}, {0, 1000, p}, {10, 5, p[10:15]}, {990, -1, p[990:]}, {999, 1, p[999:]}, {3, 0, nil}} {
		r, err := b.Get(t.Context(), "k", c.off, c.length)
		if err != nil {
			t.Fatalf("%d+%d: %v", c.off, c.length, err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, c.want) {
			t.Errorf("%d+%d: %d bytes, %v", c.off, c.length, len(got), err)
		}
		r.Close()
	}
	for _, c := range []struct{ off, length int64 }{{990, 11}, {1000, 1}, {1000, -1}} {
		if _, err := b.Get(t.Context(), "k", c.off, c.length); !clinical.Is(err, clinical.Internal) || clinical.AsFailure(err) == nil {
			t.Errorf("%d+%d, beyond the end: %v", c.off, c.length, err)
		}
	}
	_, err := b.Get(t.Context(), "other", 0, -1)
	want(t, err, blob.ErrNotFound, clinical.NotFound)
}

func TestListAndDelete(t *testing.T) {
	t.Parallel()
	b := open(t)
	var keys []string
	for i := range 1005 { // more than a page of either call
		keys = append(keys, fmt.Sprintf("many/%04d", i))
	}
	for _, k := range append(keys, "other/1") {
		if err := b.PutScratch(t.Context(), k, body([]byte(k))); err != nil {
			t.Fatal(err)
		}
	}
	list := func(prefix string) (got []string) {
		for o, err := range b.List(t.Context(), prefix) {
			if err != nil {
				t.Fatal(err)
			}
			if o.Size != int64(len(o.Key)) || o.ETag == "" || o.LastModified.IsZero() {
				t.Fatalf("%+v", o)
			}
			got = append(got, o.Key)
		}
		return got
	}
	if got := list("many/"); fmt.Sprint(got) != fmt.Sprint(keys) {
		t.Fatalf("%d keys, %v ...", len(got), got[:min(3, len(got))])
	}
	for o, err := range b.List(t.Context(), "") {
		if err != nil || o.Key != keys[0] {
			t.Fatal(o, err)
		}
		break // the walk can be left
	}
	before := b.Calls()
	if err := b.Delete(t.Context(), append(keys, "never/was")...); err != nil {
		t.Fatal(err)
	}
	if got := calls(b, before); got["DeleteObjects"] != 2 || got["DeleteObject"] != 0 {
		t.Errorf("calls: %v", got)
	}
	if got := list(""); fmt.Sprint(got) != "[other/1]" {
		t.Fatalf("left: %v", got)
	}
	for range 2 {
		if err := b.Delete(t.Context(), "other/1"); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestListEndsWithItsError(t *testing.T) {
	t.Parallel()
	b := open(t, func(c *blob.Config) { c.Bucket = "no-such-bucket" })
	n := 0
	for _, err := range b.List(t.Context(), "") {
		if n++; !blob.Transient(err) || errors.Is(err, blob.ErrNotFound) {
			t.Fatal(err)
		}
	}
	if n != 1 {
		t.Fatalf("%d rounds", n)
	}
}
