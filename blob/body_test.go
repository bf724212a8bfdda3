package blob_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"github.com/bonfiredb/bonfire/blob"
)

func TestBodiesReadLikeWhatTheyHold(t *testing.T) {
	t.Parallel()
	p := noise(1, 10_000)
	name := filepath.Join(t.TempDir(), "spool")
	if err := os.WriteFile(name, append(p, "not part of it"...), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for name, b := range map[string]blob.Body{
		"one block":   blob.BytesBody([][]byte{p}),
		"many blocks": blob.BytesBody([][]byte{nil, p[:1], p[1:5000], {}, p[5000:5000], p[5000:], nil}),
		"a file":      blob.ReaderAtBody(f, int64(len(p)), blob.UpdateCRC32C(0, p)),
	} {
		if b.Size() != int64(len(p)) || b.CRC32C() != blob.UpdateCRC32C(0, p) {
			t.Errorf("%s: size %d, CRC %x", name, b.Size(), b.CRC32C())
		}
		if err := iotest.TestReader(b, p); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, from := range []int64{0, 1, 4999, 9999, 10_000} { // net/http reads some before it has the rest written
			var rest bytes.Buffer
			if _, err := b.Seek(from, io.SeekStart); err != nil {
				t.Fatal(err)
			}
			if n, err := io.Copy(&rest, b); err != nil || n != 10_000-from || !bytes.Equal(rest.Bytes(), p[from:]) {
				t.Errorf("%s: %d bytes written from %d on, %v", name, n, from, err)
			}
		}
	}
	none := blob.BytesBody(nil)
	if none.Size() != 0 || none.CRC32C() != 0 || iotest.TestReader(none, nil) != nil {
		t.Error("an empty body is not empty")
	}
	for _, seek := range []struct {
		off    int64
		whence int
	}{{-1, io.SeekStart}, {0, 3}} {
		if _, err := none.Seek(seek.off, seek.whence); err == nil {
			t.Errorf("seek %v: no error", seek)
		}
	}
}

// However the bytes are cut, reading from anywhere gives the same as one block.
func TestRopesProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		blocks := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 20), 0, 8).Draw(t, "blocks")
		whole := bytes.Join(blocks, nil)
		b := blob.BytesBody(blocks)
		for range 5 {
			off := rapid.Int64Range(0, int64(len(whole))+3).Draw(t, "offset")
			n := rapid.IntRange(1, 30).Draw(t, "length")
			if _, err := b.Seek(off, io.SeekStart); err != nil {
				t.Fatal(err)
			}
			want := whole[min(off, int64(len(whole))):]
			want = want[:min(n, len(want))]
			got := make([]byte, n)
			m, err := b.Read(got)
			if !bytes.Equal(got[:m], want) || (err == io.EOF) != (len(want) == 0) {
				t.Fatalf("at %d: %x, %v, want %x", off, got[:m], err, want)
			}
		}
	})
}

// A call sends all of a body, even one that was read before.
func TestABodyIsSentFromItsBeginning(t *testing.T) {
	t.Parallel()
	b, p := open(t), noise(1, 1000)
	sent := body(p)
	if _, err := io.CopyN(io.Discard, sent, 600); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Put(t.Context(), "k", "", sent); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(fetch(t, b, "k"), p) {
		t.Fatal("other bytes came back")
	}
}

// What is measured here: on plain http, where the SDK would sign the payload,
// a body is read once per attempt, and no copy of it is made.
func TestABodyIsReadOncePerAttempt(t *testing.T) {
	b := open(t)
	id, err := b.CreateMultipart(t.Context(), "k", "")
	if err != nil {
		t.Fatal(err)
	}
	send := func(w *watched) {
		if _, err := b.UploadPart(t.Context(), "k", id, 1, w); err != nil {
			t.Fatal(err)
		}
	}
	w := &watched{Body: body(noise(1, partSize))}
	send(w) // connection, tables
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	w.read.Store(0)
	send(w)
	runtime.ReadMemStats(&after)
	if n := w.read.Load(); n != partSize {
		t.Errorf("read %d bytes for %d", n, partSize)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("allocated %d bytes for a part of %d", n, partSize)
	}
}

func TestABodyIsReadAgainForARetry(t *testing.T) {
	t.Parallel()
	b := through(t, refuse(1, http.StatusServiceUnavailable, "SlowDown", puts))
	w := &watched{Body: body(noise(1, 1000))}
	if _, err := b.Put(t.Context(), "k", "", w); err != nil {
		t.Fatal(err)
	}
	if n := w.read.Load(); n != 2000 {
		t.Errorf("read %d bytes", n)
	}
	if !bytes.Equal(fetch(t, b, "k"), noise(1, 1000)) {
		t.Fatal("other bytes came back")
	}
}

// A body that cannot be read leaves nothing behind.
func TestABodyThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, full := range []bool{true, false} {
		b := open(t, func(c *blob.Config) { c.FullObjectCRC = full })
		if _, err := b.Put(t.Context(), "k", "", broken{body(noise(1, 1000))}); err == nil {
			t.Error("no error")
		}
		if _, err := b.Head(t.Context(), "k"); !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("afterwards: %v", err)
		}
	}
}

type broken struct{ blob.Body }

func (broken) Read([]byte) (int, error) { return 0, errors.New("disk error") }
