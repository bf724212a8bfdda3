package fhirapi

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/fhir"
	"github.com/bonfiredb/bonfire/records"
)

// parameters are those of a request that have not been understood yet, and
// those that were, as the self link repeats them.
type parameters struct {
	open url.Values
	used url.Values
}

func parse(query string) (parameters, error) {
	open, err := url.ParseQuery(query)
	if err != nil {
		return parameters{}, clinical.Fail(clinical.Invalid, "the query string is malformed", nil)
	}
	return parameters{open: open, used: url.Values{}}, nil
}

// take removes a parameter about the answer's form; the last value counts.
func (p parameters) take(name string) (string, bool) {
	values, ok := p.open[name]
	delete(p.open, name)
	if len(values) == 0 {
		return "", false
	}
	return values[len(values)-1], ok
}

// all takes every value of a search parameter: they are ANDed.
func (p parameters) all(name string) []string {
	values := p.open[name]
	delete(p.open, name)
	if len(values) > 0 {
		p.used[name] = values
	}
	return values
}

// one takes a parameter that makes sense once.
func (p parameters) one(name string) (string, error) {
	values := p.all(name)
	if len(values) > 1 {
		return "", clinical.Bad(name, "is given more than once")
	}
	if len(values) == 0 {
		return "", nil
	}
	if values[0] == "" {
		return "", clinical.Bad(name, "has no value")
	}
	return values[0], nil
}

// rest refuses what was not understood, or leaves it out where the client says
// that it may be (http://hl7.org/fhir/R4/search.html#errors).
func (r *request) rest() error {
	for _, prefer := range r.Header.Values("Prefer") {
		for _, p := range strings.Split(prefer, ",") {
			if strings.EqualFold(strings.ReplaceAll(p, " ", ""), "handling=lenient") {
				return nil
			}
		}
	}
	for name := range r.asked.open {
		return clinical.Bad(known(name), "is not known here; Prefer: handling=lenient leaves out what is not")
	}
	return nil
}

// known keeps free text out of an error: a parameter is named only when it has
// the form of one.
func known(name string) string {
	if len(name) > 64 || strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune("-_:.", r)
	}) {
		return "parameter"
	}
	return name
}

// reference takes a reference to one of the types, absolute at our own base,
// relative, or a bare id; and the id alone. "" when it is not given. One that
// points elsewhere names nothing here.
func (f *facade) reference(r *request, name string, types ...string) (string, bool, error) {
	value, err := r.asked.one(name)
	if err != nil || value == "" {
		return "", false, err
	}
	value = strings.TrimPrefix(value, strings.TrimRight(f.FHIR.Base, "/")+"/")
	if resourceType, id, ok := strings.Cut(value, "/"); ok {
		if !slices.Contains(types, resourceType) {
			return elsewhere, true, nil
		}
		value = id
	}
	if _, ok := clinical.ParseID[string](value); !ok {
		return elsewhere, true, nil
	}
	return value, true, nil
}

// elsewhere is the id of nothing.
const elsewhere = "00000000-0000-0000-0000-000000000000"

// ids takes _id: a list of ids, of which any may match.
func (p parameters) ids() ([]string, error) {
	value, err := p.one("_id")
	if err != nil || value == "" {
		return nil, err
	}
	out := strings.Split(value, ",")
	if len(out) > maxCount {
		return nil, clinical.Bad("_id", "has too many values")
	}
	for i, id := range out {
		if _, ok := clinical.ParseID[string](id); !ok {
			out[i] = elsewhere
		}
	}
	return out, nil
}

// tokens takes a parameter of type token: a list, of which any may match.
func (p parameters) tokens(name string) ([]fhir.Token, error) {
	value, err := p.one(name)
	if err != nil || value == "" {
		return nil, err
	}
	var out []fhir.Token
	for _, one := range strings.Split(value, ",") {
		system, code, both := strings.Cut(one, "|")
		t := fhir.Token{System: system, Code: code}
		if !both {
			t = fhir.Token{Code: system, AnySystem: true}
		}
		if t.Code == "" && t.System == "" {
			return nil, clinical.Bad(name, "has an empty value")
		}
		out = append(out, t)
	}
	return out, nil
}

// within takes a parameter of type date: every value narrows the span
// (http://hl7.org/fhir/R4/search.html#date).
func (p parameters) within(name string) (records.Within, error) {
	var out records.Within
	for _, value := range p.all(name) {
		prefix, from, before, ok := span(value)
		if !ok {
			return out, clinical.Bad(name, "is not a date with one of the prefixes eq, ge, gt, le, lt, sa, eb")
		}
		switch prefix {
		case "", "eq":
			out.After(from)
			out.Until(before)
		case "ge":
			out.After(from)
		case "gt", "sa":
			out.After(before)
		case "le":
			out.Until(before)
		case "lt", "eb":
			out.Until(from)
		}
	}
	return out, nil
}

// layouts are the precisions of a date and how to step to the end of each.
var layouts = []struct {
	layout string
	end    func(time.Time) time.Time
}{
	{"2006", func(t time.Time) time.Time { return t.AddDate(1, 0, 0) }},
	{"2006-01", func(t time.Time) time.Time { return t.AddDate(0, 1, 0) }},
	{"2006-01-02", func(t time.Time) time.Time { return t.AddDate(0, 0, 1) }},
	{"2006-01-02T15:04", func(t time.Time) time.Time { return t.Add(time.Minute) }},
	{"2006-01-02T15:04Z07:00", func(t time.Time) time.Time { return t.Add(time.Minute) }},
	{"2006-01-02T15:04:05", func(t time.Time) time.Time { return t.Add(time.Second) }},
	{"2006-01-02T15:04:05Z07:00", func(t time.Time) time.Time { return t.Add(time.Second) }},
}

// span is what a date stands for, its end not included; UTC where it has no zone.
func span(value string) (prefix string, from, before time.Time, ok bool) {
	if len(value) > 2 && value[0] >= 'a' && value[0] <= 'z' {
		prefix, value = value[:2], value[2:]
	}
	if !slices.Contains([]string{"", "eq", "ge", "gt", "le", "lt", "sa", "eb"}, prefix) {
		return "", from, before, false
	}
	value = strings.ReplaceAll(value, " ", "+") // a zone whose "+" was not escaped
	for _, l := range layouts {
		t, err := time.Parse(l.layout, value)
		if err != nil {
			continue
		}
		if t.Nanosecond() != 0 { // a fraction means that very microsecond
			return prefix, t, t.Add(time.Microsecond), true
		}
		return prefix, t, l.end(t), true
	}
	return "", from, before, false
}
