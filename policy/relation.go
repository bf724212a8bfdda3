package policy

import (
	"time"

	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"

	"github.com/bonfiredb/bonfire/clinical"
)

// relation translates what holds an attribute of the resource against a value
// or another attribute.
func (t translator) relation(n ast.IsNode) (Predicate, error) {
	switch n := n.(type) {
	case ast.NodeTypeEquals:
		return t.compare(Equal, n.Left, n.Right)
	case ast.NodeTypeNotEquals:
		return t.compare(NotEqual, n.Left, n.Right)
	case ast.NodeTypeLessThan:
		return t.compare(Less, n.Left, n.Right)
	case ast.NodeTypeLessThanOrEqual:
		return t.compare(LessOrEqual, n.Left, n.Right)
	case ast.NodeTypeGreaterThan:
		return t.compare(Greater, n.Left, n.Right)
	case ast.NodeTypeGreaterThanOrEqual:
		return t.compare(GreaterOrEqual, n.Left, n.Right)
	case ast.NodeTypeHas:
		return t.has(n)
	case ast.NodeTypeIs:
		return t.is(n.Left, n.EntityType)
	case ast.NodeTypeIsIn:
		is, err := t.is(n.Left, n.EntityType)
		if err != nil || never(is) {
			return is, err
		}
		return t.in(n.Left, n.Entity)
	case ast.NodeTypeIn:
		return t.in(n.Left, n.Right)
	case ast.NodeTypeContains:
		return t.contains(n.Left, n.Right)
	case ast.NodeTypeContainsAny:
		return t.containsAny(n.Left, n.Right)
	case ast.NodeTypeContainsAll:
		return t.containsAll(n.Left, n.Right)
	case ast.NodeTypeIsEmpty:
		a, err := t.set(n.Arg)
		return IsEmpty{a.name}, err
	}
	what, mend := describe(n)
	return nil, refuse(mend, "%s cannot be asked of a list", what)
}

// value is n where it does not depend on the resource. Dry, it may be known
// only later: then v is nil.
func (t translator) value(n ast.IsNode) (v types.Value, ok bool) {
	if n, isValue := n.(ast.NodeValue); isValue {
		return n.Value, true
	}
	return nil, t.dry && !mentionsResource(n)
}

// mirrored is the comparison with its sides changed.
var mirrored = map[Op]Op{
	Equal: Equal, NotEqual: NotEqual, Less: Greater, LessOrEqual: GreaterOrEqual,
	Greater: Less, GreaterOrEqual: LessOrEqual,
}

func (t translator) compare(op Op, left, right ast.IsNode) (Predicate, error) {
	if _, ok := t.value(left); ok {
		left, right, op = right, left, mirrored[op]
	}
	a, err := t.attribute(left)
	if err != nil {
		return nil, err
	}
	if a.kind == KindTextSet {
		return nil, refuse("hold the sets against each other with containsAll, both ways", "resource.%s is a set and is compared as a whole", a.name)
	}
	if v, ok := t.value(right); ok {
		return t.compareValue(a, op, v)
	}
	b, err := t.attribute(right)
	if err != nil {
		return nil, err
	}
	if a.kind != b.kind || a.entity != b.entity {
		return nil, refuse("compare attributes of one type", "resource.%s and resource.%s are of different types", a.name, b.name)
	}
	return CompareAttrs{Left: a.name, Op: op, Right: b.name}, nil
}

// compareValue holds the attribute against a value. In Cedar, values of
// different types are never equal and never an error to compare for equality.
func (t translator) compareValue(a attribute, op Op, v types.Value) (Predicate, error) {
	if v == nil {
		return undetermined{}, nil
	}
	switch v := v.(type) {
	case types.Long:
		if a.kind == KindInt {
			return Compare{Attr: a.name, Op: op, Value: int64(v)}, nil
		}
	case types.Boolean:
		if a.kind == KindBool {
			return Compare{Attr: a.name, Op: op, Value: bool(v)}, nil
		}
	case types.Datetime:
		if a.kind == KindTime {
			return compareInstant(a.name, op, v), nil
		}
	}
	if text, ok := textOf(a, v); ok {
		return Compare{Attr: a.name, Op: op, Value: text}, nil
	}
	if op != Equal && op != NotEqual {
		return nil, refuse("compare values of one type", "resource.%s is ordered against a value of another type", a.name)
	}
	return constant(op == NotEqual), nil
}

// compareInstant says of an instant of any precision what Cedar says of its
// whole milliseconds, by which it floors before it compares.
func compareInstant(attr string, op Op, v types.Datetime) Predicate {
	at := time.UnixMilli(v.Milliseconds()).UTC()
	from := Compare{Attr: attr, Op: GreaterOrEqual, Value: at}
	after := Compare{Attr: attr, Op: GreaterOrEqual, Value: at.Add(time.Millisecond)}
	before := Compare{Attr: attr, Op: Less, Value: at}
	upTo := Compare{Attr: attr, Op: Less, Value: at.Add(time.Millisecond)}
	switch op {
	case Less:
		return before
	case LessOrEqual:
		return upTo
	case Greater:
		return after
	case GreaterOrEqual:
		return from
	case NotEqual:
		return anyOf(before, after)
	}
	return allOf(from, upTo)
}

// textOf is v as the attribute's column holds it; false when v is of another
// type, or no identifier where the attribute is one, so that the two can never
// be equal.
func textOf(a attribute, v types.Value) (string, bool) {
	switch v := v.(type) {
	case types.String:
		return string(v), a.kind == KindText && a.entity == "" || a.kind == KindTextSet
	case types.EntityUID:
		if a.entity != v.Type || a.entity == "" {
			return "", false
		}
		if a.kind == KindUUID {
			_, ok := clinical.ParseID[string](string(v.ID))
			return string(v.ID), ok
		}
		return string(v.ID), true
	}
	return "", false
}

func (t translator) has(n ast.NodeTypeHas) (Predicate, error) {
	if v, ok := n.Arg.(ast.NodeTypeVariable); !ok || v.Name != "resource" {
		return nil, refuse("use an attribute of the resource itself", "`has` reaches through a reference, which a list cannot follow")
	}
	name := string(n.Value)
	if _, ok := find(t.typ, name); !ok && known(name) {
		return False{}, nil // another type has it
	}
	a, err := t.named(name)
	if err != nil {
		return nil, err
	}
	if !a.optional {
		return True{}, nil
	}
	return Has{a.name}, nil
}

func (t translator) is(n ast.IsNode, want types.EntityType) (Predicate, error) {
	if v, ok := n.(ast.NodeTypeVariable); ok && v.Name == "resource" {
		return constant(Type(want) == t.typ), nil
	}
	a, err := t.attribute(n)
	return constant(a.entity == want), err
}

// in translates the membership of an entity in another or in one of a set.
// Only patients are members of anything: of care groups.
func (t translator) in(left, right ast.IsNode) (Predicate, error) {
	if v, ok := t.value(left); ok {
		a, err := t.attribute(right)
		if err != nil || v == nil {
			return undetermined{}, err
		}
		// What is in an attribute's entity is that entity itself: none of the
		// types that attributes refer to has members.
		return t.compareValue(a, Equal, v)
	}
	a, err := t.attribute(left)
	if err != nil {
		return nil, err
	}
	if a.entity == "" {
		return nil, refuse("use == or contains", "resource.%s is no entity, so it is in nothing", a.name)
	}
	v, ok := t.value(right)
	switch {
	case !ok:
		return nil, refuse("hold one side against something known", "both sides of `in` depend on the resource")
	case v == nil:
		return undetermined{}, nil
	}
	set, ok := v.(types.Set)
	if !ok {
		set = types.NewSet(v)
	}
	return within(a, set), nil
}

// within is the membership of the attribute's entity in one of the set.
func within(a attribute, set types.Set) Predicate {
	var groups []string
	for v := range set.All() {
		if u, ok := v.(types.EntityUID); ok && u.Type == "CareGroup" && a.entity == types.EntityType(Patient) {
			groups = append(groups, string(u.ID))
		}
	}
	itself := oneOf(a.name, texts(a, set))
	if len(groups) == 0 {
		return itself
	}
	return anyOf(itself, InGroup{Attr: a.name, Groups: sorted(groups)})
}

// texts are those members of the set which the attribute can be equal to.
func texts(a attribute, set types.Set) []string {
	var out []string
	for v := range set.All() {
		if text, ok := textOf(a, v); ok {
			out = append(out, text)
		}
	}
	return out
}
