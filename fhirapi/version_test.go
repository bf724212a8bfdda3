package fhirapi_test

import (
	"strings"
	"testing"

	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/records"
)

// Earlier versions of a note are read as they stood: unsigned, and with the words
// they had then.
func TestEarlierVersionsOfANote(t *testing.T) {
	t.Parallel()
	d := open(t)
	ctx, doctor := t.Context(), d.As("clinician")
	n, err := d.Records.CreateNote(ctx, doctor, records.CreateNote{Patient: demo.Patient, Title: "Visit", Draft: "S: better"})
	d.must(err)
	n, err = d.Records.UpdateNoteDraft(ctx, doctor, records.UpdateNoteDraft{Note: n.ID, Version: 1, Draft: "S: worse"})
	d.must(err)
	n, err = d.Records.SignNote(ctx, doctor, records.SignNote{Note: n.ID, Version: n.Version})
	d.must(err)
	n, err = d.Records.RetractNote(ctx, doctor, records.RetractNote{Note: n.ID, Version: n.Version, Reason: "another's"})
	d.must(err)
	path := "DocumentReference/" + string(n.ID) + "/_history/"
	for version, want := range map[string]string{
		"1": `"docStatus":"preliminary"`, "2": `"docStatus":"preliminary"`, "3": `"docStatus":"final"`, "4": `"status":"entered-in-error"`,
	} {
		got := d.get("clinician", path+version)
		signed := strings.Contains(string(got.body), `"authenticator"`)
		if got.StatusCode != 200 || !strings.Contains(string(got.body), want) || got.Header.Get("ETag") != `W/"`+version+`"` || signed != (version > "2") {
			t.Errorf("version %s: %d %s", version, got.StatusCode, got.body)
			continue
		}
		valid(t, got.body)
	}
	if a, b := d.get("clinician", path+"1").body, d.get("clinician", path+"2").body; string(a) == string(b) || !strings.Contains(string(a), "UzogYmV0dGVy") {
		t.Errorf("%s\n%s", a, b)
	}
	for who, version := range map[string]string{"clinician": "5", "colleague": "1", "clerk": "2"} {
		if got := d.get(who, path+version); got.StatusCode != 404 {
			t.Errorf("%s reads version %s: %d", who, version, got.StatusCode)
		}
	}
}
