package policy

import (
	"io/fs"
	"iter"
	"slices"

	cedar "github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
)

// Engine is a policy set that was found sound. What it decides never changes,
// and it is safe for concurrent use.
type Engine struct {
	// rules are, for each question, the policies that can bear on it.
	rules      map[ruleKey]ruleSet
	principals *principals
}

// ruleKey is a question: an action on a type of resource.
type ruleKey struct {
	action Action
	typ    Type
}

// ruleSet are policies, the permits before the forbids and both in the order of
// their ids, so that whatever is derived from them is the same every time.
type ruleSet struct {
	all        ruleList
	permitting int // how many of them are permits
}

func (s ruleSet) permits() ruleList { return s.all[:s.permitting] }
func (s ruleSet) forbids() ruleList { return s.all[s.permitting:] }

// rule is one policy.
type rule struct {
	id     string
	file   string
	policy *cedar.Policy
}

type ruleList []rule

// All implements cedar.PolicyIterator.
func (rs ruleList) All() iter.Seq2[cedar.PolicyID, *cedar.Policy] {
	return func(yield func(cedar.PolicyID, *cedar.Policy) bool) {
		for _, r := range rs {
			if !yield(cedar.PolicyID(r.id), r.policy) {
				return
			}
		}
	}
}

// Default is the engine of the shipped policy set.
func Default() (*Engine, error) { return Load(shipped) }

// Load reads a policy set: every *.cedar file at the root of fsys. The shipped
// walls (walls.cedar: all the forbids) hold beside whatever it says. The set
// must be sound throughout (see Check), or the error, of kind Invalid, lists
// the findings.
func Load(fsys fs.FS) (*Engine, error) {
	rules, findings := read(fsys)
	if len(findings) > 0 {
		return nil, findings.failure()
	}
	return newEngine(rules), nil
}

func newEngine(rules ruleList) *Engine {
	e := &Engine{rules: map[ruleKey]ruleSet{}, principals: newPrincipals()}
	for action, word := range vocabulary().actions {
		for _, t := range word.types {
			var permits, forbids ruleList
			for _, r := range rules {
				switch {
				case !r.bearsOn(word.uid, t):
				case r.policy.Effect() == cedar.Forbid:
					forbids = append(forbids, r)
				default:
					permits = append(permits, r)
				}
			}
			e.rules[ruleKey{action, t}] = ruleSet{all: slices.Concat(permits, forbids), permitting: len(permits)}
		}
	}
	return e
}

// ast is the policy's syntax tree.
func (r rule) ast() *ast.Policy { return (*ast.Policy)(r.policy.AST()) }

// bearsOn reports whether the policy's head admits the action and the type.
func (r rule) bearsOn(action types.EntityUID, t Type) bool {
	p := r.ast()
	switch s := p.Resource.(type) {
	case ast.ScopeTypeIs:
		if Type(s.Type) != t {
			return false
		}
	case ast.ScopeTypeIsIn:
		if Type(s.Type) != t {
			return false
		}
	case ast.ScopeTypeEq:
		if Type(s.Entity.Type) != t {
			return false
		}
	}
	switch s := p.Action.(type) {
	case ast.ScopeTypeEq:
		return s.Entity == action
	case ast.ScopeTypeIn:
		return vocabulary().within(action, s.Entity)
	case ast.ScopeTypeInSet:
		for _, group := range s.Entities {
			if vocabulary().within(action, group) {
				return true
			}
		}
		return false
	}
	return true
}
