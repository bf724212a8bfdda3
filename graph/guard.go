package graph

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// accessRules are the directives one of which every guarded field carries.
var accessRules = []string{"policy", "authenticated", "public"}

// inert directives may stand beside an access rule: they do not run.
var inert = []string{"phi", "cost", "deprecated"}

// CheckSchema holds the schema to its access rules and gives one error for
// each field that breaks them:
//
//   - every field of Query, Mutation and Subscription carries exactly one of
//     @policy, @authenticated and @public, and so does every other field that
//     leads to an entity (a type with Node) or to the wrapper of one;
//   - wrappers (a connection, its edge, a mutation's payload) only hand on
//     what the field that leads to them was allowed;
//   - @policy(arg:) names an argument that is an id, through input types, and
//     an AFTER rule has one to look up by; @public gives its reason;
//   - nothing else that runs is attached to a field, since the order in which
//     directives run is easily mistaken;
//   - every pattern of @constraint compiles.
func CheckSchema(s *ast.Schema) []error {
	g := guard{schema: s}
	for _, name := range slices.Sorted(maps.Keys(s.Types)) {
		def := s.Types[name]
		if def.BuiltIn {
			continue
		}
		for _, f := range def.Fields {
			g.patterns(def, f.Name, f.Directives)
			if strings.HasPrefix(f.Name, "__") || def.Kind != ast.Object && def.Kind != ast.Interface {
				continue
			}
			g.field(def, f)
			for _, a := range f.Arguments {
				g.patterns(def, f.Name+"."+a.Name, a.Directives)
			}
		}
	}
	return g.errs
}

type guard struct {
	schema *ast.Schema
	errs   []error
}

func (g *guard) fail(def *ast.Definition, field, format string, args ...any) {
	g.errs = append(g.errs, fmt.Errorf("%s.%s: %s", def.Name, field, fmt.Sprintf(format, args...)))
}

func (g *guard) field(def *ast.Definition, f *ast.FieldDefinition) {
	rules := 0
	for _, d := range f.Directives {
		switch {
		case slices.Contains(accessRules, d.Name):
			rules++
		case !slices.Contains(inert, d.Name):
			g.fail(def, f.Name, "@%s runs beside the access rule", d.Name)
		}
	}
	root := def == g.schema.Query || def == g.schema.Mutation || def == g.schema.Subscription
	target := g.schema.Types[f.Type.Name()]
	guarded := root || g.protected(target) && !g.wrapper(def)
	if rules > 1 || guarded && rules == 0 {
		g.fail(def, f.Name, "%d access rules, want 1 of @policy, @authenticated, @public", rules)
	}
	if d := f.Directives.ForName("policy"); d != nil {
		g.policy(def, f, d)
	}
	if d := f.Directives.ForName("public"); d != nil && strings.TrimSpace(value(d, "reason")) == "" {
		g.fail(def, f.Name, "@public gives no reason")
	}
}

func (g *guard) policy(def *ast.Definition, f *ast.FieldDefinition, d *ast.Directive) {
	path := value(d, "arg")
	if path == "" {
		if value(d, "phase") == "AFTER" {
			g.fail(def, f.Name, "@policy(phase: AFTER) looks nothing up without arg")
		}
		return
	}
	names := strings.Split(path, ".")
	var t *ast.Type
	if arg := f.Arguments.ForName(names[0]); arg != nil {
		t = arg.Type
	}
	for _, name := range names[1:] {
		if t == nil {
			break
		}
		inner := g.schema.Types[t.Name()].Fields.ForName(name)
		t = nil
		if inner != nil {
			t = inner.Type
		}
	}
	if t == nil || t.NamedType != "ID" {
		g.fail(def, f.Name, "@policy(arg: %q) names no argument that is an id", path)
	}
}

// protected reports whether a field that leads to def needs a rule of its own.
func (g *guard) protected(def *ast.Definition) bool {
	if def == nil {
		return false
	}
	for _, possible := range g.schema.GetPossibleTypes(def) {
		if slices.Contains(possible.Interfaces, "Node") || g.wrapper(possible) {
			return true
		}
	}
	return false
}

// wrapper reports whether def only hands on what the field that leads to it
// was allowed: a connection, an edge, or the payload of a mutation.
func (g *guard) wrapper(def *ast.Definition) bool {
	if def.Kind != ast.Object {
		return false
	}
	if def.Fields.ForName("edges") != nil && strings.HasSuffix(def.Name, "Connection") ||
		def.Fields.ForName("node") != nil && strings.HasSuffix(def.Name, "Edge") {
		return true
	}
	return strings.HasSuffix(def.Name, "Payload") && g.schema.Mutation != nil &&
		slices.ContainsFunc(g.schema.Mutation.Fields, func(f *ast.FieldDefinition) bool { return f.Type.Name() == def.Name })
}

func (g *guard) patterns(def *ast.Definition, field string, directives ast.DirectiveList) {
	if d := directives.ForName("constraint"); d != nil {
		if _, err := regexp.Compile(value(d, "pattern")); err != nil {
			g.fail(def, field, "the pattern of @constraint does not compile")
		}
	}
}

// value is the text of a directive's argument; "" when it is not given or null.
func value(d *ast.Directive, name string) string {
	arg := d.Arguments.ForName(name)
	if arg == nil || arg.Value.Kind == ast.NullValue {
		return ""
	}
	return arg.Value.Raw
}
