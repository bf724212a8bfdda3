package uploads

import (
	"encoding/hex"
	"net/http"
	"time"

	"github.com/tus/tusd/v2/pkg/handler"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/records"
)

// The keys of Upload-Metadata. Title falls back to filename, contentType to
// filetype, as tus-js-client and Uppy name them.
const (
	metaPatient     = "patientId"
	metaKind        = "kind"
	metaCategory    = "category"
	metaEncounter   = "encounterId"
	metaFilename    = "filename"
	metaContentType = "contentType"
	metaFiletype    = "filetype"
	metaTitle       = "title"
	metaCaptured    = "capturedAt"
	metaSHA256      = "sha256"
)

// idempotencyHeader makes a creation that is sent again answer the same upload
// (draft-ietf-httpapi-idempotency-key-header).
const idempotencyHeader = "Idempotency-Key"

// beginOf reads a tus creation request. tusd drops metadata it cannot decode,
// so the raw header is checked first.
func beginOf(info handler.FileInfo, h http.Header) (in records.BeginUpload, err error) {
	if err := wellFormedMetadata(h.Get("Upload-Metadata")); err != nil {
		return in, err
	}
	m := info.MetaData
	in = records.BeginUpload{
		Patient: clinical.PatientID(m[metaPatient]), Kind: m[metaKind], Category: m[metaCategory],
		ContentType: firstOf(m[metaContentType], m[metaFiletype]), Title: firstOf(m[metaTitle], m[metaFilename]),
		Encounter: clinical.EncounterID(m[metaEncounter]), IdempotencyKey: h.Get(idempotencyHeader),
	}
	if !info.SizeIsDeferred {
		in.Length = &info.Size
	}
	switch {
	case in.Patient == "":
		return in, clinical.Bad(metaPatient, "is missing from Upload-Metadata")
	case in.Kind == "":
		return in, clinical.Bad(metaKind, "is missing from Upload-Metadata")
	case in.ContentType == "":
		return in, clinical.Bad(metaContentType, "is missing from Upload-Metadata (filetype)")
	}
	if s := m[metaCaptured]; s != "" {
		at, err := time.Parse(time.RFC3339, s)
		if err != nil {
			return in, clinical.Bad(metaCaptured, "must be an RFC 3339 instant with offset")
		}
		in.CapturedAt = &at
	}
	if s := m[metaSHA256]; s != "" {
		if in.SHA256, err = hex.DecodeString(s); err != nil || len(in.SHA256) != 32 {
			return in, clinical.Bad(metaSHA256, "must be 64 hexadecimal digits")
		}
	}
	return in, nil
}

// infoOf is what tusd needs to know of an upload. The metadata is what was
// understood of the client's own, as the protocol wants it echoed on HEAD.
func infoOf(u clinical.Upload) handler.FileInfo {
	m := handler.MetaData{metaPatient: string(u.Patient), metaKind: u.Kind, metaCategory: u.Category, metaFiletype: u.ContentType}
	if u.Encounter != "" {
		m[metaEncounter] = string(u.Encounter)
	}
	if u.Title != "" {
		m[metaTitle] = u.Title
	}
	info := handler.FileInfo{ID: string(u.ID), Offset: u.Offset, MetaData: m, SizeIsDeferred: u.Length == nil}
	if u.Length != nil {
		info.Size = *u.Length
	}
	return info
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
