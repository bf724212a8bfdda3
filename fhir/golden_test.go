package fhir_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/bonfiredb/bonfire/fhir"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

const goldenDir = "testdata/golden"

// golden is everything that has a golden file, as compact JSON.
func golden(t testing.TB) map[string][]byte {
	t.Helper()
	out := bundles(t)
	for name, res := range rendered() {
		b, err := fhir.Marshal(res)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out[name] = b
	}
	return out
}

// TestP8_GoldenFiles holds every rendering to the letter. After a change that
// is meant: go test ./fhir -run Golden -update, and read the difference.
func TestP8_GoldenFiles(t *testing.T) {
	all := golden(t)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			if err := json.Indent(&got, bytes.TrimSpace(all[name]), "", "  "); err != nil {
				t.Fatal(err)
			}
			got.WriteByte('\n')
			path := filepath.Join(goldenDir, name+".json")
			if *update {
				if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Bytes(), want) {
				t.Errorf("%s differs from its golden file:\n%s", name, got.Bytes())
			}
		})
	}
	if !*update {
		checkNoStrays(t, all)
	}
}

// checkNoStrays finds golden files which nothing renders any more.
func checkNoStrays(t *testing.T, all map[string][]byte) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(goldenDir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		name := filepath.Base(f)
		if _, ok := all[name[:len(name)-len(".json")]]; !ok {
			t.Errorf("%s is rendered by nothing", f)
		}
	}
}

// TestP8_RenderingIsAFunction: the same row gives the same bytes, whatever else
// was rendered before it.
func TestP8_RenderingIsAFunction(t *testing.T) {
	first := golden(t)
	for name, b := range golden(t) {
		if !bytes.Equal(first[name], b) {
			t.Errorf("%s rendered differently the second time", name)
		}
	}
}
