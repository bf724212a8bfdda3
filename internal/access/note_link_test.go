package access_test

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"testing"
)

// P6, P7: a link to a signed note, direct or through the gate, gives exactly the
// bytes whose digest was attested, out of the bucket; retracted or revoked, none.
func TestP7_ALinkToANoteGivesTheAttestedBytes(t *testing.T) {
	w := newWorld(t)
	clinician, at := w.as("clinician"), charts("clinician")[onPanel]
	const signed = `mutation($id: ID!, $how: LinkDelivery!) { signedUrl(documentId: $id, delivery: $how) { url documentId } }`
	var drafted struct {
		Note struct{ ID, TextSha256 string }
	}
	w.data(w.ask(clinician, `mutation($id: ID!) { createNote(input: {patientId: $id, draft: "S: besser „heute“\n\nP: Ruhe "}) { note { id textSha256 } } }`,
		vars{"id": at.patient}), "createNote", &drafted)
	id, digest := drafted.Note.ID, drafted.Note.TextSha256
	if a := w.ask(clinician, `mutation($id: ID!, $digest: Sha256!) { signNote(input: {noteId: $id, expectedVersion: 1, attestedTextSha256: $digest}) { note { id } } }`,
		vars{"id": id, "digest": digest}); a.word() != yes {
		t.Fatal(a.body)
	}
	link := func(how string) string {
		var out struct{ URL, DocumentID string }
		w.data(w.ask(clinician, signed, vars{"id": id, "how": how}), "signedUrl", &out)
		if out.DocumentID != id {
			t.Errorf("%s: of %s", how, out.DocumentID)
		}
		return out.URL
	}
	for _, how := range []string{"DIRECT", "GATED"} {
		res, err := http.Get(link(how)) // follows the gate's redirect
		w.must(err)
		text, err := io.ReadAll(res.Body)
		w.must(err)
		w.must(res.Body.Close())
		if sum := sha256.Sum256(text); res.StatusCode != http.StatusOK || hex.EncodeToString(sum[:]) != digest || res.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("%s: %s %q %q", how, res.Status, res.Header.Get("Content-Type"), text)
		}
	}
	if a := w.ask(w.as("colleague"), signed, vars{"id": id, "how": "DIRECT"}); a.word() != hidden {
		t.Errorf("colleague: %s", a.body)
	}
	for _, end := range []string{
		`mutation($id: ID!) { revokeLinks(input: {noteId: $id, reason: "sent astray"}) { revoked } }`,
		`mutation($id: ID!) { retractNote(input: {noteId: $id, expectedVersion: 2, reason: "not this patient"}) { note { id } } }`,
	} {
		gated := link("GATED")
		if a := w.ask(clinician, end, vars{"id": id}); a.word() != yes {
			t.Fatal(a.body)
		}
		if a := w.send(http.MethodGet, gated, ""); a.status != http.StatusGone || a.header.Get("Location") != "" {
			t.Errorf("%s: %d %q", end, a.status, a.body)
		}
	}
	if a := w.ask(clinician, signed, vars{"id": id, "how": "DIRECT"}); a.word() != "GONE" {
		t.Errorf("retracted: %s", a.body)
	}
}
