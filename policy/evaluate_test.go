package policy

import (
	"testing"

	"github.com/bonfiredb/bonfire/clinical"
)

func TestEvalHasThreeValues(t *testing.T) {
	r := fileOf(anna) // no department
	absent := Compare{Attr: "department", Op: Equal, Value: "derm"}
	for name, c := range map[string]struct {
		p    Predicate
		want truth
	}{
		"absent":                   {absent, unknown},
		"not absent":               {Not{absent}, unknown},
		"absent and false":         {And{absent, False{}}, no},
		"absent and true":          {And{absent, True{}}, unknown},
		"absent or true":           {Or{absent, True{}}, yes},
		"absent or false":          {Or{absent, False{}}, unknown},
		"absent is false":          {IsFalse{absent}, no},
		"false is false":           {IsFalse{False{}}, yes},
		"true is false":            {IsFalse{True{}}, no},
		"if absent":                {If{Cond: absent, Then: True{}, Else: False{}}, no},
		"has":                      {Has{"department"}, no},
		"one of":                   {OneOf{"department", []string{"derm"}}, unknown},
		"absent against attribute": {CompareAttrs{Left: "kind", Op: Equal, Right: "department"}, unknown},
		"attribute against absent": {CompareAttrs{Left: "department", Op: Equal, Right: "kind"}, unknown},
	} {
		if got, err := evaluate(c.p, r); got != c.want || err != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		if in, err := Eval(c.p, r); in != (c.want == yes) || err != nil {
			t.Errorf("%s: Eval says %v, %v", name, in, err)
		}
	}
}

func TestEvalRefusesWhatDoesNotSuit(t *testing.T) {
	for name, p := range map[string]Predicate{
		"unknown attribute":    Compare{Attr: "colour", Op: Equal, Value: "red"},
		"not of lists":         Compare{Attr: "scanRequired", Op: Equal, Value: true},
		"another type's":       Has{"ownerKind"},
		"wrong value":          Compare{Attr: "kind", Op: Equal, Value: int64(3)},
		"wrong order":          Compare{Attr: "kind", Op: Less, Value: "x"},
		"ordered truth":        Compare{Attr: "legalHold", Op: Less, Value: true},
		"no comparison":        Compare{Attr: "confidentiality", Op: "~", Value: int64(1)},
		"set of a text":        IsEmpty{"kind"},
		"text of a set":        OneOf{"labels", []string{"x"}},
		"group of a text":      InGroup{"kind", []string{"x"}},
		"unlike attributes":    CompareAttrs{Left: "kind", Op: Equal, Right: "confidentiality"},
		"hidden in an or":      Or{True{}, Has{"colour"}},
		"nothing":              nil,
		"of the translator's":  undetermined{},
		"unknown on the right": CompareAttrs{Left: "kind", Op: Equal, Right: "colour"},
	} {
		if in, err := Eval(p, fileOf(anna)); in || !clinical.Is(err, clinical.Internal) {
			t.Errorf("%s: %v, %v", name, in, err)
		}
	}
}
