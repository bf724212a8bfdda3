package adopt

import (
	"cmp"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/store"
)

// binaryAlone files a Binary that no document names as what it is, in the chart
// that its security context names, or that was named for such. The rules of
// another server are not taken over: those of the chart hold.
func (m *making) binaryAlone(e *entry) error {
	d := &document{entry: e}
	used := m.used(e)
	switch err := m.binary(d); {
	case err != nil:
		m.lose(e.path, "is malformed")
		return nil
	case d.subject != "" && (used || m.find(d.subject, "Patient") == nil):
		m.lose(e.path+".securityContext", "the rules of the chart hold here")
	}
	if used {
		return nil
	}
	if _, err := m.owner(d.subject); err != nil {
		m.lose(e.path, "no document of the Bundle has these bytes, and no patient is named: name the chart with --patient")
		return nil
	}
	return m.file(d)
}

// used reports whether a document has its bytes in the Binary.
func (m *making) used(binary *entry) bool {
	return slices.ContainsFunc(m.entries, func(e *entry) bool {
		if e.resource.ResourceType != "DocumentReference" && e.resource.ResourceType != "Media" {
			return false
		}
		var urls struct{ Content json.RawMessage }
		var one attachment
		var many []struct{ Attachment attachment }
		_ = json.Unmarshal(e.resource.raw, &urls)
		_ = json.Unmarshal(urls.Content, &one)
		_ = json.Unmarshal(urls.Content, &many)
		for _, c := range append(many, struct{ Attachment attachment }{one}) {
			if c.Attachment.URL != "" && m.find(c.Attachment.URL, "Binary") == binary {
				return true
			}
		}
		return false
	})
}

func (m *making) file(d *document) error {
	c, err := m.owner(d.subject)
	if err != nil {
		m.lose(d.path+".subject", err.Error())
		return nil
	}
	var visit any
	if e := m.find(d.encounter, "Encounter"); e != nil {
		visit, _ = m.id(e, "")
	} else if d.encounter != "" {
		m.lose(d.path+".encounter", "the visit is not in the Bundle")
	}
	if len(d.attachments) == 0 {
		m.lose(d.path, "has no attachment")
	}
	for i := range d.attachments {
		if err := m.attach(c, d, i, visit); err != nil {
			m.lose(d.paths[i], err.Error())
		}
	}
	return nil
}

// attach files one attachment, if it is one that can be.
func (m *making) attach(c *Chart, d *document, i int, visit any) error {
	a := d.attachments[i]
	data, err := m.bytesOf(&a)
	if err != nil {
		return err
	}
	a.ContentType = clinical.MediaType(a.ContentType)
	k, err := kindOf(d, a.ContentType, m.to.Kinds, cmp.Or(d.kind, m.to.Kind))
	if err != nil {
		return err
	}
	sniffed, err := fits(data, a.ContentType, k)
	if err != nil {
		return err
	}
	f := &filed{Chart: c, document: d, i: i, data: data, kind: k, contentType: a.ContentType, sniffed: sniffed, visit: visit, at: m.time(d.entry)}
	if i > 0 {
		f.part = fmt.Sprintf("#%d", i)
	}
	if t := instant(d.date); t != nil {
		f.at = *t
	}
	f.captured, f.title = instant(a.Creation), cmp.Or(a.Title, d.title)
	if len(f.title) > 200 {
		f.title = strings.ToValidUTF8(f.title[:200], "")
		m.lose(d.paths[i]+".title", "is cut to 200 bytes")
	}
	m.keep(f)
	return nil
}

// filed is an attachment that becomes a file.
type filed struct {
	*Chart
	*document
	i                    int
	part                 string // tells it from others of its document
	data                 *Data
	kind                 clinical.FileKind
	contentType, sniffed string
	title                string
	visit                any
	at                   time.Time
	captured             *time.Time
}

// keep writes the rows of a file.
func (m *making) keep(f *filed) {
	id, _ := m.id(f.entry, f.part)
	upload, _ := m.id(f.entry, f.part+"#upload")
	both := f.both(m.to.Tenant, id)
	m.add(f.Chart, "upload", both.with(row{
		"id": upload, "file_id": id, "owner_id": m.to.By, "sniffed": f.sniffed, "note_id": nil, "length": f.data.Size, "max_size": f.kind.MaxSize,
		"at_offset": f.data.Size, "parts_end": 0, "state": "completed", "announced_sha": nil, "scan_rule": f.kind.Scan,
		"mismatch_rule": f.kind.Mismatch, "allow_empty": f.kind.AllowEmpty, "ttl": "168:00:00", "expires_at": stamp(f.at),
	}))
	file := both.with(row{
		"id": id, "upload_id": upload, "status": statusOf(f.status), "scan_status": scanOf(f.kind), "scan_required": f.kind.Scan == clinical.ScanRequired,
		"legal_hold": false, "confidentiality": f.confidentiality, "labels": []string{}, "department": nil, "size": f.data.Size, "version": 1,
		"duration": 0, "width": 0, "height": 0, "uploaded_by": m.to.By, "supersedes": nil, "superseded_by": nil, "purged_at": nil,
	})
	m.add(f.Chart, "file", file)
	f.Chart.paths[clinical.FileID(id)] = f.data.Path
	if f.i == 0 {
		m.files[f.entry] = file
		if f.replaces != "" {
			m.old[f.entry] = m.find(f.replaces, "DocumentReference")
		}
	}
	m.prove(f, id)
}

// both are the columns that an upload and its file have in common.
func (f *filed) both(tenant clinical.TenantID, id string) row {
	return row{
		"patient_id": f.Patient, "encounter_id": f.visit, "kind": f.kind.Code, "category": f.kind.Category,
		"resource_type": f.kind.ResourceFor(f.kind.Category), "title": f.title, "content_type": f.contentType,
		"captured_at": maybe(f.captured), "body_site": nil, "sha256": hexed(f.data.SHA256), "sha1": hexed(f.data.SHA1),
		"created_at": stamp(f.at), "updated_at": stamp(f.at),
		"object_key": strings.TrimPrefix(clinical.ObjectKey(tenant, clinical.FileID(id), f.at), string(tenant)+"/"),
	}
}

// prove keeps the address that the document had.
func (m *making) prove(f *filed, id string) {
	proof, _ := m.id(f.entry, f.part+"#arrival")
	m.add(f.Chart, store.Arrivals, row{
		"id": proof, "patient_id": f.Patient, "recorded_at": stamp(f.at), "activity": clinical.ActivityImport, "sources": []clinical.Ref{},
		"targets": []clinical.Ref{{
			Type: string(f.kind.ResourceFor(f.kind.Category)), ID: id, Version: 1, SHA256: hex.EncodeToString(f.data.SHA256),
		}},
		"agents":    []clinical.ProvenanceAgent{{Type: "enterer", Actor: m.to.By, ActorKind: clinical.System}},
		"signature": "", "reason": "was " + f.url + ", " + path.Base(f.document.paths[f.i]),
	})
}

func statusOf(s string) clinical.FileStatus {
	switch s {
	case "superseded":
		return clinical.FileSuperseded
	case "entered-in-error":
		return clinical.FileEnteredInError
	}
	return clinical.FileCurrent
}

func scanOf(k clinical.FileKind) clinical.ScanStatus {
	if k.Scan == clinical.ScanNone {
		return clinical.ScanSkipped
	}
	return clinical.ScanPending
}
