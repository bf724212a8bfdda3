package policy

import (
	"slices"

	"github.com/bonfiredb/bonfire/clinical"
)

// What Rule says where no policy decided. The names are taken: no policy may
// have one of them as its id.
const (
	// RuleDefaultDeny: no policy permits it.
	RuleDefaultDeny = "default-deny"
	// RuleError: a policy failed, so nothing is permitted.
	RuleError = "policy-error"
	// RuleScope: the policies permit it, the token's scopes do not.
	RuleScope = "token-scope"
)

// Decision is the receipt for one judged request. Only Authorize makes one;
// the zero Decision denies.
type Decision struct {
	actor       clinical.Actor
	action      Action
	resource    Resource
	allowed     bool
	quarantined bool
	rule        string
	policies    []string
	errors      []string
}

// Allowed reports whether the actor may do it.
func (d Decision) Allowed() bool { return d.allowed }

// Covers reports whether this is an allowed decision about exactly the
// resource of type t with this id.
func (d Decision) Covers(t Type, id string) bool {
	return d.allowed && id != "" && d.resource.Type == t && d.resource.ID == id
}

// Quarantined reports whether the bytes are withheld only because they wait
// for, or failed, their scan: everything else would permit it. Only then may
// the caller be told so (clinical.Quarantined).
func (d Decision) Quarantined() bool { return d.quarantined }

// Rule is what decided, for the audit trail: the id of a permit or a forbid,
// or one of the Rule constants. Where several decided, the first by id.
func (d Decision) Rule() string {
	if d.rule == "" {
		return RuleDefaultDeny
	}
	return d.rule
}

// Policies are the ids of the policies that decided, sorted: the permits of
// what is allowed, the forbids of what is not; none for a default deny.
func (d Decision) Policies() []string { return slices.Clone(d.policies) }

// Errors says which policies failed, and what was malformed. Any of these denies.
func (d Decision) Errors() []string { return slices.Clone(d.errors) }

// Actor is who asked.
func (d Decision) Actor() clinical.Actor { return d.actor }

// Action is what was asked for.
func (d Decision) Action() Action { return d.action }

// Resource is what it was asked of.
func (d Decision) Resource() Resource { return d.resource }
