package policy

import (
	"fmt"
	"strings"

	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
	"github.com/cedar-policy/cedar-go/x/exp/eval"
)

// translator turns a policy, in which only the resource is unknown, into a
// Predicate about resources of one type.
//
// Dry, it walks a whole policy before anything is known, as Load does: whatever
// does not mention the resource then counts as known, and every branch is
// visited. What it takes dry it takes always, so a list never fails over a
// policy that was loaded.
type translator struct {
	typ Type
	dry bool
}

// refusal says what cannot become a Predicate, and what to write instead.
type refusal struct{ what, mend string }

func (r *refusal) Error() string { return r.what }

func refuse(mend, format string, args ...any) error {
	return &refusal{what: fmt.Sprintf(format, args...), mend: mend}
}

// undetermined stands, dry, for a condition that will be known. It is never
// part of a Filter.
type undetermined struct{}

func (undetermined) isPredicate() {}

// policy translates a policy's resource scope and its conditions. Principal and
// action are the caller's: it passes residuals, from which they are gone.
func (t translator) policy(p *ast.Policy) (Predicate, error) {
	scope, err := t.scope(p.Resource)
	if err != nil {
		return nil, err
	}
	parts := []Predicate{scope}
	for _, c := range p.Conditions {
		if never(allOf(parts...)) {
			return False{}, nil // Cedar does not look further either
		}
		part, err := t.condition(c.Body)
		if err != nil {
			return nil, err
		}
		if c.Condition == ast.ConditionUnless {
			part = negate(part)
		}
		parts = append(parts, part)
	}
	return allOf(parts...), nil
}

// scope translates the third part of a policy's head.
func (t translator) scope(s ast.IsResourceScopeNode) (Predicate, error) {
	switch s := s.(type) {
	case ast.ScopeTypeAll:
		return True{}, nil
	case ast.ScopeTypeIs:
		return constant(Type(s.Type) == t.typ), nil
	case ast.ScopeTypeEq:
		if Type(s.Entity.Type) != t.typ {
			return False{}, nil
		}
		return t.condition(ast.Resource().Equal(ast.Value(s.Entity)).AsIsNode())
	case ast.ScopeTypeIn:
		return t.condition(ast.Resource().In(ast.Value(s.Entity)).AsIsNode())
	case ast.ScopeTypeIsIn:
		if Type(s.Type) != t.typ {
			return False{}, nil
		}
		return t.condition(ast.Resource().In(ast.Value(s.Entity)).AsIsNode())
	}
	return nil, refuse("say what the resource is in the conditions", "this head cannot be asked of a list")
}

// condition translates an expression that is true or false.
func (t translator) condition(n ast.IsNode) (Predicate, error) {
	if err, ok := eval.ToPartialError(n); ok {
		return nil, fmt.Errorf("evaluating: %w", err)
	}
	if t.dry && !mentionsResource(n) {
		return undetermined{}, nil
	}
	switch n := n.(type) {
	case ast.NodeValue:
		b, ok := n.Value.(types.Boolean)
		if !ok {
			return nil, refuse("a condition is true or false", "a condition is a %T", n.Value)
		}
		return constant(bool(b)), nil
	case ast.NodeTypeAnd:
		return t.and(n)
	case ast.NodeTypeOr:
		return t.or(n)
	case ast.NodeTypeNot:
		of, err := t.condition(n.Arg)
		if err != nil {
			return nil, err
		}
		return negate(of), nil
	case ast.NodeTypeIfThenElse:
		return t.choice(n)
	case ast.NodeTypeAccess:
		a, err := t.attribute(n)
		if err != nil {
			return nil, err
		}
		if a.kind != KindBool {
			return nil, refuse("compare it with something", "resource.%s is not true or false", a.name)
		}
		return Compare{Attr: a.name, Op: Equal, Value: true}, nil
	}
	return t.relation(n)
}

// and stops, as Cedar does, where the left side settles it.
func (t translator) and(n ast.NodeTypeAnd) (Predicate, error) {
	left, err := t.condition(n.Left)
	if err != nil || never(left) {
		return left, err
	}
	right, err := t.condition(n.Right)
	if err != nil {
		return nil, err
	}
	return allOf(left, right), nil
}

// or stops, as Cedar does, where the left side settles it.
func (t translator) or(n ast.NodeTypeOr) (Predicate, error) {
	left, err := t.condition(n.Left)
	if err != nil || always(left) {
		return left, err
	}
	right, err := t.condition(n.Right)
	if err != nil {
		return nil, err
	}
	return anyOf(left, right), nil
}

// choice translates if-then-else.
func (t translator) choice(n ast.NodeTypeIfThenElse) (Predicate, error) {
	cond, err := t.condition(n.If)
	if err != nil {
		return nil, err
	}
	switch {
	case always(cond):
		return t.condition(n.Then)
	case never(cond):
		return t.condition(n.Else)
	}
	then, err := t.condition(n.Then)
	if err != nil {
		return nil, err
	}
	other, err := t.condition(n.Else)
	if err != nil {
		return nil, err
	}
	return If{Cond: cond, Then: then, Else: other}, nil
}

// mentionsResource reports whether the resource occurs in n.
func mentionsResource(n ast.IsNode) bool {
	found := false
	ast.Inspect(ast.NewNode(n), func(n ast.IsNode) bool {
		v, ok := n.(ast.NodeTypeVariable)
		found = found || ok && v.Name == "resource"
		return !found
	})
	return found
}

// attribute is the attribute that n reads off the resource.
func (t translator) attribute(n ast.IsNode) (attribute, error) {
	switch n := n.(type) {
	case ast.NodeTypeVariable:
		if n.Name == "resource" {
			return t.named("id")
		}
	case ast.NodeTypeAccess:
		if v, ok := n.Arg.(ast.NodeTypeVariable); ok && v.Name == "resource" {
			return t.named(string(n.Value))
		}
		return attribute{}, refuse("use an attribute of the resource itself, such as resource.tenant",
			"%s reaches through a reference, which a list cannot follow", spell(n))
	}
	what, mend := describe(n)
	return attribute{}, refuse(mend, "%s cannot be asked of a list", what)
}

// named is the listed attribute of that name.
func (t translator) named(name string) (attribute, error) {
	a, ok := find(t.typ, name)
	switch {
	case !ok:
		return a, refuse("attributes of "+string(t.typ)+": "+names(t.typ), "%s has no attribute %s", t.typ, name)
	case !a.listed():
		return a, refuse("ask for it in policies of single actions only, such as downloadFile",
			"resource.%s is known when one %s is decided on, not in lists", name, t.typ)
	}
	return a, nil
}

// spell writes a chain of attributes as the policy does.
func spell(n ast.IsNode) string {
	switch n := n.(type) {
	case ast.NodeTypeAccess:
		return spell(n.Arg) + "." + string(n.Value)
	case ast.NodeTypeVariable:
		return string(n.Name)
	}
	return "(...)"
}

// names lists what policies about lists of t may look at.
func names(t Type) string {
	var out []string
	for _, a := range Attributes(t) {
		if a.Name != "id" {
			out = append(out, a.Name)
		}
	}
	return strings.Join(out, ", ")
}

// describe names a construct that has no Predicate, and its replacement.
func describe(n ast.IsNode) (what, mend string) {
	switch n := n.(type) {
	case ast.NodeTypeLike:
		return "`like` on the resource", "list the values: [\"a\", \"b\"].contains(resource.kind)"
	case ast.NodeTypeAdd, ast.NodeTypeSub, ast.NodeTypeMult, ast.NodeTypeNegate:
		return "arithmetic on the resource", "move the arithmetic to the side that does not mention the resource"
	case ast.NodeTypeGetTag, ast.NodeTypeHasTag:
		return "a tag of the resource", "use an attribute; resources have no tags"
	case ast.NodeTypeExtensionCall:
		return fmt.Sprintf("the call of %s on the resource", n.Name),
			"move the call to the side that does not mention the resource, as in resource.createdAt < context.now.offset(duration(\"-90d\"))"
	case ast.NodeTypeSet, ast.NodeTypeRecord:
		return "a set or record built from the resource", "compare its parts one by one"
	case ast.NodeTypeIfThenElse:
		return "an if-then-else used as a value", "write the condition out in each branch"
	}
	return "this use of the resource", "write it as comparisons of attributes of the resource with && and ||"
}
