package fhir_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/bonfiredb/bonfire/fhir"
)

// TestAnyNounRendersWithoutGaps: whatever the row lacks, the JSON has no null,
// empty string, array or object, and reading it back and writing it again gives
// the same bytes.
func TestAnyNounRendersWithoutGaps(t *testing.T) {
	for name, gen := range nouns() {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				res := gen.Draw(t, "resource")
				b, err := fhir.Marshal(res)
				if err != nil {
					t.Fatal(err)
				}
				var tree any
				if err := json.Unmarshal(b, &tree); err != nil {
					t.Fatal(err)
				}
				if gap := gapIn(tree, ""); gap != "" {
					t.Fatalf("%s in %s", gap, b)
				}
				back := reflect.New(reflect.TypeOf(res).Elem()).Interface().(fhir.Resource)
				if err := json.Unmarshal(b, back); err != nil {
					t.Fatal(err)
				}
				again, err := fhir.Marshal(back)
				if err != nil || !bytes.Equal(b, again) {
					t.Fatalf("read back and written again (%v):\n%s\n%s", err, b, again)
				}
			})
		})
	}
}

// gapIn names the first null or empty value; "" when there is none.
func gapIn(v any, at string) string {
	switch v := v.(type) {
	case nil:
		return "null at " + at
	case string:
		if v == "" {
			return "empty string at " + at
		}
	case []any:
		if len(v) == 0 {
			return "empty array at " + at
		}
		for i, x := range v {
			if gap := gapIn(x, fmt.Sprintf("%s[%d]", at, i)); gap != "" {
				return gap
			}
		}
	case map[string]any:
		if len(v) == 0 {
			return "empty object at " + at
		}
		for k, x := range v {
			if gap := gapIn(x, at+"."+k); gap != "" {
				return gap
			}
		}
	}
	return ""
}
