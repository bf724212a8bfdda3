package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"

	"github.com/bonfiredb/bonfire/clinical"
)

// literals finds the entities that a policy names wrongly, which the validator
// lets pass: a misspelled role is nobody's, a malformed id is no row's. It also
// refuses to look anything up about a named entity: a request brings along its
// principal and its resource, and knows nothing of third parties.
func (r rule) literals() (found findings) {
	for _, uid := range r.headEntities() {
		found = append(found, r.entity(uid)...)
	}
	for _, c := range r.ast().Conditions {
		ast.Inspect(ast.NewNode(c.Body), func(n ast.IsNode) bool {
			if v, ok := n.(ast.NodeValue); ok {
				for _, uid := range entitiesIn(v.Value) {
					found = append(found, r.entity(uid)...)
				}
			}
			for _, uid := range lookedUp(n) {
				found = append(found, r.finding(fmt.Sprintf("it looks up something about %s", uid),
					"a policy knows the principal and the resource only; compare with == or contains instead"))
			}
			return true
		})
	}
	return found
}

// headEntities are the entities named in the policy's head, actions apart: the
// validator knows those.
func (r rule) headEntities() (out []types.EntityUID) {
	for _, scope := range []ast.IsScopeNode{r.ast().Principal, r.ast().Resource} {
		switch s := scope.(type) {
		case ast.ScopeTypeEq:
			out = append(out, s.Entity)
		case ast.ScopeTypeIn:
			out = append(out, s.Entity)
		case ast.ScopeTypeIsIn:
			out = append(out, s.Entity)
		}
	}
	return out
}

// entitiesIn are the entities in a literal.
func entitiesIn(v types.Value) (out []types.EntityUID) {
	switch v := v.(type) {
	case types.EntityUID:
		out = append(out, v)
	case types.Set:
		for member := range v.All() {
			out = append(out, entitiesIn(member)...)
		}
	}
	return out
}

// lookedUp are the named entities of which n wants to know more than which
// they are.
func lookedUp(n ast.IsNode) (out []types.EntityUID) {
	var asked []ast.IsNode
	switch n := n.(type) {
	case ast.NodeTypeAccess:
		asked = []ast.IsNode{n.Arg}
	case ast.NodeTypeHas:
		asked = []ast.IsNode{n.Arg}
	case ast.NodeTypeIn:
		asked = []ast.IsNode{n.Left}
	case ast.NodeTypeIsIn:
		asked = []ast.IsNode{n.Left}
	case ast.NodeTypeIfThenElse:
		asked = []ast.IsNode{n.Then, n.Else}
	}
	for _, a := range asked {
		if v, ok := a.(ast.NodeValue); ok {
			if uid, ok := v.Value.(types.EntityUID); ok && uid.Type != "Action" {
				out = append(out, uid)
			}
		}
	}
	return out
}

// entity finds what is wrong with the name of an entity.
func (r rule) entity(uid types.EntityUID) findings {
	id := string(uid.ID)
	if enum, ok := vocabulary().schema.Enums[uid.Type]; ok {
		if slices.Contains(enum.Values, uid) {
			return nil
		}
		var values []string
		for _, v := range enum.Values {
			values = append(values, string(v.ID))
		}
		return findings{r.finding(fmt.Sprintf("there is no %s", uid), "one of "+strings.Join(values, ", "))}
	}
	switch uid.Type {
	case "Action", "CareGroup":
		return nil
	case "Tenant":
		if clinical.TenantID(id).Valid() {
			return nil
		}
		return findings{r.finding(fmt.Sprintf("%s is no tenant", uid), "a tenant is a short name of lower-case letters, digits and hyphens")}
	}
	if wellFormed(id) {
		return nil
	}
	return findings{r.finding(fmt.Sprintf("%s is no identifier", uid), "identifiers are UUIDs in lower case")}
}
