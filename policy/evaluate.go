package policy

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
)

// Eval reports whether the resource matches the predicate, as the database
// would: for events on their way to a subscriber, and for tests that hold
// Filter against Authorize. It fails with kind Internal on a predicate that
// does not suit resources of this type; then the answer is false.
func Eval(p Predicate, r Resource) (bool, error) {
	v, err := evaluate(p, r)
	if err != nil {
		return false, clinical.Fail(clinical.Internal, "internal error", err)
	}
	return v == yes, nil
}

// truth is a value of Kleene's logic, ordered so that And is the least of its
// members and Or the greatest.
type truth int

const (
	no truth = iota
	unknown
	yes
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

func evaluate(p Predicate, r Resource) (truth, error) {
	switch p := p.(type) {
	case True:
		return yes, nil
	case False:
		return no, nil
	case And:
		return fold(p, r, yes, func(a, b truth) truth { return min(a, b) })
	case Or:
		return fold(p, r, no, func(a, b truth) truth { return max(a, b) })
	case Not:
		v, err := evaluate(p.Of, r)
		return yes - v, err
	case IsFalse:
		v, err := evaluate(p.Of, r)
		return truthOf(v == no), err
	case If:
		v, err := evaluate(p.Cond, r)
		if err != nil {
			return no, err
		}
		if v == yes {
			return evaluate(p.Then, r)
		}
		return evaluate(p.Else, r)
	}
	return leaf(p, r)
}

// fold joins the members of an And or an Or. Every member is looked at, so
// that an unsuitable one is always found.
func fold(ps []Predicate, r Resource, start truth, join func(a, b truth) truth) (truth, error) {
	out := start
	for _, p := range ps {
		v, err := evaluate(p, r)
		if err != nil {
			return no, err
		}
		out = join(out, v)
	}
	return out, nil
}

// leaf answers a condition on attributes.
func leaf(p Predicate, r Resource) (truth, error) {
	switch p := p.(type) {
	case Compare:
		return about(r, p.Attr, func(a attribute) (bool, error) { return a.compare(r, p.Op, p.Value) })
	case CompareAttrs:
		right, err := listedAttribute(r.Type, p.Right)
		if err != nil {
			return no, err
		}
		if right.absent(r) {
			return unknown, nil
		}
		return about(r, p.Left, func(a attribute) (bool, error) { return a.compare(r, p.Op, right.read(r)) })
	case OneOf:
		return about(r, p.Attr, func(a attribute) (bool, error) {
			_, found := slices.BinarySearch(p.Values, a.string(r))
			return found, a.must(KindUUID, KindText)
		})
	case Has:
		a, err := listedAttribute(r.Type, p.Attr)
		return truthOf(err == nil && !a.absent(r)), err
	case InGroup:
		return about(r, p.Attr, func(a attribute) (bool, error) {
			in := slices.ContainsFunc(p.Groups, func(g string) bool { return slices.Contains(r.CareGroups, g) })
			return in, a.must(KindUUID)
		})
	}
	return setLeaf(p, r)
}

// setLeaf answers a condition on a set attribute.
func setLeaf(p Predicate, r Resource) (truth, error) {
	attr, test := "", func(has func(string) bool, all []string) bool { return false }
	switch p := p.(type) {
	case SetContains:
		attr, test = p.Attr, func(has func(string) bool, _ []string) bool { return has(p.Value) }
	case ContainsAny:
		attr, test = p.Attr, func(has func(string) bool, _ []string) bool { return slices.ContainsFunc(p.Values, has) }
	case ContainsAll:
		attr, test = p.Attr, func(has func(string) bool, _ []string) bool {
			return !slices.ContainsFunc(p.Values, func(v string) bool { return !has(v) })
		}
	case SubsetOf:
		attr, test = p.Attr, func(_ func(string) bool, all []string) bool {
			return !slices.ContainsFunc(all, func(v string) bool { return !slices.Contains(p.Values, v) })
		}
	case IsEmpty:
		attr, test = p.Attr, func(_ func(string) bool, all []string) bool { return len(all) == 0 }
	default:
		return no, fmt.Errorf("policy: %T is no predicate", p)
	}
	return about(r, attr, func(a attribute) (bool, error) {
		if err := a.must(KindTextSet); err != nil {
			return false, err
		}
		all := a.set(r)
		return test(func(v string) bool { return slices.Contains(all, v) }, all), nil
	})
}

// about asks test about the attribute, unless it is absent.
func about(r Resource, name string, test func(attribute) (bool, error)) (truth, error) {
	a, err := listedAttribute(r.Type, name)
	if err != nil {
		return no, err
	}
	if a.absent(r) {
		return unknown, nil
	}
	ok, err := test(a)
	return truthOf(ok), err
}

func listedAttribute(t Type, name string) (attribute, error) {
	a, ok := find(t, name)
	if !ok || !a.listed() {
		return a, fmt.Errorf("policy: lists of %s have no attribute %q", t, name)
	}
	return a, nil
}

// must fails unless the attribute is of one of the kinds.
func (a attribute) must(kinds ...AttributeKind) error {
	if !slices.Contains(kinds, a.kind) {
		return fmt.Errorf("policy: attribute %s is of kind %s", a.name, a.kind)
	}
	return nil
}

// string is the value of a uuid or text, "" of any other kind.
func (a attribute) string(r Resource) string {
	if a.text == nil {
		return ""
	}
	return a.text(r)
}

// read is the value as a Compare holds it.
func (a attribute) read(r Resource) any {
	switch a.kind {
	case KindInt:
		return a.number(r)
	case KindBool:
		return a.flag(r)
	case KindTime:
		return a.instant(r)
	case KindTextSet:
		return a.set(r)
	}
	return a.text(r)
}

// compare holds the attribute against a value of its kind.
func (a attribute) compare(r Resource, op Op, value any) (bool, error) {
	order, ok := 0, false
	switch got := a.read(r).(type) {
	case string:
		var want string
		want, ok = value.(string)
		order = cmp.Compare(got, want)
		ok = ok && (op == Equal || op == NotEqual)
	case int64:
		var want int64
		want, ok = value.(int64)
		order = cmp.Compare(got, want)
	case bool:
		var want bool
		want, ok = value.(bool)
		if got != want {
			order = 1
		}
		ok = ok && (op == Equal || op == NotEqual)
	case time.Time:
		var want time.Time
		want, ok = value.(time.Time)
		order = got.Compare(want)
	}
	if !ok {
		return false, fmt.Errorf("policy: attribute %s %s a %T", a.name, op, value)
	}
	return op.holds(order)
}

// holds reports whether the comparison is true of two values in that order, as
// cmp.Compare gives it.
func (op Op) holds(order int) (bool, error) {
	switch op {
	case Equal:
		return order == 0, nil
	case NotEqual:
		return order != 0, nil
	case Less:
		return order < 0, nil
	case LessOrEqual:
		return order <= 0, nil
	case Greater:
		return order > 0, nil
	case GreaterOrEqual:
		return order >= 0, nil
	}
	return false, fmt.Errorf("policy: %q is no comparison", op)
}
