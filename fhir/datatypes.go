package fhir

import (
	"encoding/json"
	"math"
	"strings"
	"time"
	"unicode"
)

// Meta is a resource's metadata (http://hl7.org/fhir/R4/resource.html#Meta).
type Meta struct {
	VersionID   string     `json:"versionId,omitempty"`
	LastUpdated *time.Time `json:"lastUpdated,omitempty"`
	Profile     []string   `json:"profile,omitempty"`
	Security    []Coding   `json:"security,omitempty"`
	Tag         []Coding   `json:"tag,omitempty"`
}

// Coding is a code of a terminology system (http://hl7.org/fhir/R4/datatypes.html#Coding).
type Coding struct {
	System  string `json:"system,omitempty"`
	Code    string `json:"code,omitempty"`
	Display string `json:"display,omitempty"`
}

// CodeableConcept is a concept in codes and words (http://hl7.org/fhir/R4/datatypes.html#CodeableConcept).
type CodeableConcept struct {
	Coding []Coding `json:"coding,omitempty"`
	Text   string   `json:"text,omitempty"`
}

// Identifier is a business identifier (http://hl7.org/fhir/R4/datatypes.html#Identifier).
type Identifier struct {
	System string `json:"system,omitempty"`
	Value  string `json:"value,omitempty"`
}

// Reference points at another resource (http://hl7.org/fhir/R4/references.html).
// The literal part is relative to the FHIR base.
type Reference struct {
	Extension  []Extension `json:"extension,omitempty"`
	Reference  string      `json:"reference,omitempty"`
	Type       string      `json:"type,omitempty"`
	Identifier *Identifier `json:"identifier,omitempty"`
	Display    string      `json:"display,omitempty"`
}

// Period is a span of time (http://hl7.org/fhir/R4/datatypes.html#Period).
type Period struct {
	Start *time.Time `json:"start,omitempty"`
	End   *time.Time `json:"end,omitempty"`
}

// HumanName is a name as it is written (http://hl7.org/fhir/R4/datatypes.html#HumanName).
type HumanName struct {
	Text string `json:"text,omitempty"`
}

// Extension carries what R4 has no element for (http://hl7.org/fhir/R4/extensibility.html).
// Exactly one value is set.
type Extension struct {
	URL         string `json:"url"`
	ValueString string `json:"valueString,omitempty"`
	ValueCode   string `json:"valueCode,omitempty"`
	// ValueDecimal keeps its digits as they were written.
	ValueDecimal   json.Number `json:"valueDecimal,omitempty"`
	ValueReference *Reference  `json:"valueReference,omitempty"`
}

// Attachment is content, inline or by address (http://hl7.org/fhir/R4/datatypes.html#Attachment).
type Attachment struct {
	Extension   []Extension `json:"extension,omitempty"`
	ContentType string      `json:"contentType,omitempty"`
	Data        []byte      `json:"data,omitempty"` // base64 in JSON
	URL         string      `json:"url,omitempty"`
	// Size is the true number of bytes. Past 2^31-1 it is left out of the JSON,
	// where R4 has an unsignedInt; an extension says it there.
	Size     *int64     `json:"size,omitempty"`
	Hash     string     `json:"hash,omitempty"` // base64 of the SHA-1
	Title    string     `json:"title,omitempty"`
	Creation *time.Time `json:"creation,omitempty"`
}

// MarshalJSON leaves out a size which R4's unsignedInt cannot hold.
func (a Attachment) MarshalJSON() ([]byte, error) {
	type plain Attachment
	p := plain(a)
	if p.Size != nil && *p.Size > math.MaxInt32 {
		p.Size = nil
	}
	return encode(p)
}

// instant is t in UTC to the microsecond, nil for what FHIR cannot write: the
// zero time and years outside 1 to 9999 (http://hl7.org/fhir/R4/datatypes.html#instant).
func instant(t time.Time) *time.Time {
	u := t.UTC().Truncate(time.Microsecond)
	if u.IsZero() || u.Year() < 1 || u.Year() > 9999 {
		return nil
	}
	return &u
}

// instantOf is instant for a time which may be unknown.
func instantOf(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	return instant(*t)
}

// text is s as a FHIR string: valid UTF-8, no control character but tab, line
// feed and carriage return, "" when nothing visible is left
// (http://hl7.org/fhir/R4/datatypes.html#string).
func text(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\t' && r != '\n' && r != '\r' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if strings.IndexFunc(s, visible) < 0 {
		return ""
	}
	return s
}

// visible reports whether r by itself puts ink on a page.
func visible(r rune) bool { return !unicode.IsSpace(r) && !unicode.In(r, unicode.Cf, unicode.Z) }

// code is s as a FHIR code: no white space around it and single spaces inside
// (http://hl7.org/fhir/R4/datatypes.html#code).
func code(s string) string {
	const byteOrderMark = '\uFEFF' // white space to some readers
	return strings.Join(strings.FieldsFunc(text(s), func(r rune) bool { return unicode.IsSpace(r) || r == byteOrderMark }), " ")
}

// concept is a CodeableConcept of the codings that have a code; nil without any.
func concept(codings ...Coding) *CodeableConcept {
	var out CodeableConcept
	for _, c := range codings {
		if c.Code != "" {
			out.Coding = append(out.Coding, c)
		}
	}
	if out.Coding == nil {
		return nil
	}
	return &out
}

// concepts is a list of one concept; nil when there is none.
func concepts(c *CodeableConcept) []CodeableConcept {
	if c == nil {
		return nil
	}
	return []CodeableConcept{*c}
}
