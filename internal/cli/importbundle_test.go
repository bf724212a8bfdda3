package cli_test

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bonfiredb/bonfire/fhir/validator"
	"github.com/bonfiredb/bonfire/internal/demo"
)

const fixtures = "../adopt/testdata/"

// foreign checks that a fixture is FHIR, and imports it with an exit code.
func (c *chartroom) foreign(environ []string, code int, name string, args ...string) ran {
	c.t.Helper()
	reports, err := validator.Reader(c.t.Context(), strings.NewReader(read(c.t, fixtures+name)))
	check(c.t, err)
	for _, r := range reports {
		for _, f := range r.Findings {
			if strings.Contains(fmt.Sprint(f), `Invalid reference: got "urn:uuid:`) {
				continue // it reads the type from the reference; one to a full URL of the Bundle has none
			}
			c.t.Errorf("%s: %s: %s", name, r.Resource, f)
		}
	}
	return c.run(environ, code, append([]string{"import", fixtures + name}, args...)...)
}

// TestImportOfAnotherServersBundle: documents come in with their bytes, patient,
// visit and what they replace; what has no place is named by its path; and
// again, nothing happens.
func TestImportOfAnotherServersBundle(t *testing.T) {
	c := &chartroom{t: t}
	environ := c.elsewhere()
	r := c.foreign(environ, 1, "hapi-everything.json", "--kind", "clinical-photo")
	wantWords(t, r.out, "1 of 1 charts restored with 3 files")
	wantWords(t, r.err, "entry[3].resource.content[1].attachment: its bytes do not have the hash", "entry[5].resource: Observation has no place",
		"entry[0].resource.gender: is not kept", "entry[1].resource.class: is not kept", "4 things of the Bundle")
	wantWords(t, c.foreign(environ, 1, "hapi-everything.json", "--kind", "clinical-photo").out, "0 of 1 charts restored with 0 files and 0 notes, 1 were here already")

	r = c.foreign(environ, 1, "medplum-transaction.json", "--kind", "referral-letter")
	wantWords(t, r.out, "1 of 1 charts restored with 2 files")
	wantWords(t, r.err, "entry[3].resource.content[0].attachment: its bytes are elsewhere", "entry[1].resource.securityContext: the rules", "2 things of the Bundle")

	out := filepath.Join(t.TempDir(), "x")
	c.run(environ, 0, "export", out)
	var bundles, rows, bytes, arrivals string
	for name, text := range tree(t, out) {
		switch {
		case strings.HasPrefix(name, "bundles/"):
			bundles += text
		case strings.HasPrefix(name, "rows/"):
			rows += text
		case strings.HasPrefix(name, "bytes/"):
			bytes += text
		case strings.HasPrefix(name, "evidence/arrivals/"):
			arrivals += text
		}
	}
	wantWords(t, bytes, "from elsewhere\n%%EOF\nold", "from elsewhere\n%%EOF\nlab", "Grüße", "\x89PNG")
	wantWords(t, bundles, "Änne Müller", "MRN-7", "https://hapi.example.org/baseR4/Patient/1", `"replaces"`, `"superseded"`, "Überweisung",
		"DocumentReference/0190c0de-0000-7000-8000-000000000002", "2026-02-28T09:00:00Z", `"code":"R"`)
	wantWords(t, rows, `"uploaded_by":"00000000-0000-7000-8000-000000000001"`, `"confidentiality":1`)
	wantWords(t, arrivals, "was https://hapi.example.org/baseR4/DocumentReference/4", "came with the Bundle with the SHA-256 ")
}

func TestImportOfWhatIsNoBundle(t *testing.T) {
	c := &chartroom{t: t}
	environ, dir := c.elsewhere(), t.TempDir()
	pdf := base64.StdEncoding.EncodeToString([]byte(scanPDF))
	document := func(attachment, more string) string {
		return `{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"DocumentReference","id":"1","status":"current",` +
			`"content":[{"attachment":{` + attachment + `}}]` + more + `}}]}`
	}
	for name, b := range map[string]struct {
		text string
		code int
		says string
	}{
		"rubbish":        {"rubbish", 2, "no JSON object"},
		"no Bundle":      {`{"resourceType":"Patient"}`, 2, "no FHIR Bundle"},
		"a history":      {`{"resourceType":"Bundle","type":"history","entry":[]}`, 2, "no FHIR Bundle"},
		"cut off":        {document(`"data":"`+pdf, "")[:140], 2, "EOF"},
		"no patient":     {document(`"contentType":"application/pdf","data":"`+pdf+`"`, ""), 1, "subject: its patient is not in the Bundle"},
		"no base64":      {document(`"contentType":"application/pdf","data":"%%%"`, `,"subject":{"reference":"Patient/9"}`), 1, "its data is not base64"},
		"another type":   {document(`"contentType":"image/png","data":"`+pdf+`"`, ""), 1, "the bytes are not of the content type"},
		"another size":   {document(`"contentType":"application/pdf","size":3,"data":"`+pdf+`"`, ""), 1, "and says 3"},
		"an odd type":    {document(`"contentType":"application/x-sh","data":"`+pdf+`"`, ""), 1, "does not take"},
		"nothing":        {document(`"contentType":"application/pdf"`, ""), 1, "has no bytes"},
		"empty":          {document(`"contentType":"application/pdf","data":""`, ""), 1, "an empty file"},
		"a further page": {`{"resourceType":"Bundle","type":"searchset","link":[{"relation":"next","url":"https://x.example/2"}]}`, 1, "further page"},
		"a deletion":     {`{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"DELETE","url":"Patient/1"}}]}`, 1, "asks for a change"},
	} {
		file := filepath.Join(dir, "bundle.json")
		write(t, file, b.text)
		args := []string{"import", file, "--kind", "intake-form"}
		if name != "no patient" {
			args = append(args, "--patient", string(demo.Patient))
		}
		r := bonfire(t.Context(), environ, nil, args...)
		if r.code != b.code || !strings.Contains(r.err, b.says) {
			t.Errorf("%s: %d %s%s, want %d with %q", name, r.code, r.out, r.err, b.code, b.says)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "bonfire-import-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestImportOfADirectoryOfBundles: file after file, whatever is wrong with one;
// bytes that no document describes are filed as they are where it is known whose.
func TestImportOfADirectoryOfBundles(t *testing.T) {
	c := &chartroom{t: t}
	environ, dir := c.elsewhere(), t.TempDir()
	bundle := func(entries ...string) string {
		return `{"resourceType":"Bundle","type":"collection","entry":[` + strings.Join(entries, ",") + `]}`
	}
	entry := func(id, resource string) string {
		return `{"fullUrl":"https://x.example/` + id + `","resource":` + resource + `}`
	}
	binary := func(id, whose, bytes string) string {
		return entry("Binary/"+id, `{"resourceType":"Binary","id":"`+id+`","contentType":"application/octet-stream"`+whose+
			`,"data":"`+base64.StdEncoding.EncodeToString([]byte(bytes))+`"}`)
	}
	const ada = "0190c0de-0000-7000-8000-0000000000ad"
	pdf := base64.StdEncoding.EncodeToString([]byte(scanPDF))
	write(t, filepath.Join(dir, "1.json"), bundle(
		entry("Patient/"+ada, `{"resourceType":"Patient","id":"`+ada+`","name":[{"text":"Ada Fremd"}]}`),
		binary("b1", `,"securityContext":{"reference":"Patient/`+ada+`"}`, "monitor dump"),
		binary("b2", "", "whose is this"),
		binary("b3", `,"securityContext":{"reference":"Group/7"}`, "strict"),
	))
	write(t, filepath.Join(dir, "2.json"), "rubbish")
	write(t, filepath.Join(dir, "3.json"), bundle(
		entry("Patient/2", `{"resourceType":"Patient","id":"2","name":[{"text":"Ben Fremd"}]}`),
		entry("DocumentReference/d", `{"resourceType":"DocumentReference","id":"d","status":"current","docStatus":"final","subject":{"reference":"Patient/2"},`+
			`"author":[{"display":"Dr. X"}],"context":{"related":[{"reference":"Media/9"}]},"content":[{"attachment":{"contentType":"application/pdf","url":"Binary/b4"}}]}`),
		entry("Binary/b4", `{"resourceType":"Binary","id":"b4","contentType":"application/pdf","securityContext":{"reference":"Patient/2"},"data":"`+pdf+`"}`),
	))
	write(t, filepath.Join(dir, "readme.txt"), "not a Bundle")
	r := c.run(environ, 1, "import", dir, "--kind", "intake-form")
	wantWords(t, r.out, "1.json:", "1 of 1 charts restored with 1 files", "2.json:", "3.json:", "1 of 1 charts restored with 1 files")
	wantWords(t, r.err, "entry[2].resource: no document of the Bundle has these bytes, and no patient is named", "entry[3].resource.securityContext: the rules of the chart hold",
		"2.json: this is no JSON object", "entry[1].resource.author: is not kept", "entry[1].resource.docStatus: is not kept",
		"entry[1].resource.context.related[0]: is not kept", "entry[2].resource.securityContext: the rules of the chart hold")
	if strings.Contains(r.out+r.err, "readme") {
		t.Errorf("another file was looked at: %s%s", r.out, r.err)
	}
	// Named, the patient's chart takes what is nobody's.
	r = c.run(environ, 1, "import", filepath.Join(dir, "1.json"), "--patient", ada)
	wantWords(t, r.out, "restored with 2 files")
	out := filepath.Join(t.TempDir(), "x")
	c.run(environ, 0, "export", out)
	var bundles, bytes string
	for name, text := range tree(t, out) {
		switch {
		case strings.HasPrefix(name, "bundles/"):
			bundles += text
		case strings.HasPrefix(name, "bytes/"):
			bytes += text
		}
	}
	wantWords(t, bytes, "monitor dump", "whose is this", "strict", scanPDF)
	wantWords(t, bundles, `"resourceType":"Binary"`, "Ada Fremd", "Ben Fremd")
}
