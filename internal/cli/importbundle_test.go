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
	wantWords(t, r.err, "entry[3].resource.content[0].attachment: its bytes are elsewhere", "1 things of the Bundle")

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
