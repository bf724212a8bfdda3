package fhir_test

import (
	"strings"
	"testing"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/fhir"
)

// TestTypedViewKeepsTheTrueSize: past 2^31-1 the JSON has no size, where R4
// could not hold it; the struct (and a GraphQL Long bound to it) has.
func TestTypedViewKeepsTheTrueSize(t *testing.T) {
	for size, inJSON := range map[int64]bool{0: true, 1<<31 - 1: true, 1 << 31: false, 50 << 30: false} {
		f := file("session-audio", "audio/wav", func(f *clinical.File) { f.Size = size })
		m := renderer.Media(f, kind(f.Kind), doctor)
		b, err := fhir.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if *m.Content.Size != size || strings.Contains(string(b), `"size":`) != inJSON {
			t.Errorf("size %d: %d in the struct, %s", size, *m.Content.Size, b)
		}
		if strings.Contains(string(b), "attachment-size") == inJSON {
			t.Errorf("size %d must stand in exactly one place: %s", size, b)
		}
	}
}

// TestP7_NoResourceHoldsABucketAddress: bytes are named by Binary/{id} alone.
func TestP7_NoResourceHoldsABucketAddress(t *testing.T) {
	for name, res := range rendered() {
		b, err := fhir.Marshal(res)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), "never-rendered") || strings.Contains(string(b), "X-Amz-") {
			t.Errorf("%s: %s", name, b)
		}
		if d, ok := res.(*fhir.DocumentReference); ok {
			if url := d.Content[0].Attachment.URL; url != "" && url != "Binary/"+d.ID {
				t.Errorf("%s: %s", name, url)
			}
		}
	}
}

// TestP6_OnlyAHumanAuthenticates: whoever drafted, the authenticator is the
// Practitioner who signed, and a draft has none.
func TestP6_OnlyAHumanAuthenticates(t *testing.T) {
	if d := renderer.Note(note(), audio); d.Authenticator != nil || d.DocStatus != "preliminary" {
		t.Errorf("a draft: %v, %s", d.Authenticator, d.DocStatus)
	}
	d := renderer.Note(note(sign), audio)
	if d.Authenticator == nil || d.Authenticator.Reference != "Practitioner/"+string(doctorID) || d.DocStatus != "final" {
		t.Errorf("signed: %v, %s", d.Authenticator, d.DocStatus)
	}
	if !strings.HasPrefix(d.Author[0].Reference, "Device/") {
		t.Errorf("drafted by %v", d.Author)
	}
}

// TestOnlyASignedAmendmentReplaces: until it is signed, the note it amends stays current.
func TestOnlyASignedAmendmentReplaces(t *testing.T) {
	if d := renderer.Note(note(amend), nil); len(d.RelatesTo) > 0 {
		t.Errorf("a draft amendment claims %v", d.RelatesTo)
	}
	d := renderer.Note(note(amend, sign), nil)
	if len(d.RelatesTo) != 1 || d.RelatesTo[0].Code != "replaces" || d.DocStatus != "amended" {
		t.Errorf("signed: %v, %s", d.RelatesTo, d.DocStatus)
	}
}

// TestUSCoreIsClaimedOnlyWhereMet: a kind with a type from another system, and
// a note without text, are good R4 but not US Core.
func TestUSCoreIsClaimedOnlyWhereMet(t *testing.T) {
	claims := func(d *fhir.DocumentReference) bool { return len(d.Meta.Profile) == 1 }
	f, k := file("consent", "application/pdf"), kind("consent")
	if !claims(renderer.DocumentReference(f, k, doctor)) {
		t.Error("a LOINC type was not claimed")
	}
	if !claims(renderer.DocumentReference(f, clinical.FileKind{}, doctor)) {
		t.Error("an unknown type is UNK, which is allowed")
	}
	k.Type = &clinical.Coding{System: "http://snomed.info/sct", Code: "371538006"}
	if claims(renderer.DocumentReference(f, k, doctor)) {
		t.Error("a SNOMED type was claimed")
	}
	if claims(renderer.Note(note(func(n *clinical.Note) { n.Text = "" }), nil)) {
		t.Error("an empty note was claimed")
	}
}

// TestEveryReferenceResolvesAtTheFacade: what is pointed at is of a type the
// CapabilityStatement reads.
func TestEveryReferenceResolvesAtTheFacade(t *testing.T) {
	reads := map[string]bool{}
	for _, r := range renderer.CapabilityStatement("1", time.Unix(1, 0)).Rest[0].Resource {
		reads[r.Type] = true
	}
	for name, res := range rendered() {
		b, err := fhir.Marshal(res)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range strings.Split(string(b), `"reference":"`)[1:] {
			target, _, _ := strings.Cut(part, `"`)
			if typ, _, _ := strings.Cut(target, "/"); !reads[typ] && target != "#response" {
				t.Errorf("%s points at %s", name, target)
			}
		}
	}
}
