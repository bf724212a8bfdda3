package policy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	cedar "github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/x/exp/eval"

	"github.com/bonfiredb/bonfire/clinical"
)

// Filter is the receipt for a list: which resources of a type an actor may see
// in it. Only Engine.Filter makes one; the zero Filter matches nothing.
type Filter struct {
	actor     clinical.Actor
	action    Action
	typ       Type
	predicate Predicate
	policies  []string
}

// Predicate is the condition that rows of Type must meet, on every page and in
// every count. It always confines them to the actor's tenant.
func (f Filter) Predicate() Predicate {
	if f.predicate == nil {
		return False{}
	}
	return f.predicate
}

// Actor is who asked.
func (f Filter) Actor() clinical.Actor { return f.actor }

// Action is what was asked for.
func (f Filter) Action() Action { return f.action }

// Type is the type of resource that the list is of.
func (f Filter) Type() Type { return f.typ }

// Tenant is whose rows it is about.
func (f Filter) Tenant() clinical.TenantID { return f.actor.Tenant }

// Policies are the ids of the policies that shape the list, sorted.
func (f Filter) Policies() []string { return slices.Clone(f.policies) }

// Filter judges a list before it is read, by the policies that Authorize asks:
// a resource matches exactly when Authorize would allow the action on it. An
// actor to whom nothing is permitted gets a Filter that matches nothing. The
// action must be a Listed one.
//
// A policy that fails while it is evaluated denies the whole list, with an
// error of kind Internal: an empty list would be read as "there is nothing".
func (e *Engine) Filter(_ context.Context, actor clinical.Actor, action Action, t Type, now time.Time) (Filter, error) {
	if err := sound(action, t, now); err != nil {
		return Filter{}, clinical.Fail(clinical.Internal, "internal error", err)
	}
	if !action.Listed() {
		return Filter{}, clinical.Fail(clinical.Internal, "internal error", fmt.Errorf("policy: there are no lists by %s", action))
	}
	f := Filter{actor: actor, action: action, typ: t}
	if anonymous(actor) {
		return f, nil
	}
	sides, err := e.parties(actor, now)
	if err != nil {
		return Filter{}, clinical.Fail(clinical.Internal, "internal error", err)
	}
	parts := make([]Predicate, len(sides))
	for i, side := range sides {
		var ids []string
		if parts[i], ids, err = e.confine(side, action, t); err != nil {
			return Filter{}, clinical.Fail(clinical.Internal, "internal error", err)
		}
		f.policies = append(f.policies, ids...)
	}
	f.predicate = allOf(parts...)
	slices.Sort(f.policies)
	f.policies = slices.Compact(f.policies)
	return f, nil
}

// confine is the predicate of one side: a permit, and no forbid, within the
// token's scopes.
func (e *Engine) confine(side party, action Action, t Type) (Predicate, []string, error) {
	rules := e.rules[ruleKey{action, t}]
	env := eval.Env{
		Principal: side.entity.UID, Action: vocabulary().actions[action].uid,
		Resource: eval.Variable("resource"), Context: side.context,
		Entities: world{principal: side.entity},
	}
	permits, permitIDs, err := residuals(rules.permits(), env, t)
	if err != nil {
		return False{}, nil, err
	}
	forbids, forbidIDs, err := residuals(rules.forbids(), env, t)
	if err != nil {
		return False{}, nil, err
	}
	parts := []Predicate{anyOf(permits...)}
	for _, f := range forbids {
		parts = append(parts, refuted(f))
	}
	parts = append(parts, scopePredicate(side.actor.Session.Scopes, action, t))
	return allOf(parts...), append(permitIDs, forbidIDs...), nil
}

// residuals evaluates the policies as far as they go without a resource, and
// translates what is left. Policies that cannot apply are left out.
func residuals(rules ruleList, env eval.Env, t Type) (out []Predicate, ids []string, err error) {
	for _, r := range rules {
		residual, keep := eval.PartialPolicy(env, r.ast())
		if !keep {
			continue
		}
		p, err := translator{typ: t}.policy(residual)
		if err != nil {
			return nil, nil, fmt.Errorf("policy %s: %w", r.id, err)
		}
		if never(p) {
			continue
		}
		out, ids = append(out, p), append(ids, r.id)
	}
	return out, ids, nil
}

// translatable finds what in a policy cannot be asked of lists, for every
// listed action and type that the policy bears on.
func (r rule) translatable() (found []refusal) {
	for _, action := range Actions() {
		word := vocabulary().actions[action]
		for _, t := range word.types {
			if !word.listed || !r.bearsOn(word.uid, t) {
				continue
			}
			var what *refusal
			if _, err := (translator{typ: t, dry: true}).policy(r.ast()); !errors.As(err, &what) || slices.Contains(found, *what) {
				continue
			}
			found = append(found, *what)
		}
	}
	return found
}

var _ cedar.PolicyIterator = ruleList{}
