package policy

import (
	"bytes"
	"slices"

	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
)

// set is the attribute n, which must be a set.
func (t translator) set(n ast.IsNode) (attribute, error) {
	a, err := t.attribute(n)
	if err == nil && a.kind != KindTextSet {
		err = refuse("use a set, such as resource.labels", "resource.%s is not a set", a.name)
	}
	return a, err
}

// contains is either set.contains(attribute) or attribute.contains(value).
func (t translator) contains(left, right ast.IsNode) (Predicate, error) {
	if v, ok := t.value(left); ok {
		a, err := t.attribute(right)
		if err != nil || v == nil {
			return undetermined{}, err
		}
		return t.oneOf(a, v)
	}
	a, err := t.set(left)
	if err != nil {
		return nil, err
	}
	v, ok := t.value(right)
	switch {
	case !ok:
		return nil, refuse("hold one side against something known", "both sides of `contains` depend on the resource")
	case v == nil:
		return undetermined{}, nil
	}
	if text, ok := textOf(a, v); ok {
		return SetContains{Attr: a.name, Value: text}, nil
	}
	return False{}, nil
}

// oneOf is the membership of an attribute's value in a known set.
func (t translator) oneOf(a attribute, v types.Value) (Predicate, error) {
	set, ok := v.(types.Set)
	if !ok {
		return nil, refuse("call contains on a set", "`contains` is called on a %T", v)
	}
	switch a.kind {
	case KindText, KindUUID:
		return oneOf(a.name, texts(a, set)), nil
	case KindTextSet:
		return nil, refuse("use containsAny or containsAll", "resource.%s is a set and is sought in a set", a.name)
	}
	var any []Predicate
	for _, member := range ordered(set) {
		p, err := t.compareValue(a, Equal, member)
		if err != nil {
			return nil, err
		}
		any = append(any, p)
	}
	return anyOf(any...), nil
}

// containsAny is symmetrical.
func (t translator) containsAny(left, right ast.IsNode) (Predicate, error) {
	if _, ok := t.value(left); ok {
		left, right = right, left
	}
	a, values, _, err := t.setAndValues(left, right)
	switch {
	case err != nil:
		return nil, err
	case values == nil:
		return undetermined{}, nil
	case len(values) == 0:
		return False{}, nil
	}
	return ContainsAny{Attr: a.name, Values: values}, nil
}

func (t translator) containsAll(left, right ast.IsNode) (Predicate, error) {
	_, subset := t.value(left)
	if subset {
		left, right = right, left
	}
	a, values, foreign, err := t.setAndValues(left, right)
	switch {
	case err != nil:
		return nil, err
	case values == nil:
		return undetermined{}, nil
	case subset && len(values) == 0:
		return IsEmpty{a.name}, nil
	case subset:
		return SubsetOf{Attr: a.name, Values: values}, nil
	case foreign:
		return False{}, nil
	case len(values) == 0:
		return True{}, nil
	}
	return ContainsAll{Attr: a.name, Values: values}, nil
}

// setAndValues are the two sides of a relation between the set attribute and a
// known set: the strings of the latter, sorted, and whether it holds anything
// else. Dry, values may be nil: known later.
func (t translator) setAndValues(left, right ast.IsNode) (a attribute, values []string, foreign bool, err error) {
	if a, err = t.set(left); err != nil {
		return a, nil, false, err
	}
	v, ok := t.value(right)
	switch {
	case !ok:
		return a, nil, false, refuse("hold one side against something known", "both sides depend on the resource")
	case v == nil:
		return a, nil, false, nil
	}
	set, ok := v.(types.Set)
	if !ok {
		return a, nil, false, refuse("use a set", "a set is compared with a %T", v)
	}
	values = append([]string{}, sorted(texts(a, set))...)
	return a, values, len(values) != set.Len(), nil
}

// ordered are the members of a set in a fixed order.
func ordered(set types.Set) []types.Value {
	out := set.Slice()
	slices.SortFunc(out, func(a, b types.Value) int { return bytes.Compare(a.MarshalCedar(), b.MarshalCedar()) })
	return out
}
