package fhirapi_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/internal/demo"
)

const nobody = "00000000-0000-7000-8000-00000000dead"

// TestErrorsAreOperationOutcomes with a status, a code and the request's id.
func TestErrorsAreOperationOutcomes(t *testing.T) {
	d := open(t)
	patient := string(demo.Patient)
	var all [][]byte
	for _, tc := range []struct {
		method, who, path string
		header            []string
		status            int
		code              string
	}{
		{"GET", "", "Patient/" + patient, nil, 401, "login"},
		{"GET", "", "DocumentReference?patient=" + patient, nil, 401, "login"},
		{"GET", "", "Patient/" + patient, []string{"Authorization", "Bearer rubbish"}, 401, "login"},
		{"GET", "clinician", "Patient/" + nobody, nil, 404, "not-found"},
		{"GET", "clinician", "Patient/x'; DROP TABLE file", nil, 404, "not-found"},
		{"GET", "clinician", "Observation/" + nobody, nil, 404, "not-found"},
		{"GET", "clinician", "", nil, 404, "not-found"},
		{"GET", "clinician", "Patient/" + patient + "/_history/7", nil, 404, "not-found"},
		{"GET", "clerk", "Patient/" + patient + "/$everything", nil, 403, "forbidden"},
		{"GET", "clinician", "AuditEvent?patient=" + patient, nil, 403, "forbidden"},
		{"GET", "clinician", "Patient/" + patient, []string{"Bonfire-Purpose-Of-Use", "HRESCH"}, 403, "forbidden"},
		{"POST", "clinician", "DocumentReference", nil, 405, "not-supported"},
		{"DELETE", "clinician", "Patient/" + patient, nil, 405, "not-supported"},
		{"GET", "clinician", "Patient/" + patient, []string{"Accept", "application/fhir+xml"}, 406, "not-supported"},
		{"GET", "clinician", "Patient/" + patient, []string{"Accept", "text/html"}, 406, "not-supported"},
		{"GET", "clinician", "Patient/" + patient, []string{"Accept", "application/fhir+json; fhirVersion=5.0"}, 406, "not-supported"},
		{"GET", "clinician", "Patient/" + patient + "?_format=xml", nil, 406, "not-supported"},
		{"GET", "clinician", "Binary/" + nobody, []string{"Accept", "application/fhir+xml"}, 406, "not-supported"},
		{"GET", "clinician", "DocumentReference", nil, 400, "invalid"},
		{"GET", "clinician", "DocumentReference?patient=" + patient + "&colour=red", nil, 400, "invalid"},
		{"GET", "clinician", "DocumentReference?patient=" + patient + "&date=yesterday", nil, 400, "invalid"},
		{"GET", "clinician", "DocumentReference?patient=" + patient + "&_count=many", nil, 400, "invalid"},
		{"GET", "clinician", "DocumentReference?patient=" + patient + "&_cursor=AAAA", nil, 400, "invalid"},
		{"GET", "clinician", "DocumentReference?patient=" + patient + "&patient=" + nobody, nil, 400, "invalid"},
		{"GET", "clinician", "DocumentReference?%zz", nil, 400, "invalid"},
		{"GET", "clinician", "Patient/" + patient + "/$everything?_since=soon", nil, 400, "invalid"},
		{"GET", "clinician", "Patient/" + patient + "/$everything?_cursor=AAAA", nil, 400, "invalid"},
	} {
		a := d.do(tc.method, tc.who, strings.ReplaceAll(tc.path, " ", "%20"), tc.header...)
		var outcome struct {
			ResourceType string
			Issue        []struct{ Code, Diagnostics string }
		}
		err := json.Unmarshal(a.body, &outcome)
		if err != nil || a.StatusCode != tc.status || outcome.ResourceType != "OperationOutcome" || outcome.Issue[0].Code != tc.code ||
			a.Header.Get("Content-Type") != "application/fhir+json" || !strings.Contains(outcome.Issue[0].Diagnostics, a.Header.Get("X-Request-Id")) {
			t.Errorf("%s %s as %q: %s %s", tc.method, tc.path, tc.who, a.Status, a.body)
		}
		if (tc.status == 401) != (a.Header.Get("WWW-Authenticate") != "") || (tc.status == 405) != (a.Header.Get("Allow") != "") {
			t.Errorf("%s %s: headers %v", tc.method, tc.path, a.Header)
		}
		all = append(all, a.body)
	}
	valid(t, all...)
	if log := d.log.String(); strings.Contains(log, patient) || strings.Contains(log, "colour") || strings.Contains(log, "DROP") {
		t.Error("P10: a patient's id or a client's words are in the log")
	}
}

// TestP4_HiddenAndMissingAreTheSameHere: in every read and every search.
func TestP4_HiddenAndMissingAreTheSameHere(t *testing.T) {
	d := open(t)
	c := d.fill()
	evidence := d.search("clinician", "Provenance?target="+string(c.form.ID)).ids()[0]
	strip := func(a answer, ids ...string) string {
		text := strings.ReplaceAll(string(a.body), a.Header.Get("X-Request-Id"), "")
		for _, id := range ids {
			text = strings.ReplaceAll(text, id, "ID")
		}
		return a.Status + text
	}
	for _, who := range []string{"colleague", "outsider"} {
		for _, path := range []string{
			"Patient/" + string(demo.Patient), "DocumentReference/" + string(c.form.ID), "DocumentReference/" + string(c.signed.ID), "Media/" + string(c.audio.ID),
			"Binary/" + string(c.audio.ID), "Encounter/" + string(demo.Encounter), evidence,
		} {
			resourceType, id, _ := strings.Cut(path, "/")
			hidden, missing := strip(d.get(who, path)), strip(d.get(who, resourceType+"/"+nobody))
			if hidden != missing || !strings.HasPrefix(hidden, "404") {
				t.Errorf("%s as %s:\n%s\n%s", path, who, hidden, missing)
			}
			if found := d.search(who, "DocumentReference?_id="+id); len(found.Entry) != 0 {
				t.Errorf("%s finds %v", who, found.ids())
			}
		}
		everything := "Patient/%s/$everything"
		hidden := strip(d.get(who, strings.Replace(everything, "%s", string(demo.Patient), 1)), string(demo.Patient))
		missing := strip(d.get(who, strings.Replace(everything, "%s", nobody, 1)), nobody)
		if hidden != missing || !strings.HasPrefix(hidden, "404") {
			t.Errorf("everything as %s:\n%s\n%s", who, hidden, missing)
		}
		for _, resourceType := range []string{"DocumentReference", "Media", "Provenance"} {
			for _, more := range []string{"", "&_count=3", "&_id=" + string(c.form.ID)} {
				hidden := strip(d.get(who, resourceType+"?patient="+string(demo.Patient)+more), string(demo.Patient))
				missing := strip(d.get(who, resourceType+"?patient="+nobody+more), nobody)
				if hidden != missing || !strings.HasPrefix(hidden, "200") || strings.Contains(hidden, `"entry"`) {
					t.Errorf("%s%s as %s:\n%s\n%s", resourceType, more, who, hidden, missing)
				}
			}
		}
	}
}

func TestReadsAreConditional(t *testing.T) {
	d := open(t)
	c := d.fill()
	path := "DocumentReference/" + string(c.form.ID)
	a := d.get("clinician", path)
	tag, at := a.Header.Get("ETag"), a.Header.Get("Last-Modified")
	if a.StatusCode != 200 || tag != `W/"1"` || at == "" || a.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%s %v", a.Status, a.Header)
	}
	for _, tc := range []struct {
		name, value string
		status      int
	}{
		{"If-None-Match", tag, 304}, {"If-None-Match", `"1"`, 304}, {"If-None-Match", `W/"9", W/"1"`, 304}, {"If-None-Match", "*", 304},
		{"If-None-Match", `W/"2"`, 200}, {"If-Modified-Since", at, 304}, {"If-Modified-Since", "Mon, 02 Jan 2006 15:04:05 GMT", 200}, {"If-Modified-Since", "x", 200},
	} {
		if got := d.get("clinician", path, tc.name, tc.value); got.StatusCode != tc.status || tc.status == 304 && len(got.body) > 0 || got.Header.Get("ETag") != tag {
			t.Errorf("%s: %s: %s", tc.name, tc.value, got.Status)
		}
	}
	if got := d.get("colleague", path, "If-None-Match", tag); got.StatusCode != 404 || got.Header.Get("ETag") != "" {
		t.Errorf("P4: who may not see it learns of its version: %s %v", got.Status, got.Header)
	}
	head := d.do(http.MethodHead, "clinician", path)
	if head.StatusCode != 200 || len(head.body) > 0 || head.Header.Get("ETag") != tag || head.Header.Get("Content-Type") != "application/fhir+json" {
		t.Errorf("HEAD: %s %v", head.Status, head.Header)
	}
	if got := d.get("clinician", path+"/_history/1"); got.StatusCode != 200 {
		t.Errorf("the version that stands: %s", got.Status)
	}
	for _, accept := range []string{"*/*", "application/json", "application/fhir+json; fhirVersion=4.0", "text/html, */*;q=0.1"} {
		if got := d.get("clinician", path, "Accept", accept); got.StatusCode != 200 {
			t.Errorf("Accept %s: %s", accept, got.Status)
		}
	}
	if got := d.get("clinician", path+"?_format=application/fhir+json", "Accept", "text/html"); got.StatusCode != 200 {
		t.Errorf("_format: %s", got.Status)
	}
}

// TestP7_BinaryIsARedirect to the bucket, decided and on the trail before.
func TestP7_BinaryIsARedirect(t *testing.T) {
	d := open(t)
	c := d.fill()
	path := "Binary/" + string(c.audio.ID)
	for _, accept := range []string{"", "*/*", "audio/webm", "image/*", "audio/webm, */*"} {
		a := d.get("clinician", path, "Accept", accept)
		if a.StatusCode != http.StatusFound || len(a.body) > 0 || a.Header.Get("Cache-Control") != "no-store" {
			t.Fatalf("Accept %q: %s %s", accept, a.Status, a.body)
		}
		res, err := http.Get(a.Header.Get("Location"))
		d.must(err)
		got, err := io.ReadAll(res.Body)
		d.must(err)
		d.must(res.Body.Close())
		if string(got) != string(webm) {
			t.Errorf("the bucket served %q", got)
		}
	}
	if events := d.search("auditor", "AuditEvent?patient="+string(demo.Patient)+"&_count=100"); strings.Count(string(must(json.Marshal(events))), "signedUrl") != 5 {
		t.Error("P5: five links, and not five events of them")
	}
	for _, accept := range []string{"application/fhir+json", "application/json"} {
		var got struct{ ResourceType, ContentType, Data string }
		a := d.get("clinician", path, "Accept", accept)
		if json.Unmarshal(a.body, &got) != nil || a.StatusCode != 200 || got.ResourceType != "Binary" || got.ContentType != "audio/webm" || got.Data != "" {
			t.Errorf("Accept %s: %s %s", accept, a.Status, a.body)
		}
	}
	if a := d.do(http.MethodHead, "clinician", path); a.StatusCode != 200 || a.Header.Get("Location") != "" {
		t.Errorf("HEAD: %s %v", a.Status, a.Header)
	}
	for who, want := range map[string]int{"colleague": 404, "outsider": 404, "admin": 403} { // an administrator sees what there is, never the bytes
		if a := d.get(who, path); a.StatusCode != want || a.Header.Get("Location") != "" {
			t.Errorf("%s: %s", who, a.Status)
		}
	}
	if a := d.get("clinician", "Binary/"+string(c.signed.ID), "Accept", "*/*"); a.StatusCode != 404 {
		t.Errorf("a note has no Binary: %s", a.Status)
	}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

func TestSearchFindsByWhatIsShown(t *testing.T) {
	d := open(t)
	c := d.fill()
	of := "patient=" + string(demo.Patient)
	form, lab, signed, amended := "DocumentReference/"+string(c.form.ID), "DocumentReference/"+string(c.lab.ID), "DocumentReference/"+string(c.signed.ID), "DocumentReference/"+string(c.amended.ID)
	audio := "Media/" + string(c.audio.ID)
	today, tomorrow := time.Now().UTC().Format("2006-01-02"), time.Now().UTC().AddDate(0, 0, 1).Format("2006-01-02")
	for query, want := range map[string][]string{
		"DocumentReference?" + of:                                                           {form, lab, signed, amended},
		"DocumentReference?patient=Patient/" + string(demo.Patient):                         {form, lab, signed, amended},
		"DocumentReference?" + of + "&category=LAB":                                         {lab},
		"DocumentReference?" + of + "&category=laboratory,administrative":                   {form, lab},
		"DocumentReference?" + of + "&category=http://terminology.hl7.org/CodeSystem/x|LAB": {},
		"DocumentReference?" + of + "&category=clinical-note":                               {signed, amended},
		"DocumentReference?" + of + "&type=11502-2":                                         {lab},
		"DocumentReference?" + of + "&type=http://loinc.org|11506-3":                        {signed, amended},
		"DocumentReference?" + of + "&type=intake-form":                                     {form},
		"DocumentReference?" + of + "&type=none-such":                                       {},
		"DocumentReference?encounter=Encounter/" + string(demo.Encounter):                   {form, signed, amended},
		"DocumentReference?_id=" + string(c.form.ID) + "," + string(c.signed.ID):            {form, signed},
		"DocumentReference?_id=" + string(c.audio.ID):                                       {}, // of another type
		"DocumentReference?" + of + "&date=" + tomorrow:                                     {},
		"DocumentReference?" + of + "&date=ge" + today + "&date=lt" + tomorrow:              {form, lab, signed, amended},
		"DocumentReference?" + of + "&_lastUpdated=gt" + tomorrow:                           {},
		"DocumentReference?patient=Group/" + string(demo.Patient):                           {},
		"Media?" + of:                        {audio},
		"Media?" + of + "&type=audio":        {audio},
		"Media?" + of + "&type=image":        {},
		"Media?" + of + "&created=2026-02":   {audio},
		"Media?" + of + "&created=2026-03":   {},
		"Media?" + of + "&created=lt2026-02": {},
	} {
		b := d.search("clinician", query)
		got := b.ids()
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s finds %v, want %v", query, got, want)
		}
		if b.Type != "searchset" || b.link("next") != "" || b.link("self") == "" {
			t.Errorf("%s: %s, links %v", query, b.Type, b.Link)
		}
	}
	if clerk := d.search("clerk", "DocumentReference?"+of).ids(); !slices.Equal(clerk, []string{form}) {
		t.Errorf("P4: the clerk finds %v", clerk)
	}
	if raw := d.search("clinician", "Provenance?target=Binary/"+string(c.raw.ID)).Entry; len(raw) != 1 {
		t.Errorf("%d entries of evidence about the raw file", len(raw))
	}
	if none := d.search("clerk", "Provenance?target="+string(c.lab.ID)).Entry; len(none) != 0 {
		t.Error("P4: the clerk reads where a lab report comes from")
	}
}

func TestSearchPagesAndCounts(t *testing.T) {
	d := open(t)
	d.write(7)
	of := "DocumentReference?patient=" + string(demo.Patient)
	var all []string
	sizes := []int{}
	for next := of + "&_count=3&_format=json"; next != ""; {
		b := d.search("clinician", next)
		sizes, all = append(sizes, len(b.Entry)), append(all, b.ids()...)
		if next = b.link("next"); next != "" {
			u, err := url.Parse(next)
			if err != nil || u.Query().Get("_count") != "3" || u.Query().Get("_format") != "json" || u.Query().Get("_cursor") == "" {
				t.Errorf("next is %s", next)
			}
		}
	}
	slices.Sort(all)
	if !slices.Equal(sizes, []int{3, 3, 1}) || len(slices.Compact(all)) != 7 {
		t.Errorf("pages of %v, %d different", sizes, len(all))
	}
	for _, how := range []string{"&_summary=count", "&_count=0", "&_summary=count&_total=accurate"} {
		if b := d.search("clinician", of+how); b.Total == nil || *b.Total != 7 || len(b.Entry) != 0 || b.link("next") != "" {
			t.Errorf("%s: %+v", how, b)
		}
	}
	if b := d.search("clinician", of+"&_total=accurate&_count=2"); b.Total == nil || *b.Total != 7 || len(b.Entry) != 2 {
		t.Errorf("_total: %+v", b)
	}
	lenient := d.search("clinician", of+"&colour=red", "Prefer", "respond-async, handling=lenient")
	if len(lenient.Entry) != 7 || strings.Contains(lenient.link("self"), "colour") {
		t.Errorf("lenient: %d, self %s", len(lenient.Entry), lenient.link("self"))
	}
	cursor := d.search("clinician", of+"&_count=3").link("next")
	if a := d.get("colleague", cursor); a.StatusCode != 400 {
		t.Errorf("another's cursor: %s", a.Status)
	}
	if since := d.search("clinician", "Patient/"+string(demo.Patient)+"/$everything?_since=2026-01-01T00:05:00Z").ids(); count(since, "DocumentReference/") != 2 {
		t.Errorf("since: %v", since)
	}
}

func count(ids []string, prefix string) (n int) {
	for _, id := range ids {
		if strings.HasPrefix(id, prefix) {
			n++
		}
	}
	return n
}

// TestP5_ReadsAndSearchesAreOnTheTrail, the refused ones too.
func TestP5_ReadsAndSearchesAreOnTheTrail(t *testing.T) {
	d := open(t)
	c := d.fill()
	d.get("clinician", "DocumentReference/"+string(c.form.ID))
	d.get("clinician", "DocumentReference?patient="+string(demo.Patient)+"&type=some-patients-name")
	d.get("clinician", "Patient/"+string(demo.Patient)+"/$everything")
	d.get("colleague", "Patient/"+string(demo.Patient)+"/$everything")
	d.get("colleague", "Media?patient="+string(demo.Patient))
	trail := string(d.get("auditor", "AuditEvent?patient="+string(demo.Patient)+"&_count=500").body)
	for _, verb := range []string{"document", "documents", "bundle"} {
		if !strings.Contains(trail, `"code":"`+verb+`"`) {
			t.Errorf("no event of %s", verb)
		}
	}
	if n := strings.Count(trail, `"access-denied"`); n != 2 {
		t.Errorf("%d refusals, want 2", n)
	}
	if strings.Contains(trail, "some-patients-name") {
		t.Error("P10: a client's words are in the trail")
	}
	one := d.search("auditor", "AuditEvent?patient="+string(demo.Patient)).ids()[0]
	if b := d.search("auditor", "AuditEvent?_id="+strings.TrimPrefix(one, "AuditEvent/")); !slices.Equal(b.ids(), []string{one}) {
		t.Errorf("by id: %v", b.ids())
	}
}
