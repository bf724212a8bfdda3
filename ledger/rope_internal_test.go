package ledger

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"github.com/bonfiredb/bonfire/blob"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/store"
)

func budget(t interface {
	Helper()
	Fatalf(string, ...any)
}, limit int64, dir string) *Budget {
	t.Helper()
	b, err := NewBudget(limit, dir)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return b
}

// Whatever is put into a rope, in memory or past it in a file, comes out of it.
func TestRopeIsItsBytes(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		b := budget(t, rapid.SampledFrom([]int64{0, 100 << 10, 600 << 10, 1 << 30}).Draw(t, "limit"), dir)
		r, want := newRope(b), []byte{}
		defer func() {
			r.free()
			r.free()
			if b.Used() != 0 {
				t.Fatalf("%d bytes are not given back", b.Used())
			}
		}()
		some := func(label string) []byte {
			n := rapid.SampledFrom([]int{0, 1, 1000, 32 << 10, 32<<10 + 1, 300 << 10, 700 << 10}).Draw(t, label)
			return bytes.Repeat([]byte{byte(len(want)), byte(n), 3, 7, 1}, n/5+1)[:n]
		}
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				p := some("added")
				if err := r.add(p); err != nil {
					t.Fatalf("%v", err)
				}
				want = append(want, p...)
			},
			"fill": func(t *rapid.T) {
				p := some("read")
				limit := int64(len(want)) + int64(rapid.IntRange(0, len(p)+1).Draw(t, "limit"))
				err := r.fill(iotest.HalfReader(bytes.NewReader(p)), limit)
				took := min(int(limit)-len(want), len(p))
				if full := int(limit)-len(want) <= len(p); full && err != nil && !errors.Is(err, io.EOF) || !full && !errors.Is(err, io.EOF) {
					t.Fatalf("full %v: %v", full, err)
				}
				want = append(want, p[:took]...)
			},
			"cut": func(t *rapid.T) {
				n := rapid.IntRange(0, len(want)).Draw(t, "kept")
				if err := r.cut(int64(n)); err != nil {
					t.Fatal(err)
				}
				want = want[:n]
			},
			"join": func(t *rapid.T) {
				p := some("joined")
				q := newRope(b)
				if err := q.add(p); err != nil {
					t.Fatal(err)
				}
				if err := r.join(q); err != nil {
					t.Fatal(err)
				}
				q.free()
				want = append(want, p...)
			},
			"": func(t *rapid.T) {
				var got []byte
				if err := r.each(func(p []byte) { got = append(got, p...) }); err != nil || !bytes.Equal(got, want) || r.size != int64(len(want)) {
					t.Fatalf("%d bytes of size %d, want %d (%v)", len(got), r.size, len(want), err)
				}
				if r.crc != blob.UpdateCRC32C(0, want) {
					t.Fatal("another checksum")
				}
				if n := min(3072, len(want)); !bytes.Equal(r.head(3072), want[:n]) {
					t.Fatalf("head")
				}
			},
		})
	})
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("%d files are left", len(left))
	}
}

func TestBodyOfSeveralRopes(t *testing.T) {
	small := budget(t, 100<<10, t.TempDir())
	var ropes []*rope
	var want []byte
	for i, n := range []int{0, 10, 400 << 10, 0, 50 << 10} {
		r := newRope(small)
		p := bytes.Repeat([]byte{byte(i), 1, 2}, n/3+1)[:n]
		if err := r.add(p); err != nil {
			t.Fatal(err)
		}
		ropes, want = append(ropes, r), append(want, p...)
	}
	b, err := newBody(ropes...)
	if err != nil {
		t.Fatal(err)
	}
	if b.Size() != int64(len(want)) || b.CRC32C() != blob.UpdateCRC32C(0, want) {
		t.Errorf("size %d, crc %x", b.Size(), b.CRC32C())
	}
	for range 2 { // a retry
		if _, err := b.Seek(0, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		if err := iotest.TestReader(b, want); err != nil {
			t.Fatal(err)
		}
		for from := int64(0); from <= b.Size(); from += 10_001 {
			var rest bytes.Buffer
			b.at = from
			if n, err := b.WriteTo(&rest); err != nil || n != b.Size()-from || !bytes.Equal(rest.Bytes(), want[from:]) {
				t.Fatalf("%d bytes written from %d on, %v", n, from, err)
			}
		}
	}
	if small.Spills() == 0 {
		t.Error("nothing was spilled")
	}
}

// What a process left that died between making a file and removing its name.
func TestSpoolFilesAreSweptAtStart(t *testing.T) {
	dir := t.TempDir()
	left := filepath.Join(dir, "bonfire-spool-123")
	other := filepath.Join(dir, "somebody-elses")
	for _, name := range []string{left, other} {
		if err := os.WriteFile(name, []byte("patient data"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	budget(t, 1, dir)
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
	if _, err := os.Stat(other); err != nil {
		t.Error("another program's file was removed")
	}
}

// A digest that is saved and resumed at any cut is the one of all bytes.
func TestDigestResumes(t *testing.T) {
	small := budget(t, 1<<30, t.TempDir())
	all := bytes.Repeat([]byte("0123456789abcdef and so on. "), 300)
	whole := func(cuts ...int) (clinical.Digests, uint32) {
		d := newDigest(true)
		at := 0
		for _, c := range append(cuts, len(all)) {
			r := newRope(small)
			_ = r.add(all[at:c])
			if err := d.add(r); err != nil {
				t.Fatal(err)
			}
			d.join(r)
			r.free()
			at = c
			var err error
			if d, err = resumeDigest(d.state(), false); err != nil {
				t.Fatal(err)
			}
		}
		return d.sum(), d.crc
	}
	want, crc := whole()
	for cut := range 200 {
		if got, sum := whole(cut, cut+1, 3*cut+7); !bytes.Equal(got.SHA256, want.SHA256) || !bytes.Equal(got.SHA1, want.SHA1) || sum != crc {
			t.Fatalf("cut at %d", cut)
		}
	}
	if crc != blob.UpdateCRC32C(0, all) {
		t.Error("crc")
	}
	for n, state := 0, newDigest(true).state(); n < len(state); n++ {
		if n == len(state)-1-96-1+1 { // the form without SHA-1 ends just there
			continue
		}
		d, err := resumeDigest(state[:n], true)
		if err == nil && n > 0 && d.sha1 != nil {
			t.Errorf("a state cut at %d was taken", n)
		}
	}
	if _, err := resumeDigest(append([]byte{1}, newDigest(false).state()[1:]...), false); !clinical.Is(err, clinical.Gone) {
		t.Errorf("a state of the version before: %v", err)
	}
	if _, err := resumeDigest(append([]byte{9}, newDigest(false).state()[1:]...), false); err == nil {
		t.Error("a state of another version was taken")
	}
}

// Any file of any permitted size fits into S3's 10,000 parts, even when every
// part is only just large enough to be one.
func TestPartsSuffice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := New(Options{PartSize: rapid.Int64Range(0, 100*mib).Draw(t, "part size")})
		most := rapid.Int64Range(0, 5<<40).Draw(t, "size") // S3's largest object
		size := e.partSize(clinical.Upload{MaxSize: most})
		if enough(size) < minPart || size < enough(size) || size > 5<<30 {
			t.Fatalf("parts of %d, enough at %d", size, enough(size))
		}
		if parts := (most + enough(size) - 1) / enough(size); parts > maxParts+1 {
			t.Fatalf("%d bytes in parts of %d: %d parts", most, enough(size), parts)
		}
		if size > max(e.o.PartSize, most/maxParts*2+2*mib) {
			t.Fatalf("parts of %d are needlessly large for %d", size, most)
		}
	})
}

func TestRunFrom(t *testing.T) {
	tails := []store.Tail{{Offset: 0, Size: 5}, {Offset: 5, Size: 5}, {Offset: 10, Size: 7, ScratchKey: "a"}, {Offset: 17, Size: 1, ScratchKey: "b"}, {Offset: 18, Size: 2}, {Offset: 30, Size: 2}}
	for at, want := range map[int64]int64{0: 10, 5: 10, 10: 17, 17: 18, 18: 20, 20: 20, 30: 32, 40: 40, 3: 3} {
		if first, end := runFrom(tails, at); end != want || (end > at && first.Offset != at) {
			t.Errorf("from %d: %+v to %d, want to %d", at, first, end, want)
		}
	}
}
