package fhir_test

import (
	"bytes"
	"testing"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/fhir"
)

// chart is the resources of one patient, as an export holds them.
func chart() []fhir.Resource {
	letter, recording := file("referral-letter", "application/pdf"), file("session-audio", "audio/mp4")
	recording.ID = audioID
	visit := clinical.Encounter{ID: visitID, Tenant: tenant, Patient: patientID, Status: "in-progress", CreatedAt: stored}
	return []fhir.Resource{
		renderer.Patient(patient),
		renderer.Principal(actor(doctorID, clinical.User, "Dr Ada Byron")),
		renderer.Principal(actor(scribeID, clinical.Agent, "AI scribe")),
		renderer.Organization(tenant, "Acme clinic"),
		renderer.Encounter(visit),
		renderer.File(letter, kind(letter.Kind), doctor), renderer.FileBinary(letter),
		renderer.File(recording, kind(recording.Kind), doctor), renderer.FileBinary(recording),
		renderer.Note(note(sign), audio),
		renderer.Provenance(provenance(clinical.ActivitySign, func(p *clinical.Provenance) { p.Signature = "e30.e30.c2ln" })),
	}
}

func bundle(t testing.TB, k fhir.BundleKind, opt fhir.BundleOptions, next string, resources []fhir.Resource) []byte {
	t.Helper()
	var buf bytes.Buffer
	b := fhir.NewBundleWriter(&buf, k, opt)
	b.Next(next)
	for i, res := range resources {
		var mode fhir.SearchMode
		if k == fhir.Searchset {
			mode = fhir.Include
			if i == 0 {
				mode = fhir.Match
			}
		}
		if err := b.Entry(renderer.FullURL(res), res, mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func bundles(t testing.TB) map[string][]byte {
	total := 23
	opt := fhir.BundleOptions{ID: "0197f3a2-eeee-7000-8000-000000000001", Timestamp: stored}
	page := fhir.BundleOptions{Self: renderer.Base + "/Patient/" + string(patientID) + "/$everything?_count=11", Total: &total}
	return map[string][]byte{
		"bundle-collection":       bundle(t, fhir.Collection, opt, "https://never.example", chart()),
		"bundle-collection-empty": bundle(t, fhir.Collection, opt, "", nil),
		"bundle-searchset":        bundle(t, fhir.Searchset, page, renderer.Base+"?page=b3BhcXVl", chart()),
		"bundle-searchset-empty":  bundle(t, fhir.Searchset, fhir.BundleOptions{Self: page.Self, Total: new(int)}, "", nil),
	}
}
