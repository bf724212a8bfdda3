package access_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/records"
	"github.com/bonfiredb/bonfire/store"
)

func subscriptions() []operation {
	const progress, events = `subscription($id: ID!) { uploadProgress(uploadId: $id) { id } }`, `subscription($id: ID!) { fileEvents(patientId: $id) { cursor } }`
	progressing := func(own bool) func(w *world, p principal, at chart) answer {
		return func(w *world, p principal, at chart) answer {
			return w.listen(p, progress, vars{"id": w.upload(p, at, own)})
		}
	}
	return []operation{
		{"uploadProgress", "uploadProgress: one's own", false, progressing(true), ownUploads},
		{"uploadProgress", "uploadProgress: another's", false, progressing(false), othersUploads},
		{"fileEvents", "fileEvents", false, func(w *world, p principal, at chart) answer {
			return w.listen(p, events, ofPatient(w, p, at))
		}, only("yes hidden", want{"clerk": "yes yes", "admin": "yes yes", "auditor": "yes yes", "pipeline": "yes yes", "recorder": "yes yes"})}, // as lists: who sees a file of the chart may follow it
	}
}

// tus makes a request of the upload protocol.
func (w *world) tus(p principal, method, path string, header ...string) answer {
	w.Helper()
	return w.send(method, path, "", append([]string{"Tus-Resumable", "1.0.0", "Authorization", "Bearer " + p.token}, header...)...)
}

// metadata is an Upload-Metadata header of name, value, name, value.
func metadata(pairs ...string) string {
	var out []string
	for i := 0; i+1 < len(pairs); i += 2 {
		out = append(out, pairs[i]+" "+base64.StdEncoding.EncodeToString([]byte(pairs[i+1])))
	}
	return strings.Join(out, ",")
}

func posting(kind, contentType string) func(w *world, p principal, at chart) answer {
	return func(w *world, p principal, at chart) answer {
		return w.tus(p, http.MethodPost, "/uploads/", "Upload-Length", "5",
			"Upload-Metadata", metadata("patientId", string(at.patient), "kind", kind, "filetype", contentType))
	}
}

// sending is a request for an upload that is there.
func sending(method string, own bool) func(w *world, p principal, at chart) answer {
	return func(w *world, p principal, at chart) answer {
		header := []string{}
		if method == http.MethodPatch {
			header = []string{"Content-Type", "application/offset+octet-stream", "Upload-Offset", "0"}
		}
		return w.tus(p, method, "/uploads/"+string(w.upload(p, at, own)), header...)
	}
}

func httpOperations() []operation {
	return []operation{
		{"", "POST /uploads/: intake form", false, posting("intake-form", "application/pdf"), uploadsForm},
		{"", "POST /uploads/: recording", false, posting("session-audio", "audio/webm"), uploadsRecording},
		{"", "HEAD /uploads/{id}: one's own", false, sending(http.MethodHead, true), ownUploads},
		{"", "HEAD /uploads/{id}: another's", false, sending(http.MethodHead, false), othersUploads},
		{"", "PATCH /uploads/{id}: one's own", false, sending(http.MethodPatch, true), ownUploads},
		{"", "PATCH /uploads/{id}: another's", false, sending(http.MethodPatch, false), othersUploads},
		{"", "DELETE /uploads/{id}: one's own", false, sending(http.MethodDelete, true), ownUploads},
		{"", "DELETE /uploads/{id}: another's", false, sending(http.MethodDelete, false), othersUploads},
		// A gated link is a capability: who holds it may be anybody, as long as the
		// one it was issued to still may.
		{"", "GET /links/{token}, for whoever holds it", false, func(w *world, p principal, at chart) answer {
			return w.send(http.MethodGet, "/links/"+w.gated(at), "", "Authorization", "Bearer "+p.token)
		}, only("yes yes yes hidden", nil)},
	}
}

// gated is the token of a link that was issued to the nurse.
func (w *world) gated(at chart) string {
	w.Helper()
	secret := sha256.Sum256([]byte(fresh[string]()))
	token := "harbor-clinic." + base64.RawURLEncoding.EncodeToString(secret[:])
	if !at.exists() {
		return token
	}
	nurse := w.nurses[at.tenant]
	nurse.Panel, nurse.Session = []clinical.PatientID{at.patient}, clinical.Session{Purpose: clinical.Treatment, MFA: true}
	l, err := w.rooms.Records.SignedURL(w.Context(), nurse, records.SignedURL{
		Document: string(w.file(principal{}, at, "intake-form", false)), Delivery: clinical.Gated,
	})
	w.must(err)
	return l.URL[strings.LastIndex(l.URL, "/")+1:]
}

// note writes a note into a chart: a draft, or one that the nurse signed.
func (w *world) note(p principal, at chart, status clinical.NoteStatus, own bool) clinical.NoteID {
	w.Helper()
	if !at.exists() {
		return fresh[clinical.NoteID]()
	}
	now, text := time.Now().UTC(), "S: better"
	sum := sha256.Sum256([]byte(text))
	author := w.owner(p, at, own)
	n := clinical.Note{
		ID: fresh[clinical.NoteID](), Tenant: at.tenant, Patient: at.patient, Status: clinical.NoteDraft, Version: 1, Text: text, TextSHA256: sum[:],
		Author: author.ID, AuthorKind: author.Kind, CreatedAt: now, UpdatedAt: now,
	}
	w.in(at.tenant, func(ctx context.Context, tx *store.Tx) error { return tx.InsertNote(ctx, n, author) })
	if status != clinical.NoteSigned {
		return n.ID
	}
	nurse := w.nurses[at.tenant]
	nurse.Panel, nurse.Session = []clinical.PatientID{at.patient}, clinical.Session{Purpose: clinical.Treatment, MFA: true}
	_, err := w.rooms.Records.SignNote(w.Context(), nurse, records.SignNote{Note: n.ID, Version: 1})
	w.must(err)
	return n.ID
}
