package fhirapi_test

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/bonfiredb/bonfire/internal/demo"
)

// A summary has the elements of one, is marked as incomplete, and is still a
// valid resource of its type.
func TestSummaries(t *testing.T) {
	d := open(t)
	c := d.fill()
	evidence := d.search("clinician", "Provenance?target="+string(c.form.ID)).ids()[0]
	event := d.search("auditor", "AuditEvent?patient="+string(demo.Patient)).ids()[0]
	const tag = `"code":"SUBSETTED"`
	read := func(path, summary string) (string, map[string]json.RawMessage) {
		t.Helper()
		who := "clinician"
		if strings.HasPrefix(path, "AuditEvent") {
			who = "auditor"
		}
		a := d.get(who, path+"?_summary="+summary, "Accept", "application/fhir+json")
		var elements map[string]json.RawMessage
		if err := json.Unmarshal(a.body, &elements); err != nil || a.StatusCode != 200 {
			t.Fatalf("%s %s: %s %v", path, summary, a.Status, err)
		}
		return string(a.body), elements
	}
	var all [][]byte
	for path, gone := range map[string][]string{
		"DocumentReference/" + string(c.signed.ID): {"data", "related"},
		"DocumentReference/" + string(c.form.ID):   {"encounter"},
		"Media/" + string(c.audio.ID):              {`"note"`},
		"Binary/" + string(c.audio.ID):             {`"data"`},
		evidence:                                   {"agent\":[{\"x", "signature"},
		event:                                      {"entity"},
		"Patient/" + string(demo.Patient):          {`"extension"`},
		"Encounter/" + string(demo.Encounter):      {`"period"`},
		"metadata":                                 {"searchParam", "interaction"},
	} {
		whole, _ := read(path, "false")
		for _, summary := range []string{"true", "text"} {
			body, elements := read(path, summary)
			if !strings.Contains(body, tag) || elements["meta"] == nil || len(body) > len(whole)+200 {
				t.Errorf("%s %s: %s", path, summary, body)
			}
			if summary == "text" && elements["subject"] != nil {
				t.Errorf("%s text: %s", path, body)
			}
			for _, name := range gone {
				if summary == "true" && strings.Contains(body, name) {
					t.Errorf("%s has %s: %s", path, name, body)
				}
			}
			all = append(all, []byte(body))
		}
		if data, _ := read(path, "data"); path != "metadata" && data != whole || strings.Contains(data, tag) {
			t.Errorf("%s data:\n%s\n%s", path, data, whole)
		}
	}
	for path, code := range map[string]int{
		"Patient/" + string(demo.Patient) + "?_summary=count":                       400,
		"Patient/" + string(demo.Patient) + "?_summary=some":                        400,
		"Patient/" + string(demo.Patient) + "?_summary=":                            400,
		"Patient/" + string(demo.Patient) + "/$everything?_summary=count":           400,
		"DocumentReference?_summary=true&_summary=false&_id=" + string(c.signed.ID): 400,
	} {
		if a := d.get("clinician", path); a.StatusCode != code {
			t.Errorf("%s: %s", path, a.Status)
		}
	}
	b := d.search("clinician", "DocumentReference?patient="+string(demo.Patient)+"&_summary=true&_count=2")
	if next := b.link("next"); !strings.Contains(next, "_summary=true") || len(b.Entry) != 2 {
		t.Errorf("next: %s", next)
	}
	for _, e := range b.Entry {
		if !strings.Contains(string(e.Resource), tag) {
			t.Errorf("%s", e.Resource)
		}
	}
	valid(t, append(all, d.get("clinician", "Patient/"+string(demo.Patient)+"/$everything?_summary=true").body)...)
}

// $everything takes the parameters of its definition, and each page keeps to them.
func TestEverythingIsNarrowed(t *testing.T) {
	d := open(t)
	d.fill() // lab and audio were captured on 3 February 2026, the rest is of now
	path := "Patient/" + string(demo.Patient) + "/$everything?"
	shown := func(query string) map[string]int {
		t.Helper()
		out, seen := map[string]int{}, map[string]bool{}
		for next := path + query; next != ""; {
			b := d.search("clinician", next)
			if b.Type != "searchset" {
				t.Errorf("%s is a %s", query, b.Type)
			}
			for _, id := range b.ids() {
				resourceType, _, _ := strings.Cut(id, "/")
				if !seen[id] {
					seen[id] = true
					out[resourceType]++
				}
			}
			if next = b.link("next"); next != "" {
				asked, err := url.ParseQuery(query)
				d.must(err)
				on, err := url.Parse(next)
				d.must(err)
				for name, values := range asked {
					if !slices.Equal(on.Query()[name], values) {
						t.Errorf("%s: next is %s", query, next)
					}
				}
			}
		}
		return out
	}
	whole := shown("_count=2")
	if whole["Media"] != 1 || whole["Binary"] != 1 || whole["Patient"] != 1 || whole["Provenance"] < 6 || whole["DocumentReference"] < 4 {
		t.Fatalf("everything: %v", whole)
	}
	for query, want := range map[string]map[string]int{
		"_type=Patient":                                       {"Patient": 1},
		"_type=Media,Patient":                                 {"Patient": 1, "Media": 1},
		"_type=Media&_type=Binary":                            {"Media": 1, "Binary": 1},
		"_type=DocumentReference&_count=1":                    {"DocumentReference": whole["DocumentReference"]},
		"_type=Provenance&_count=2":                           {"Provenance": whole["Provenance"]},
		"_type=Encounter,Observation":                         {"Encounter": whole["Encounter"]},
		"_type=Observation":                                   {},
		"_type=Media,DocumentReference&end=2026-02":           {"Media": 1, "DocumentReference": 1},
		"_type=Media&start=2026-02-03&end=2026-02-03":         {"Media": 1},
		"_type=Media&start=2026-02-04":                        {},
		"_type=Media&end=2026-02-02":                          {},
		"_type=DocumentReference&start=2026-02-04":            {"DocumentReference": whole["DocumentReference"] - 1},
		"_type=DocumentReference&_since=2100-01-01T00:00:00Z": {},
	} {
		got := shown(query)
		for resourceType := range whole {
			if got[resourceType] != want[resourceType] {
				t.Errorf("%s: %v, want %v", query, got, want)
				break
			}
		}
	}
	for _, query := range []string{"_type=", "_type=media", "_type=Media%20", "start=soon", "end=gt2026", "start=2026-02-03T00:00:00Z", "start=2026&start=2027", "_count=0"} {
		if a := d.get("clinician", path+query); a.StatusCode != 400 {
			t.Errorf("%s: %s", query, a.Status)
		}
	}
}
