package graph

import (
	"cmp"
	"encoding/json"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// measure is the size of a selection.
type measure struct {
	depth, aliases, cost int
	deferred             bool // has @defer
}

// ceiling is where counting stops: far above any limit, far below overflow.
const ceiling = 1 << 30

// meter measures an operation. A fragment is measured once however often it is
// spread, so that doubling fragments cannot keep it busy.
type meter struct {
	vars      map[string]any
	fragments map[string]measure
}

func (m meter) selections(set ast.SelectionSet) (out measure) {
	for _, s := range set {
		var one measure
		switch s := s.(type) {
		case *ast.Field:
			one = m.field(s)
		case *ast.InlineFragment:
			one = m.selections(s.SelectionSet)
			one.deferred = one.deferred || s.Directives.ForName("defer") != nil
		case *ast.FragmentSpread:
			one = m.fragment(s)
			one.deferred = one.deferred || s.Directives.ForName("defer") != nil
		}
		out.deferred = out.deferred || one.deferred
		out.depth = max(out.depth, one.depth)
		out.aliases = min(out.aliases+one.aliases, ceiling)
		out.cost = min(out.cost+one.cost, ceiling)
	}
	return out
}

func (m meter) fragment(s *ast.FragmentSpread) measure {
	known, ok := m.fragments[s.Name]
	if !ok && s.Definition != nil {
		known = m.selections(s.Definition.SelectionSet)
		m.fragments[s.Name] = known
	}
	return known
}

func (m meter) field(f *ast.Field) measure {
	var out measure
	if !strings.HasPrefix(f.Name, "__") { // introspection has limits of its own, and is off in production
		out = m.selections(f.SelectionSet)
	}
	out.depth++
	if f.Alias != f.Name {
		out.aliases++
	}
	weight, pages := m.price(f)
	out.cost = int(min(int64(weight)+int64(pages)*int64(out.cost), ceiling))
	return out
}

// price is what a field costs itself, and how often what is below it counts.
func (m meter) price(f *ast.Field) (weight, pages int) {
	if len(f.SelectionSet) > 0 {
		weight = 1
	}
	if f.Definition == nil {
		return weight, 1
	}
	cost := f.Definition.Directives.ForName("cost")
	if cost == nil {
		return weight, 1
	}
	args := cost.ArgumentMap(nil)
	if n, ok := args["weight"].(int64); ok {
		weight = int(n)
	}
	multipliers, _ := args["multipliers"].([]any)
	if len(multipliers) == 0 {
		return weight, 1
	}
	given := f.ArgumentMap(m.vars)
	for _, name := range multipliers {
		name, _ := name.(string)
		if n, ok := wholeNumber(given[name]); ok {
			pages = max(pages, int(min(max(n, 1), pageMax(f.Definition, name))))
		}
	}
	return weight, cmp.Or(pages, defaultPage)
}

// pageMax is the most that a page argument takes: one past it is refused as
// bad input later, not as cost now.
func pageMax(def *ast.FieldDefinition, argument string) int64 {
	if arg := def.Arguments.ForName(argument); arg != nil {
		if c := arg.Directives.ForName("constraint"); c != nil {
			if n, ok := c.ArgumentMap(nil)["max"].(int64); ok {
				return n
			}
		}
	}
	return maxPage
}

func wholeNumber(v any) (int64, bool) {
	switch n := v.(type) {
	case int64:
		return n, true
	case int:
		return int64(n), true
	case json.Number:
		i, err := n.Int64()
		return i, err == nil
	}
	return 0, false
}
