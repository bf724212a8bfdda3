package fhir_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/bonfiredb/bonfire/fhir"
	"github.com/bonfiredb/bonfire/fhir/validator"
)

// TestP8_RenderedResourcesPassTheIndependentValidator holds what is rendered
// against HL7's own definitions, by a program that was not written with it.
func TestP8_RenderedResourcesPassTheIndependentValidator(t *testing.T) {
	var files []string
	for _, pattern := range []string{goldenDir + "/*.json", "testdata/samples/*.json"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(found), err)
		}
		files = append(files, found...)
	}
	reports, err := validator.Files(t.Context(), files...)
	if err != nil {
		t.Fatal(err)
	}
	if len(reports) != len(files) {
		t.Errorf("%d files, %d resources checked", len(files), len(reports))
	}
	for _, r := range reports {
		for _, f := range r.Findings {
			t.Errorf("%s: %s: %s", r.File, r.Resource, f)
		}
	}
}

// TestP8_TheValidatorRefusesWhatIsWrong: a check that finds nothing proves
// nothing. Every line of must-fail.ndjson is wrong in another way.
func TestP8_TheValidatorRefusesWhatIsWrong(t *testing.T) {
	const file = "testdata/must-fail.ndjson"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	reports, err := validator.Files(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	if lines := len(bytes.Split(bytes.TrimSpace(text), []byte("\n"))); len(reports) != lines {
		t.Fatalf("%d lines, %d checked", lines, len(reports))
	}
	for _, r := range reports {
		if len(r.Findings) == 0 {
			t.Errorf("line %d: %s passed", r.Index+1, r.Resource)
		}
	}
}

// TestP8_AnyNounPassesTheIndependentValidator renders made-up nouns of every
// sort and has them checked in one go.
func TestP8_AnyNounPassesTheIndependentValidator(t *testing.T) {
	const each = 60
	var lines bytes.Buffer
	var sources []string
	for name, gen := range nouns() {
		for seed := range each {
			b, err := fhir.Marshal(gen.Example(seed))
			if err != nil {
				t.Fatal(err)
			}
			lines.Write(append(b, '\n'))
			sources = append(sources, name)
		}
	}
	text := slices.Clone(lines.Bytes())
	reports, err := validator.Reader(t.Context(), &lines)
	if err != nil {
		t.Fatal(err)
	}
	if len(reports) != len(sources) {
		t.Fatalf("%d nouns, %d checked", len(sources), len(reports))
	}
	for i, r := range reports {
		if len(r.Findings) > 0 {
			t.Errorf("%s: %q\n%s", sources[i], r.Findings, bytes.Split(text, []byte("\n"))[i])
		}
	}
}
