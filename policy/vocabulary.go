package policy

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"sync"

	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/schema"
	"github.com/cedar-policy/cedar-go/x/exp/schema/ast"
	"github.com/cedar-policy/cedar-go/x/exp/schema/resolved"
)

//go:embed *.cedar schema.cedarschema
var shipped embed.FS

const schemaFile = "schema.cedarschema"

// Shipped is the policy set that is compiled in, as files: a clinic's own set
// starts as a copy of it.
func Shipped() fs.FS { return shipped }

// words is what the schema declares, in the form that decisions need.
type words struct {
	ast      *ast.Schema
	schema   *resolved.Schema
	actions  map[Action]actionWord
	entities types.EntityMap // the actions and the groups they are in
}

// actionWord is one action of the schema.
type actionWord struct {
	uid    types.EntityUID
	types  []Type
	listed bool
}

var (
	listedGroup = types.NewEntityUID("Action", "listed")

	// vocabulary parses the compiled-in schema once. That it parses is held by
	// every test of this package, so a failure here is not one of input.
	vocabulary = sync.OnceValue(func() words {
		text, err := shipped.ReadFile(schemaFile)
		if err != nil {
			panic("policy: " + err.Error())
		}
		w, err := parseSchema(schemaFile, text)
		if err != nil {
			panic("policy: " + err.Error())
		}
		return w
	})
)

// parseSchema reads a Cedar schema.
func parseSchema(name string, text []byte) (words, error) {
	var s schema.Schema
	s.SetFilename(name)
	if err := s.UnmarshalCedar(text); err != nil {
		return words{}, fmt.Errorf("parsing schema: %w", err)
	}
	r, err := s.Resolve()
	if err != nil {
		return words{}, fmt.Errorf("resolving schema: %w", err)
	}
	w := words{ast: s.AST(), schema: r, actions: map[Action]actionWord{}, entities: types.EntityMap{}}
	for uid, a := range r.Actions {
		w.entities[uid] = a.Entity
	}
	for uid, a := range r.Actions {
		if a.AppliesTo == nil {
			continue
		}
		word := actionWord{uid: uid, listed: w.within(uid, listedGroup)}
		for _, t := range a.AppliesTo.Resources {
			word.types = append(word.types, Type(t))
		}
		slices.Sort(word.types)
		w.actions[Action(uid.ID)] = word
	}
	return w, nil
}

// within reports whether the action is the group or in it.
func (w words) within(action, group types.EntityUID) bool {
	if action == group {
		return true
	}
	for parent := range w.entities[action].Parents.All() {
		if w.within(parent, group) {
			return true
		}
	}
	return false
}
