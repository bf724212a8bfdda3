package adopt

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/store"
)

// Into says where documents are to be filed.
type Into struct {
	Tenant clinical.TenantID
	// By is the principal who brings them in.
	By    clinical.ActorID
	Kinds []clinical.FileKind
	// Kind is that of documents whose codes name none; "" refuses them.
	Kind string
	// Patient is whose chart takes documents whose patient is not in the Bundle; "" refuses them.
	Patient clinical.PatientID
}

// Row is one row of a chart, as package store restores it.
type Row struct {
	Table string
	JSON  json.RawMessage
}

// Chart is what of a Bundle belongs to one patient.
type Chart struct {
	Patient clinical.PatientID
	Rows    []Row
	paths   map[clinical.FileID]string
}

// Open gives the bytes of a file of the chart.
func (c *Chart) Open(id clinical.FileID) (*os.File, error) { return os.Open(c.paths[id]) }

// Charts makes charts of the Bundle's documents, with the patients and visits
// that these belong to. What has no place in them is in Lost. The same Bundle
// makes the same charts: ids that are UUIDs are kept, of others the address is
// kept as an identifier or as evidence, and an id made of it.
func (b *Bundle) Charts(to Into) ([]*Chart, error) {
	m := &making{Bundle: b, to: to, charts: map[clinical.PatientID]*Chart{}, files: map[*entry]row{}, old: map[*entry]*entry{}}
	for _, e := range b.entries {
		if e.resource.ResourceType == "Patient" {
			if err := m.patient(e); err != nil {
				return nil, err
			}
		}
	}
	for _, e := range b.entries {
		if e.resource.ResourceType == "Encounter" {
			if err := m.encounter(e); err != nil {
				return nil, err
			}
		}
	}
	for _, e := range b.entries {
		if err := m.other(e); err != nil {
			return nil, err
		}
	}
	m.chain()
	return m.done()
}

type row map[string]any

// making are charts in the making.
type making struct {
	*Bundle
	to     Into
	order  []*Chart
	charts map[clinical.PatientID]*Chart
	rows   []struct {
		chart *Chart
		table string
		row   row
	}
	files map[*entry]row    // the first file of each document
	old   map[*entry]*entry // documents that replace another
}

func (m *making) add(c *Chart, table string, r row) {
	m.rows = append(m.rows, struct {
		chart *Chart
		table string
		row   row
	}{c, table, r})
}

func (m *making) chart(id clinical.PatientID) *Chart {
	c := m.charts[id]
	if c == nil {
		c = &Chart{Patient: id, paths: map[clinical.FileID]string{}}
		m.charts[id], m.order = c, append(m.order, c)
	}
	return c
}

// id is the id that a resource has here, and whether it is its own.
func (m *making) id(e *entry, part string) (id string, own bool) {
	for _, s := range []string{strings.TrimPrefix(e.url, "urn:uuid:"), e.resource.ID} {
		if _, ok := clinical.ParseID[string](s); ok && part == "" {
			return s, true
		}
	}
	sum := sha256.Sum256([]byte(string(m.to.Tenant) + "\n" + e.url + part))
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80 // version 8: of the maker's own (RFC 9562 section 5.8)
	h := hex.EncodeToString(sum[:16])
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-"), false
}

func (m *making) patient(e *entry) error {
	var p struct {
		Identifier []clinical.Identifier
		Name       []struct {
			Text, Family string
			Given        []string
		}
	}
	if err := json.Unmarshal(e.resource.raw, &p); err != nil {
		m.lose(e.path, "is malformed")
		return nil
	}
	id, own := m.id(e, "")
	name := ""
	if len(p.Name) > 0 {
		name = cmp.Or(p.Name[0].Text, strings.TrimSpace(strings.Join(append(p.Name[0].Given, p.Name[0].Family), " ")))
	}
	identifiers := slices.DeleteFunc(p.Identifier, func(i clinical.Identifier) bool { return i.System == "" || i.Value == "" })
	if len(identifiers) < len(p.Identifier) {
		m.lose(e.path+".identifier", "one without a system or a value is not kept")
	}
	if !own {
		identifiers = append(identifiers, clinical.Identifier{System: "urn:ietf:rfc:3986", Value: e.url})
	}
	if identifiers == nil {
		identifiers = []clinical.Identifier{}
	}
	m.unkept(e, "name", "identifier", "active")
	m.add(m.chart(clinical.PatientID(id)), "patient", row{
		"id": id, "display_name": name, "identifiers": identifiers, "care_groups": []string{}, "created_at": stamp(m.time(e)), "created_by": m.to.By,
	})
	return nil
}

// owner is the chart that a reference to a patient means.
func (m *making) owner(reference string) (*Chart, error) {
	if e := m.find(reference, "Patient"); e != nil {
		id, _ := m.id(e, "")
		return m.chart(clinical.PatientID(id)), nil
	}
	if m.to.Patient == "" {
		return nil, fmt.Errorf("its patient is not in the Bundle: name the chart with --patient")
	}
	return m.chart(m.to.Patient), nil
}

func (m *making) encounter(e *entry) error {
	var v struct {
		Status  string
		Subject reference
		Period  struct{ Start, End string }
	}
	err := json.Unmarshal(e.resource.raw, &v)
	if err == nil {
		var c *Chart
		if c, err = m.owner(v.Subject.Reference); err == nil {
			id, _ := m.id(e, "")
			m.unkept(e, "subject", "period")
			m.add(c, "encounter", row{
				"id": id, "patient_id": c.Patient, "status": cmp.Or(v.Status, "unknown"), "started_at": maybe(instant(v.Period.Start)),
				"ended_at": maybe(instant(v.Period.End)), "created_at": stamp(m.time(e)), "created_by": m.to.By,
			})
			return nil
		}
	}
	m.lose(e.path, err.Error())
	return nil
}

// other files documents, and names what is neither a document nor around one.
func (m *making) other(e *entry) error {
	d, err := m.document(e)
	switch {
	case err != nil:
		m.lose(e.path, "is malformed")
	case d != nil:
		return m.file(d)
	case !slices.Contains([]string{"Patient", "Encounter", "Binary"}, e.resource.ResourceType):
		m.lose(e.path, e.resource.ResourceType+" has no place here")
	case e.resource.ResourceType == "Binary":
		return m.binaryAlone(e)
	}
	return nil
}

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
		"crc64": int64(f.data.CRC64), "created_at": stamp(f.at), "updated_at": stamp(f.at),
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

// chain makes documents that replace others point at each other.
func (m *making) chain() {
	for newer, older := range m.old {
		n, o := m.files[newer], m.files[older]
		if o == nil || n["patient_id"] != o["patient_id"] {
			m.lose(newer.path+".relatesTo", "what it replaces was not taken")
			continue
		}
		n["supersedes"], o["superseded_by"], o["status"] = o["id"], n["id"], clinical.FileSuperseded
	}
}

// done puts the rows in the order in which they are restored.
func (m *making) done() ([]*Chart, error) {
	for _, table := range store.CarriedTables() {
		for _, r := range m.rows {
			if r.table != table {
				continue
			}
			text, err := json.Marshal(r.row)
			if err != nil {
				return nil, err
			}
			r.chart.Rows = append(r.chart.Rows, Row{table, text})
		}
	}
	return m.order, nil
}

// time is when a resource was last changed there.
func (m *making) time(e *entry) time.Time {
	if t := instant(e.resource.Meta.LastUpdated); t != nil {
		return *t
	}
	return m.at.UTC().Truncate(time.Microsecond)
}

func (r row) with(more row) row {
	out := row{}
	for _, part := range []row{r, more} {
		for k, v := range part {
			out[k] = v
		}
	}
	return out
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

// stamp is an instant as Postgres writes it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.999999+00:00") }

func maybe(t *time.Time) any {
	if t == nil {
		return nil
	}
	return stamp(*t)
}

func hexed(b []byte) string { return `\x` + hex.EncodeToString(b) }
