package fhir

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"math"
	"strconv"

	"github.com/bonfiredb/bonfire/clinical"
)

// File renders a file as the resource it became: a *DocumentReference, *Media
// or, for raw files, *Binary. k is the file's kind as the registry has it now
// (the zero FileKind when it no longer does), author who uploaded it.
func (r Renderer) File(f clinical.File, k clinical.FileKind, author ActorRef) FileResource {
	switch f.ResourceType {
	case clinical.Media:
		return r.Media(f, k, author)
	case clinical.Binary:
		return r.FileBinary(f)
	}
	return r.DocumentReference(f, k, author)
}

// attachment is a file's bytes by address: Binary/{id}, which is stable and
// governed. A presigned URL never stands in a resource.
func (r Renderer) attachment(f clinical.File) Attachment {
	a := Attachment{
		ContentType: contentType(f),
		URL:         "Binary/" + string(f.ID),
		Size:        &f.Size,
		Title:       text(f.Title),
		Creation:    instantOf(f.CapturedAt),
	}
	if len(f.Digests.SHA1) > 0 {
		a.Hash = base64.StdEncoding.EncodeToString(f.Digests.SHA1)
	}
	a.Extension = r.sha256(f.Digests.SHA256)
	if f.Size > math.MaxInt32 {
		a.Extension = append(a.Extension, Extension{
			URL:          r.structure("attachment-size"),
			ValueDecimal: json.Number(strconv.FormatInt(f.Size, 10)),
		})
	}
	return a
}

// sha256 is the extension that says a digest; nil without one.
func (r Renderer) sha256(digest []byte) []Extension {
	if len(digest) == 0 {
		return nil
	}
	return []Extension{{URL: r.structure("attachment-sha256"), ValueString: hex.EncodeToString(digest)}}
}

// fileMeta is a file's metadata. Its security labels stand here for every
// resource type, since Media and Binary have no element of their own for them.
func (r Renderer) fileMeta(f clinical.File) *Meta {
	m := meta(f.Version, f.UpdatedAt)
	m.Security = append(m.Security, confidential(f.Confidentiality))
	for _, label := range f.Labels {
		if c := r.own("label", label, ""); c.Code != "" {
			m.Security = append(m.Security, c)
		}
	}
	return m
}

// statusTag marks a resource whose type has no status, or none that fits, as
// no longer current.
func (r Renderer) statusTag(s clinical.FileStatus) []Coding {
	switch s {
	case clinical.FileSuperseded:
		return []Coding{r.own("file-status", string(s), "Superseded")}
	case clinical.FileEnteredInError:
		return []Coding{r.own("file-status", string(s), "Entered in error")}
	}
	return nil
}

// kindCoding is the clinic's own word for what the file is.
func (r Renderer) kindCoding(f clinical.File, k clinical.FileKind) Coding {
	return r.own("file-kind", f.Kind, k.Display)
}

func contentType(f clinical.File) string {
	if ct := code(f.ContentType); ct != "" {
		return ct
	}
	return "application/octet-stream"
}
