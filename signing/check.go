package signing

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
)

// Finding is the outcome of one check of one note.
type Finding struct {
	Note string // the note's id
	// What was checked: "signature", "text", "title", "record", or "source" and its reference.
	What string
	OK   bool
	// Unchecked: neither proven nor refuted, since what it takes was not there.
	Unchecked bool
	Words     string
}

// Check holds every signed note in an export to its signature, offline. export
// is any JSON that holds the FHIR resources, at whatever depth: a Bundle, an
// array, a GraphQL response; also several of them, as NDJSON. A note takes its
// DocumentReference and the Provenance of its signing.
//
// Sources are held to the bytes in dir, by digest, whatever the files' names
// are; without dir (nil) to what the export says of them. ids narrows the check
// to some notes; none means all that are signed. The error is for an export or a
// directory that cannot be read, and for one without any signed note.
func Check(export io.Reader, trusted Trusted, dir fs.FS, ids ...string) ([]Finding, error) {
	found, err := gather(export)
	if err != nil {
		return nil, err
	}
	var held map[string]bool
	if dir != nil {
		if held, err = digestsIn(dir); err != nil {
			return nil, err
		}
	}
	var out []Finding
	for _, doc := range found.documents {
		if len(ids) > 0 && !slices.Contains(ids, doc.ID) || len(ids) == 0 && !doc.signed() {
			continue
		}
		c := checker{export: found, trusted: trusted, held: held, doc: doc}
		out = append(out, c.check()...)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("signing: no signed note in this export")
	}
	return out, nil
}

// resource is what is read of an exported FHIR resource.
type resource struct {
	ResourceType  string
	ID            string
	Subject       reference
	Author        []reference
	Authenticator *reference
	Content       json.RawMessage // a list in DocumentReference, one in Media
	Target        []reference
	Signature     []struct{ Data []byte } // FHIR's base64 around the JWS
}

type reference struct{ Reference string }

type attachment struct {
	Data      []byte
	Title     string
	Extension []struct{ URL, ValueString string }
}

// signed reports whether the document is a note that a person has signed.
func (r resource) signed() bool { return r.Authenticator != nil && len(r.attachment().Data) > 0 }

func (r resource) attachment() attachment {
	type content struct{ Attachment attachment }
	var many []content
	if json.Unmarshal(r.Content, &many) == nil && len(many) > 0 {
		return many[0].Attachment
	}
	var one attachment
	_ = json.Unmarshal(r.Content, &one) // Media's content is the attachment itself
	return one
}

// sha256 is the digest that the export states.
func (a attachment) sha256() string {
	for _, e := range a.Extension {
		if strings.HasSuffix(e.URL, "/StructureDefinition/attachment-sha256") {
			return e.ValueString
		}
	}
	return ""
}

// exported is what an export holds, as far as signatures are concerned.
type exported struct {
	documents  []resource
	media      []resource
	provenance []resource
}

func gather(export io.Reader) (exported, error) {
	var out exported
	dec := json.NewDecoder(export)
	for {
		var raw json.RawMessage
		if err := dec.Decode(&raw); err == io.EOF {
			return out, nil
		} else if err != nil {
			return out, fmt.Errorf("signing: the export is not JSON: %w", err)
		}
		out.walk(raw)
	}
}

// walk finds the resources in any JSON.
func (e *exported) walk(raw json.RawMessage) {
	switch raw = bytes.TrimSpace(raw); {
	case bytes.HasPrefix(raw, []byte("[")):
		var items []json.RawMessage
		_ = json.Unmarshal(raw, &items) // the decoder has found it well-formed
		for _, item := range items {
			e.walk(item)
		}
	case bytes.HasPrefix(raw, []byte("{")):
		var r resource
		if json.Unmarshal(raw, &r) == nil && r.keep(e) {
			return
		}
		var members map[string]json.RawMessage
		_ = json.Unmarshal(raw, &members)
		for _, member := range members {
			e.walk(member)
		}
	}
}

func (r resource) keep(e *exported) bool {
	switch r.ResourceType {
	case "DocumentReference":
		e.documents = append(e.documents, r)
	case "Media":
		e.media = append(e.media, r)
	case "Provenance":
		e.provenance = append(e.provenance, r)
	default:
		return false
	}
	return true
}

// digestsIn are the SHA-256 of all regular files in a directory and below it.
func digestsIn(dir fs.FS) (map[string]bool, error) {
	held := map[string]bool{}
	err := fs.WalkDir(dir, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		f, err := dir.Open(path)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		h := sha256.New()
		if _, err := io.Copy(h, f); err != nil {
			return err
		}
		held[hex.EncodeToString(h.Sum(nil))] = true
		return nil
	})
	return held, err
}
