package adopt

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/ledger"
)

type reference struct {
	Reference string `json:"reference"`
}

type concept struct {
	Coding []clinical.Coding `json:"coding"`
}

type attachment struct {
	ContentType string `json:"contentType"`
	Data        string `json:"data"` // the number that split gave it
	URL         string `json:"url"`
	Size        *int64 `json:"size"`
	Hash        string `json:"hash"`
	Title       string `json:"title"`
	Creation    string `json:"creation"`
}

// document is a DocumentReference, a Media or a Binary.
type document struct {
	*entry
	types       []concept
	subject     string
	encounter   string
	title, date string
	status      string
	kind        string // that it is of, if it says so by what it is; else ""
	attachments []attachment
	paths       []string // of the attachments
	replaces    string
	// confidentiality is the highest label: what was restricted stays so.
	confidentiality clinical.Confidentiality
}

// document reads what an entry says of a document; nil for any other resource.
func (b *Bundle) document(e *entry) (*document, error) {
	d := &document{entry: e}
	switch e.resource.ResourceType {
	case "DocumentReference":
		return d, b.documentReference(d)
	case "Media":
		return d, b.media(d)
	}
	return nil, nil
}

// rawKind is the kind of bytes that no document describes.
const rawKind = "raw"

// binary reads a Binary that no document of the Bundle names: bytes, and perhaps
// the patient whose rules hold for them.
func (b *Bundle) binary(d *document) error {
	var r struct {
		ContentType, Data string
		SecurityContext   reference
	}
	if err := json.Unmarshal(d.resource.raw, &r); err != nil {
		return err
	}
	d.kind, d.attachments, d.paths = rawKind, []attachment{{ContentType: r.ContentType, Data: r.Data}}, []string{d.path}
	d.subject = r.SecurityContext.Reference
	b.unkept(d.entry, "contentType", "data", "securityContext")
	return nil
}

func (b *Bundle) documentReference(d *document) error {
	var r struct {
		Status, Date, Description string
		Type                      concept
		Category                  []concept
		Subject                   reference
		Content                   []struct{ Attachment attachment }
		Context                   struct{ Encounter, Related []reference }
		RelatesTo                 []struct {
			Code   string
			Target reference
		}
	}
	if err := json.Unmarshal(d.resource.raw, &r); err != nil {
		return err
	}
	d.types, d.subject, d.title, d.date, d.status = append([]concept{r.Type}, r.Category...), r.Subject.Reference, r.Description, r.Date, r.Status
	for i, c := range r.Content {
		d.attachments = append(d.attachments, c.Attachment)
		d.paths = append(d.paths, fmt.Sprintf("%s.content[%d].attachment", d.path, i))
	}
	for i, e := range r.Context.Encounter {
		if i > 0 {
			b.lose(fmt.Sprintf("%s.context.encounter[%d]", d.path, i), "a document is of one visit here")
			continue
		}
		d.encounter = e.Reference
	}
	for i := range r.Context.Related {
		b.lose(fmt.Sprintf("%s.context.related[%d]", d.path, i), "is not kept")
	}
	for i, t := range r.RelatesTo {
		if t.Code != "replaces" || d.replaces != "" || b.find(t.Target.Reference, "DocumentReference") == nil {
			b.lose(fmt.Sprintf("%s.relatesTo[%d]", d.path, i), "only a replacement of another document of the Bundle is kept")
			continue
		}
		d.replaces = t.Target.Reference
	}
	b.unkept(d.entry, "type", "category", "subject", "date", "description", "content", "context", "relatesTo", "securityLabel")
	b.labels(d)
	return nil
}

func (b *Bundle) media(d *document) error {
	var r struct {
		Status, Issued, CreatedDateTime string
		Type, Modality                  concept
		Subject, Encounter              reference
		Content                         attachment
	}
	if err := json.Unmarshal(d.resource.raw, &r); err != nil {
		return err
	}
	d.types, d.subject, d.encounter, d.date, d.status = []concept{r.Type, r.Modality}, r.Subject.Reference, r.Encounter.Reference, r.Issued, r.Status
	if r.Content.Creation == "" {
		r.Content.Creation = r.CreatedDateTime
	}
	d.attachments, d.paths = []attachment{r.Content}, []string{d.path + ".content"}
	b.unkept(d.entry, "type", "modality", "subject", "encounter", "issued", "createdDateTime", "content")
	b.labels(d)
	return nil
}

// labels reads how confidential a document is; other labels are named.
func (b *Bundle) labels(d *document) {
	var r struct {
		SecurityLabel []concept
		Meta          struct{ Security []clinical.Coding }
	}
	if err := json.Unmarshal(d.resource.raw, &r); err != nil {
		b.lose(d.path+".securityLabel", "is malformed")
	}
	all := r.Meta.Security
	for _, l := range r.SecurityLabel {
		all = append(all, l.Coding...)
	}
	levels := map[string]clinical.Confidentiality{"U": 0, "L": 0, "M": 0, "N": 0, "R": clinical.Restricted, "V": clinical.VeryRestricted}
	for _, c := range all {
		level, ok := levels[c.Code]
		if !ok || !strings.HasSuffix(c.System, "v3-Confidentiality") {
			b.lose(d.path+".securityLabel", "the label "+c.Code+" is not kept")
			continue
		}
		d.confidentiality = max(d.confidentiality, level)
	}
}

// bytesOf finds the bytes of an attachment: inline, or in a Binary of the Bundle.
func (b *Bundle) bytesOf(a *attachment) (*Data, error) {
	number := a.Data
	if number == "" && a.URL != "" {
		e := b.find(a.URL, "Binary")
		if e == nil {
			return nil, fmt.Errorf("its bytes are elsewhere, at a URL that leads out of the Bundle")
		}
		var binary struct{ ContentType, Data string }
		if err := json.Unmarshal(e.resource.raw, &binary); err != nil {
			return nil, fmt.Errorf("its Binary is none")
		}
		number = binary.Data
		if a.ContentType == "" {
			a.ContentType = binary.ContentType
		}
	}
	n, err := strconv.Atoi(number)
	if err != nil || n < 0 || n >= len(b.data) {
		return nil, fmt.Errorf("has no bytes in the Bundle")
	}
	d := &b.data[n]
	switch hash, err := base64.StdEncoding.DecodeString(a.Hash); {
	case d.Err != nil:
		return nil, fmt.Errorf("its data is not base64")
	case a.Size != nil && *a.Size != d.Size:
		return nil, fmt.Errorf("has %d bytes and says %d", d.Size, *a.Size)
	case a.Hash != "" && (err != nil || !bytes.Equal(hash, d.SHA1)):
		return nil, fmt.Errorf("its bytes do not have the hash that it says")
	}
	return d, nil
}

// kindOf is the kind of file that a document is: by our own code, by its codings, or the default.
func kindOf(d *document, contentType string, kinds []clinical.FileKind, otherwise string) (clinical.FileKind, error) {
	named := func(c clinical.Coding) func(clinical.FileKind) bool {
		return func(k clinical.FileKind) bool {
			same := func(o *clinical.Coding) bool { return o != nil && o.System == c.System && o.Code == c.Code }
			return strings.HasSuffix(c.System, "/CodeSystem/file-kind") && k.Code == c.Code || same(k.Type) || same(k.Modality)
		}
	}
	for _, t := range d.types {
		for _, c := range t.Coding {
			candidates := slices.DeleteFunc(slices.Clone(kinds), func(k clinical.FileKind) bool { return !named(c)(k) || !k.Takes(contentType) })
			if len(candidates) > 0 {
				return candidates[0], nil
			}
		}
	}
	i := slices.IndexFunc(kinds, func(k clinical.FileKind) bool { return k.Code == otherwise })
	switch {
	case otherwise == "":
		return clinical.FileKind{}, fmt.Errorf("its codes name no kind of file here that takes %q: name one with --kind", contentType)
	case i < 0 || !kinds[i].Takes(contentType):
		return clinical.FileKind{}, fmt.Errorf("the kind %s does not take %q", otherwise, contentType)
	}
	return kinds[i], nil
}

// fits holds the bytes against the rules of the kind, as of an upload.
func fits(d *Data, contentType string, k clinical.FileKind) (sniffed string, err error) {
	switch {
	case d.Size > k.MaxSize:
		return "", fmt.Errorf("larger than a file of the kind %s may be", k.Code)
	case d.Size == 0 && !k.AllowEmpty:
		return "", fmt.Errorf("an empty file says nothing")
	}
	f, err := os.Open(d.Path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, ledger.SniffLen))
	if err != nil {
		return "", err
	}
	if sniffed, err = ledger.JudgeType(contentType, k.Mismatch, head); err != nil {
		return "", fmt.Errorf("the bytes are not of the content type %q", contentType)
	}
	return sniffed, nil
}

// instant is a FHIR dateTime that is a whole one.
func instant(s string) *time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return nil
	}
	t = t.UTC().Truncate(time.Microsecond)
	return &t
}
