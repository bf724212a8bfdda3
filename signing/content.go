package signing

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
)

// Content is what a note's signature is over: enough to hold every word of the
// note and every byte of its sources to it, and none of the words themselves.
//
// Its JSON is canonical as RFC 8785 defines it: the members in this, the
// alphabetical, order, no white space, members without a value left out. All
// strings are ids, hexadecimal digests, codes and instants, which JSON writes in
// one way only.
type Content struct {
	Amends     string          `json:"amends,omitempty"` // the note that this one amends
	Author     string          `json:"author"`
	AuthorKind string          `json:"authorKind"` // user, agent or device: who wrote the draft
	Encounter  string          `json:"encounter,omitempty"`
	ID         string          `json:"id"`
	Patient    string          `json:"patient"`
	SignedAt   string          `json:"signedAt"` // RFC 3339, UTC, at most microseconds
	Signer     string          `json:"signer"`   // always a user
	Sources    []ContentSource `json:"sources"`
	Tenant     string          `json:"tenant"`
	// TextSHA256 and TitleSHA256 are the digests of the UTF-8 bytes.
	TextSHA256  string `json:"textSha256"`
	TitleSHA256 string `json:"titleSha256,omitempty"` // left out without a title
	Version     int    `json:"version"`               // of the note, as signed
}

// ContentSource is one source of a note, at the version that was looked at.
type ContentSource struct {
	Fragment string `json:"fragment,omitempty"` // a span of a recording, such as t=12.5,19.0
	ID       string `json:"id"`
	SHA256   string `json:"sha256"` // of the bytes, or of a note's text
	Type     string `json:"type"`
	Version  int    `json:"version"`
}

// ContentOf is the content of a signed note.
func ContentOf(n clinical.Note) Content {
	c := Content{
		Amends: string(n.Amends), Author: string(n.Author), AuthorKind: string(n.AuthorKind), Encounter: string(n.Encounter),
		ID: string(n.ID), Patient: string(n.Patient), Signer: string(n.Signer), Sources: []ContentSource{},
		Tenant: string(n.Tenant), TextSHA256: Digest(n.Text), Version: n.Version,
	}
	if n.SignedAt != nil {
		c.SignedAt = n.SignedAt.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano)
	}
	if n.Title != "" {
		c.TitleSHA256 = Digest(n.Title)
	}
	for _, r := range n.SourceRefs() {
		c.Sources = append(c.Sources, ContentSource{Fragment: r.Fragment, ID: r.ID, SHA256: r.SHA256, Type: r.Type, Version: r.Version})
	}
	return c
}

// Canonical is the content's one and only JSON.
func (c Content) Canonical() []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(c) // strings and numbers always encode
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// Digest is the hexadecimal SHA-256 of a text.
func Digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// parseContent reads canonical JSON and refuses any other way of writing it.
func parseContent(payload []byte) (c Content, err error) {
	dec := json.NewDecoder(bytes.NewReader(payload))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&c); err != nil || !bytes.Equal(c.Canonical(), payload) {
		return Content{}, errors.New("signing: the signed content is not that of a note")
	}
	return c, nil
}
