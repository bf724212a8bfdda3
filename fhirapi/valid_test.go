package fhirapi_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/fhir/validator"
	"github.com/bonfiredb/bonfire/internal/demo"
)

// valid holds resources against HL7's definitions, by a program that was not
// written with the facade.
func valid(t *testing.T, resources ...[]byte) {
	t.Helper()
	reports, err := validator.Reader(t.Context(), bytes.NewReader(slices.Concat([]byte("["), bytes.Join(resources, []byte(",")), []byte("]"))))
	if err != nil {
		t.Fatal(err)
	}
	if len(reports) != len(resources) {
		t.Errorf("%d resources, %d checked", len(resources), len(reports))
	}
	for _, r := range reports {
		for _, f := range r.Findings {
			t.Errorf("%s: %s", r.Resource, f)
		}
	}
}

var version = regexp.MustCompile(`/_history/\d+$`)

// references lists what a resource points at, without versions, by its own base.
func references(resource any) (out []string) {
	switch v := resource.(type) {
	case map[string]any:
		for key, value := range v {
			s, isText := value.(string)
			switch {
			case isText && (key == "reference" && !strings.HasPrefix(s, "#") || key == "url" && strings.HasPrefix(s, "Binary/")):
				out = append(out, version.ReplaceAllString(s, ""))
			default:
				out = append(out, references(value)...)
			}
		}
	case []any:
		for _, value := range v {
			out = append(out, references(value)...)
		}
	}
	return out
}

// TestP8_WhatTheFacadeSaysIsValidAndResolves walks the whole facade: everything
// passes the validator, every reference leads somewhere, and nowhere is a URL of
// the bucket.
func TestP8_WhatTheFacadeSaysIsValidAndResolves(t *testing.T) {
	d := open(t)
	c := d.fill()
	if a := d.get("clinician", "Binary/"+string(c.audio.ID), "Accept", "audio/webm"); a.StatusCode != http.StatusFound { // an event of a disclosure
		t.Fatalf("%s %s", a.Status, a.body)
	}
	d.get("colleague", "Patient/"+string(demo.Patient)) // an event of a refusal
	patient := string(demo.Patient)
	pages := map[string]string{
		"Patient/" + patient + "/$everything":         "clinician",
		"DocumentReference?patient=" + patient:        "clinician",
		"Media?patient=Patient/" + patient:            "clinician",
		"Provenance?patient=" + patient:               "clinician",
		"AuditEvent?patient=" + patient:               "auditor",
		"DocumentReference?_summary=count&_id=" + "x": "clinician",
		"metadata":       "",
		"Patient/nobody": "clinician",
	}
	var all [][]byte
	in, referred := map[string]string{}, map[string]string{}
	for path, who := range pages {
		a := d.get(who, path)
		if bytes.Contains(a.body, []byte("X-Amz-")) || bytes.Contains(a.body, []byte(d.Env.Endpoint)) {
			t.Errorf("%s holds a URL of the bucket", path)
		}
		all = append(all, a.body)
		var tree any
		d.must(json.Unmarshal(a.body, &tree))
		for _, r := range references(tree) {
			referred[r] = who
		}
		var b bundle
		d.must(json.Unmarshal(a.body, &b))
		for _, id := range b.ids() {
			in[id] = who
		}
	}
	for _, want := range []string{"Patient/" + patient, "DocumentReference/" + string(c.form.ID), "Media/" + string(c.audio.ID), "Binary/" + string(c.raw.ID), "DocumentReference/" + string(c.amended.ID)} {
		if in[want] == "" {
			t.Errorf("%s is nowhere", want)
		}
	}
	for _, f := range []clinical.File{c.form, c.lab, c.audio} {
		if referred["Binary/"+string(f.ID)] == "" {
			t.Errorf("nothing leads to the bytes of the %s", f.Kind)
		}
	}
	everything := d.search("clinician", "Patient/"+patient+"/$everything").ids()
	for _, kind := range []string{"Patient", "Encounter", "Practitioner", "Device", "Organization", "Provenance"} {
		if count(everything, kind+"/") == 0 {
			t.Errorf("a page lacks the %s that it refers to", kind)
		}
	}
	for id, who := range in {
		referred[id] = who // each entry is at its own address, too
	}
	for ref, who := range referred {
		if who == "auditor" && !strings.HasPrefix(ref, "AuditEvent/") {
			who = "clinician" // what a trail names is for those who may see it
		}
		a := d.get(who, ref, "Accept", "application/fhir+json")
		if a.StatusCode != 200 && !(strings.HasPrefix(ref, "AuditEvent/") && who != "auditor") {
			t.Errorf("%s as %s: %s", ref, who, a.Status)
		}
		all = append(all, a.body)
	}
	if len(referred) < 20 {
		t.Errorf("only %d references: the test tests little", len(referred))
	}
	valid(t, all...)
}

// TestEverythingPagesAlike: 10,000 resources, page by page, with the same number
// of statements each and memory that does not grow.
func TestEverythingPagesAlike(t *testing.T) {
	d := open(t)
	d.write(5000)
	const path = "Patient/" + string(demo.Patient) + "/$everything?_count=500"
	d.search("clinician", path) // the registry of kinds is remembered
	seen, evidence, pages := map[string]bool{}, 0, 0
	var want, first, last int64
	var m runtime.MemStats
	for url := path; url != ""; pages++ {
		before := d.statements.n.Load()
		b := d.search("clinician", url)
		took := d.statements.n.Load() - before
		if want == 0 {
			want = took
		}
		if took < want || took > want+4 || want > 20 { // the registry may have to be read again
			t.Errorf("page %d took %d statements, the first %d", pages+1, took, want)
		}
		for i, id := range b.ids() {
			switch kind, _, _ := strings.Cut(id, "/"); {
			case kind == "Provenance":
				evidence++
			case kind == "DocumentReference" && seen[id]:
				t.Errorf("%s is on two pages", id)
			case kind == "DocumentReference":
				seen[id] = true
			case kind == "Patient" && (b.Entry[i].Search.Mode == "match") != (pages == 0):
				t.Errorf("the patient is a %s on page %d", b.Entry[i].Search.Mode, pages+1)
			}
		}
		url = b.link("next")
		runtime.GC()
		runtime.ReadMemStats(&m)
		if last = int64(m.HeapAlloc); first == 0 {
			first = last
		}
	}
	if len(seen) != 5000 || evidence != 5000 || pages != 10 {
		t.Errorf("%d documents and %d entries of evidence on %d pages", len(seen), evidence, pages)
	}
	if last > first+8<<20 {
		t.Errorf("the heap went from %d to %d bytes", first, last)
	}
}

// TestP8_TheRowIsWhatIsShown: a change of the row shows in the next answer.
func TestP8_TheRowIsWhatIsShown(t *testing.T) {
	d := open(t)
	c := d.fill()
	path := "DocumentReference/" + string(c.signed.ID)
	for _, want := range []struct {
		id     clinical.NoteID
		status string
	}{{c.signed.ID, "superseded"}, {c.amended.ID, "current"}} {
		var got struct{ Status string }
		a := d.get("clinician", "DocumentReference/"+string(want.id))
		if json.Unmarshal(a.body, &got) != nil || got.Status != want.status {
			t.Errorf("%s: %s, want %s", path, got.Status, want.status)
		}
	}
}
