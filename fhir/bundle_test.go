package fhir_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/fhir"
	"github.com/bonfiredb/bonfire/fhir/validator"
)

// counting counts what is written and keeps nothing.
type counting int64

func (c *counting) Write(p []byte) (int, error) {
	*c += counting(len(p))
	return len(p), nil
}

// entry is the i-th file of a large chart.
func entry(i int) fhir.Resource {
	f := file("lab-report", "application/pdf", func(f *clinical.File) {
		f.ID = clinical.FileID(fmt.Sprintf("0197f3a2-aaaa-7000-8000-%012d", i))
	})
	return renderer.File(f, kind("lab-report"), doctor)
}

func writeEntries(t testing.TB, b *fhir.BundleWriter, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		res := entry(i)
		if err := b.Entry(renderer.FullURL(res), res, fhir.Match); err != nil {
			t.Fatal(err)
		}
	}
}

// TestLargeBundleIsStreamed: what a Bundle of 10,000 entries holds on to is
// what one of 1,000 does, and its bytes leave while it is being written.
func TestLargeBundleIsStreamed(t *testing.T) {
	held := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	var out counting
	b := fhir.NewBundleWriter(&out, fhir.Searchset, fhir.BundleOptions{Self: renderer.Base})
	writeEntries(t, b, 0, 1000)
	small := held()
	writeEntries(t, b, 1000, 10_000)
	if grown := held() - small; grown > 256<<10 {
		t.Errorf("9,000 more entries held %d bytes", grown)
	}
	before := int64(out)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if b.Len() != 10_000 || before < int64(out)-64<<10 {
		t.Errorf("%d entries, %d of %d bytes had left before Close", b.Len(), before, out)
	}
}

// TestLargeBundleIsWhole reads 10,000 entries back.
func TestLargeBundleIsWhole(t *testing.T) {
	var got struct {
		Entry []struct{ FullURL string }
		Link  []struct{ Relation string }
	}
	if err := json.Unmarshal(searchset(t, 10_000), &got); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, e := range got.Entry {
		seen[e.FullURL] = true
	}
	if len(got.Entry) != 10_000 || len(seen) != 10_000 || len(got.Link) != 1 {
		t.Errorf("%d entries, %d of them different, %d links", len(got.Entry), len(seen), len(got.Link))
	}
}

// TestP8_LargePagePassesTheIndependentValidator checks a page of 1,000 files whole.
func TestP8_LargePagePassesTheIndependentValidator(t *testing.T) {
	reports, err := validator.Reader(t.Context(), bytes.NewReader(searchset(t, 1000)))
	if err != nil {
		t.Fatal(err)
	}
	if len(reports) != 1 || len(reports[0].Findings) > 0 {
		t.Errorf("%.2000v", reports)
	}
}

func searchset(t *testing.T, n int) []byte {
	t.Helper()
	var buf bytes.Buffer
	b := fhir.NewBundleWriter(&buf, fhir.Searchset, fhir.BundleOptions{Self: renderer.Base})
	writeEntries(t, b, 0, n)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestBundleRefusesWhatNoReaderCouldUse(t *testing.T) {
	res := entry(1)
	url := renderer.FullURL(res)
	for name, c := range map[string]struct {
		kind fhir.BundleKind
		url  string
		mode fhir.SearchMode
	}{
		"mode in a collection":   {fhir.Collection, url, fhir.Match},
		"no mode in a searchset": {fhir.Searchset, url, ""},
		"relative address":       {fhir.Searchset, "DocumentReference/1", fhir.Match},
		"address of another":     {fhir.Collection, renderer.Base + "/Media/1", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var buf bytes.Buffer
			b := fhir.NewBundleWriter(&buf, c.kind, fhir.BundleOptions{})
			if err := b.Entry(c.url, res, c.mode); err == nil {
				t.Error("accepted")
			}
			if err := b.Close(); err != nil || !json.Valid(buf.Bytes()) || strings.Contains(buf.String(), "entry") {
				t.Errorf("the Bundle was not left as it was: %v %s", err, &buf)
			}
			if err := b.Entry(url, res, fhir.Match); err == nil {
				t.Error("an entry after Close was accepted")
			}
		})
	}
}

// broken fails for good after some bytes.
type broken struct{ left int }

var errGone = errors.New("client went away")

func (b *broken) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, errGone
	}
	return len(p), nil
}

func TestBundleStopsWhenTheReaderIsGone(t *testing.T) {
	b := fhir.NewBundleWriter(&broken{left: 100 << 10}, fhir.Collection, fhir.BundleOptions{})
	res, err := entry(1), error(nil)
	for i := 0; i < 1000 && err == nil; i++ {
		err = b.Entry(renderer.FullURL(res), res, "")
	}
	if !errors.Is(err, errGone) || !errors.Is(b.Close(), errGone) {
		t.Errorf("%v, then Close: %v", err, b.Close())
	}
}

// TestBundleSearchsetPage: links and total stand in a searchset and never in a collection.
func TestBundleSearchsetPage(t *testing.T) {
	total := 0
	opt := fhir.BundleOptions{Self: "https://self.example", Total: &total}
	for k, want := range map[fhir.BundleKind]string{
		fhir.Searchset:  `{"resourceType":"Bundle","type":"searchset","total":0,"link":[{"relation":"self","url":"https://self.example"},{"relation":"next","url":"https://next.example?a=1&b=2"}]}`,
		fhir.Collection: `{"resourceType":"Bundle","type":"collection"}`,
	} {
		got := bundle(t, k, opt, "https://next.example?a=1&b=2", nil)
		if string(bytes.TrimSpace(got)) != want {
			t.Errorf("%s:\n%s\n%s", k, got, want)
		}
	}
}

func BenchmarkBundleEntry(b *testing.B) {
	res := entry(1)
	url := renderer.FullURL(res)
	w := fhir.NewBundleWriter(io.Discard, fhir.Collection, fhir.BundleOptions{})
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Entry(url, res, ""); err != nil {
			b.Fatal(err)
		}
	}
}
