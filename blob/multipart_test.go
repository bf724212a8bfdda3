package blob_test

import (
	"bytes"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/blob"
	"github.com/bonfiredb/bonfire/clinical"
)

const partSize = 8 << 20

// upload begins a multipart upload of p under the numbers given, and answers
// its id, the parts and the whole's checksum.
func upload(t testing.TB, b *blob.Bucket, key string, p []byte, numbers ...int32) (id string, parts []blob.Part, crc uint32) {
	t.Helper()
	id, err := b.CreateMultipart(t.Context(), key, "audio/mp4")
	if err != nil {
		t.Fatal(err)
	}
	for piece := range slices.Chunk(p, partSize) {
		part, err := b.UploadPart(t.Context(), key, id, numbers[len(parts)], body(piece))
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, part)
	}
	return id, parts, blob.UpdateCRC32C(0, p)
}

func TestMultipartWithGaps(t *testing.T) {
	t.Parallel()
	for name, full := range map[string]bool{"full object CRC": true, "Content-MD5": false} {
		t.Run(name, func(t *testing.T) {
			b, p := open(t, func(c *blob.Config) { c.FullObjectCRC = full }), noise(1, 2*partSize+12345)
			before := b.Calls()
			id, parts, crc := upload(t, b, "k", p, 3, 900, 9999)
			if _, err := b.UploadPart(t.Context(), "k", id, 4, body(noise(2, 100))); err != nil {
				t.Fatal(err) // a stale writer's part, in no list
			}
			o, err := b.CompleteMultipart(t.Context(), "k", id, parts, int64(len(p)), crc)
			if err != nil {
				t.Fatal(err)
			}
			made := calls(b, before)
			head, err := b.Head(t.Context(), "k")
			if err != nil || head.Size != int64(len(p)) || head.HasCRC != full || full && head.CRC32C != crc || head.ContentType != "audio/mp4" {
				t.Fatalf("%+v, %v", head, err)
			}
			if o.Size != head.Size || o.CRC32C != head.CRC32C || o.HasCRC != full || o.ETag != head.ETag || o.Key != "k" {
				t.Errorf("complete: %+v, head: %+v", o, head)
			}
			if !bytes.Equal(fetch(t, b, "k"), p) {
				t.Error("other bytes came back")
			}
			if full && !maps.Equal(made, map[string]int64{
				"CreateMultipartUpload": 1, "CreateMultipartUpload.attempts": 1, "UploadPart": 4, "UploadPart.attempts": 4,
				"CompleteMultipartUpload": 1, "CompleteMultipartUpload.attempts": 1,
			}) {
				t.Errorf("calls: %v", made)
			}
		})
	}
}

func TestCompleteAgain(t *testing.T) {
	t.Parallel()
	b, p := open(t), noise(1, partSize+1)
	id, parts, crc := upload(t, b, "k", p, 1, 2)
	for range 3 {
		o, err := b.CompleteMultipart(t.Context(), "k", id, parts, int64(len(p)), crc)
		if err != nil || o.CRC32C != crc || o.Size != int64(len(p)) {
			t.Fatalf("%+v, %v", o, err)
		}
	}
}

// A store may answer 200 to the completion of an upload that is gone, because
// some object has the key. It must not pass for ours.
func TestCompleteOverAnotherObject(t *testing.T) {
	t.Parallel()
	for name, abort := range map[string]bool{"upload alive": false, "upload gone": true} {
		t.Run(name, func(t *testing.T) {
			b, p := open(t), noise(1, 1000)
			id, parts, crc := upload(t, b, "k", p, 1)
			if _, err := b.Put(t.Context(), "k", "", body(noise(2, 1000))); err != nil {
				t.Fatal(err)
			}
			if abort {
				if err := b.AbortMultipart(t.Context(), "k", id); err != nil {
					t.Fatal(err)
				}
			}
			_, err := b.CompleteMultipart(t.Context(), "k", id, parts, 1000, crc)
			want(t, err, blob.ErrDigestMismatch, clinical.ChecksumMismatch)
			if blob.Transient(err) {
				t.Error("a mismatch is final")
			}
			if !bytes.Equal(fetch(t, b, "k"), noise(2, 1000)) {
				t.Error("the other object was changed")
			}
		})
	}
}

func TestCompleteRefusesPartsThatDoNotFit(t *testing.T) {
	t.Parallel()
	b, p := open(t), noise(1, partSize+100)
	id, parts, crc := upload(t, b, "k", p, 1, 2)
	swapped := []blob.Part{parts[1], parts[0]}
	renumbered := slices.Clone(parts)
	renumbered[0].Number, renumbered[1].Number = 2, 1
	for name, list := range map[string][]blob.Part{
		"out of order": swapped, "one missing": parts[:1], "one twice": {parts[0], parts[0]}, "none": nil, "misnumbered": renumbered,
	} {
		before := b.Calls()
		_, err := b.CompleteMultipart(t.Context(), "k", id, list, int64(len(p)), crc)
		if got := calls(b, before); len(got) != 0 {
			t.Errorf("%s: asked the store: %v", name, got)
		}
		want(t, err, blob.ErrBadParts, clinical.Internal)
	}
	// The right list with a wrong sum: bytes that the hash of the whole did not see.
	before := b.Calls()
	_, err := b.CompleteMultipart(t.Context(), "k", id, parts, int64(len(p)), crc^1)
	want(t, err, blob.ErrDigestMismatch, clinical.ChecksumMismatch)
	if got := calls(b, before); len(got) != 0 {
		t.Errorf("asked the store: %v", got)
	}
	if _, err := b.CompleteMultipart(t.Context(), "k", id, parts, int64(len(p)), crc); err != nil {
		t.Fatalf("after all refusals: %v", err)
	}
}

// The store checks as well: a ledger whose checksums agree with each other but
// not with the bytes.
func TestCompleteRefusesAWrongChecksum(t *testing.T) {
	t.Parallel()
	b, p := open(t), noise(1, 1000)
	id, parts, crc := upload(t, b, "k", p, 1)
	parts[0].CRC32C ^= 1
	_, err := b.CompleteMultipart(t.Context(), "k", id, parts, 1000, crc^1)
	if blob.Transient(err) || err == nil {
		t.Fatalf("got %v", err)
	}
	if _, err := b.Head(t.Context(), "k"); !clinical.Is(err, clinical.NotFound) {
		t.Fatalf("an object of a refused assembly: %v", err)
	}
}

func TestAReusedPartNumberCannotBeAssembled(t *testing.T) {
	t.Parallel()
	b, p := open(t), noise(1, 1000)
	id, parts, crc := upload(t, b, "k", p, 1)
	if _, err := b.UploadPart(t.Context(), "k", id, 1, body(noise(2, 1000))); err != nil {
		t.Fatal(err)
	}
	_, err := b.CompleteMultipart(t.Context(), "k", id, parts, 1000, crc)
	want(t, err, blob.ErrBadParts, clinical.Internal)
	if blob.Transient(err) {
		t.Error("it will never be otherwise")
	}
}

func TestDamagedPartsAreRefused(t *testing.T) {
	t.Parallel()
	b := open(t)
	id, err := b.CreateMultipart(t.Context(), "k", "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.UploadPart(t.Context(), "k", id, 1, liar{body(noise(1, partSize))})
	want(t, err, blob.ErrDigestMismatch, clinical.ChecksumMismatch)
	if _, err := b.UploadPart(t.Context(), "k", id, 1, body(noise(1, partSize))); err != nil {
		t.Fatalf("the right bytes afterwards: %v", err)
	}
}

func TestAbort(t *testing.T) {
	t.Parallel()
	b, p := open(t), noise(1, 3*partSize)
	id, parts, crc := upload(t, b, "k", p[:partSize], 1)
	if alive, err := b.MultipartAlive(t.Context(), "k", id); !alive || err != nil {
		t.Fatal(alive, err)
	}
	for range 2 {
		if err := b.AbortMultipart(t.Context(), "k", id); err != nil {
			t.Fatal(err)
		}
	}
	if alive, err := b.MultipartAlive(t.Context(), "k", id); alive || err != nil {
		t.Fatal(alive, err)
	}
	for _, n := range []int{100, partSize} { // refused after and before it was read
		_, err := b.UploadPart(t.Context(), "k", id, 2, body(p[:n]))
		want(t, err, blob.ErrMultipartGone, clinical.Gone)
		if blob.Transient(err) {
			t.Error("gone is final")
		}
	}
	_, err := b.CompleteMultipart(t.Context(), "k", id, parts, partSize, crc)
	want(t, err, blob.ErrMultipartGone, clinical.Gone)
}

func TestListMultiparts(t *testing.T) {
	t.Parallel()
	b := open(t)
	ids := map[string]string{}
	for _, key := range []string{"a/1", "a/2", "b/1"} {
		id, err := b.CreateMultipart(t.Context(), key, "")
		if err != nil {
			t.Fatal(err)
		}
		if key[0] == 'a' {
			ids[key] = id
		}
	}
	got := map[string]string{}
	for u, err := range b.ListMultiparts(t.Context(), "a/") {
		if err != nil {
			t.Fatal(err)
		}
		if time.Since(u.Initiated).Abs() > time.Hour {
			t.Errorf("initiated %v", u.Initiated)
		}
		got[u.Key] = u.UploadID
	}
	if !maps.Equal(got, ids) {
		t.Fatalf("got %v, want %v", got, ids)
	}
}
