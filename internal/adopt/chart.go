package adopt

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

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
