package adopt

import (
	"bytes"
	"encoding/base64"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

func TestSplitTakesOnlyData(t *testing.T) {
	t.Parallel()
	in := `{"data" : "aGVs\/G8=", "x":{"data":["aGVsbG8="],"title":"\"data\":\"x\\"},"data":"aGVs\nbG8=","data":7,"data":"%","key":"data","data2":"aGVs"}`
	var out bytes.Buffer
	data, err := split(iotest.OneByteReader(strings.NewReader(in)), &out, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	want := `{"data" : "0", "x":{"data":["aGVsbG8="],"title":"\"data\":\"x\\"},"data":"1","data":7,"data":"2","key":"data","data2":"aGVs"}`
	if out.String() != want {
		t.Errorf("%s\nwant\n%s", out.String(), want)
	}
	content, _ := os.ReadFile(data[1].Path)
	if string(content) != "hello" || data[1].Err != nil || data[0].Err != nil || data[2].Err == nil {
		t.Errorf("%q, %+v", content, data)
	}
	for cut := range len(in) {
		if _, err := split(strings.NewReader(in[:cut]), io.Discard, t.TempDir()); err == nil && strings.Count(in[:cut], `"`)%2 == 1 && cut < 20 {
			t.Errorf("cut off at %d, and nothing said so", cut)
		}
	}
	if _, err := split(strings.NewReader(`{"x":"`+strings.Repeat("x", maxText+2)), io.Discard, t.TempDir()); err == nil {
		t.Error("a text without an end is taken")
	}
}

// A recording of 100 MB passes through a few of memory.
func TestSplitHoldsNoBytes(t *testing.T) {
	const size = 100_000_000
	body := io.LimitReader(endless{}, size)
	in, w := io.Pipe()
	go func() {
		_, _ = io.WriteString(w, `{"data":"`)
		enc := base64.NewEncoder(base64.StdEncoding, w)
		_, _ = io.Copy(enc, body)
		_ = enc.Close()
		_, _ = io.WriteString(w, `"}`)
		_ = w.Close()
	}()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	data, err := split(in, io.Discard, t.TempDir())
	runtime.ReadMemStats(&after)
	if err != nil || len(data) != 1 || data[0].Err != nil || data[0].Size != size {
		t.Fatalf("%v, %+v", err, data)
	}
	if grew := after.TotalAlloc - before.TotalAlloc; grew > 32<<20 {
		t.Errorf("%d bytes were allocated on the way", grew)
	}
}

// endless are zeros.
type endless struct{}

func (endless) Read(p []byte) (int, error) { clear(p); return len(p), nil }
