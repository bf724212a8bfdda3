package policy

import "slices"

// Predicate is a condition on one resource: what is left of the policies once
// everything but the resource is known. The tree is closed; package store
// turns it into WHERE by a map from attribute names (Attributes) to columns,
// and Eval answers it in memory.
//
// Its logic has three values, as SQL's has: a condition on an attribute that is
// absent (an optional one, NULL) is neither true nor false but unknown. And, Or
// and Not are Kleene's; a resource matches when the whole is true.
type Predicate interface{ isPredicate() }

// True matches everything, False nothing.
type (
	True  struct{}
	False struct{}
)

// And is true when every member is, Or when one is. Neither is ever empty.
type (
	And []Predicate
	Or  []Predicate
)

// Not is true when Of is false, false when Of is true, and unknown otherwise.
type Not struct{ Of Predicate }

// IsFalse is true when Of is false, and false otherwise, unknown included
// (SQL's IS FALSE): a forbid that cannot be shown not to apply, applies.
type IsFalse struct{ Of Predicate }

// If is Then where Cond is true and Else where it is false or unknown (SQL's
// CASE WHEN).
type If struct{ Cond, Then, Else Predicate }

// Op is a comparison.
type Op string

// The comparisons. The last four are for integers and instants only.
const (
	Equal          Op = "=="
	NotEqual       Op = "!="
	Less           Op = "<"
	LessOrEqual    Op = "<="
	Greater        Op = ">"
	GreaterOrEqual Op = ">="
)

// Compare holds an attribute against a value: a string for attributes of kind
// uuid and text (Equal and NotEqual only; for uuid always a well-formed one),
// an int64, a bool (Equal and NotEqual only) or a time.Time.
//
// Cedar counts in whole milliseconds. Values here are already such that a
// column of finer grain compares right as it is.
type Compare struct {
	Attr  string
	Op    Op
	Value any
}

// CompareAttrs holds two attributes of the same kind against each other.
type CompareAttrs struct {
	Left  string
	Op    Op
	Right string
}

// OneOf is true when the attribute, of kind uuid or text, is one of Values:
// sorted, without repetition, never empty.
type OneOf struct {
	Attr   string
	Values []string
}

// Has is true when the optional attribute is present, and false when it is
// not; it is never unknown.
type Has struct{ Attr string }

// SetContains is true when the set, of kind textset, holds Value.
type SetContains struct{ Attr, Value string }

// ContainsAny is true when the set holds at least one of Values, ContainsAll
// when it holds every one, SubsetOf when it holds nothing else. Values are
// sorted, without repetition, never empty.
type (
	ContainsAny struct {
		Attr   string
		Values []string
	}
	ContainsAll struct {
		Attr   string
		Values []string
	}
	SubsetOf struct {
		Attr   string
		Values []string
	}
)

// IsEmpty is true when the set holds nothing.
type IsEmpty struct{ Attr string }

// InGroup is true when the patient that the attribute names ("patient", or "id"
// of a Patient) is in one of the care groups: sorted, without repetition, never
// empty.
type InGroup struct {
	Attr   string
	Groups []string
}

func (True) isPredicate()         {}
func (False) isPredicate()        {}
func (And) isPredicate()          {}
func (Or) isPredicate()           {}
func (Not) isPredicate()          {}
func (IsFalse) isPredicate()      {}
func (If) isPredicate()           {}
func (Compare) isPredicate()      {}
func (CompareAttrs) isPredicate() {}
func (OneOf) isPredicate()        {}
func (Has) isPredicate()          {}
func (SetContains) isPredicate()  {}
func (ContainsAny) isPredicate()  {}
func (ContainsAll) isPredicate()  {}
func (SubsetOf) isPredicate()     {}
func (IsEmpty) isPredicate()      {}
func (InGroup) isPredicate()      {}

// allOf is the And of ps, without what is always true.
func allOf(ps ...Predicate) Predicate {
	var out And
	for _, p := range ps {
		switch p := p.(type) {
		case True:
		case False:
			return False{}
		case And:
			out = append(out, p...)
		default:
			out = append(out, p)
		}
	}
	switch len(out) {
	case 0:
		return True{}
	case 1:
		return out[0]
	}
	return out
}

// anyOf is the Or of ps, without what is never true.
func anyOf(ps ...Predicate) Predicate {
	var out Or
	for _, p := range ps {
		switch p := p.(type) {
		case False:
		case True:
			return True{}
		case Or:
			out = append(out, p...)
		default:
			out = append(out, p)
		}
	}
	switch len(out) {
	case 0:
		return False{}
	case 1:
		return out[0]
	}
	return out
}

// negate is the Not of p.
func negate(p Predicate) Predicate {
	switch p := p.(type) {
	case True:
		return False{}
	case False:
		return True{}
	case Not:
		return p.Of
	}
	return Not{p}
}

// refuted is the IsFalse of p. As a member of the outermost And, "not p is
// false" and "p" let the same resources through; the shorter one lets the
// database use its index.
func refuted(p Predicate) Predicate {
	switch p := p.(type) {
	case True:
		return False{}
	case False:
		return True{}
	case Not:
		return p.Of
	}
	return IsFalse{p}
}

func always(p Predicate) bool { _, ok := p.(True); return ok }
func never(p Predicate) bool  { _, ok := p.(False); return ok }

// constant is True or False.
func constant(b bool) Predicate {
	if b {
		return True{}
	}
	return False{}
}

// oneOf is the OneOf of values in any order, False for none.
func oneOf(attr string, values []string) Predicate {
	if len(values) == 0 {
		return False{}
	}
	return OneOf{Attr: attr, Values: sorted(values)}
}

// sorted is a sorted copy without repetition.
func sorted(values []string) []string {
	out := slices.Clone(values)
	slices.Sort(out)
	return slices.Compact(out)
}
