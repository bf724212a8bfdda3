package policy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	cedar "github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"

	"github.com/bonfiredb/bonfire/clinical"
)

// Request asks whether an actor may do something to a resource at an instant.
type Request struct {
	Actor    clinical.Actor
	Action   Action
	Resource Resource
	Now      time.Time
}

// Authorize judges one request. A denial is a Decision that does not allow, and
// no error; so is an actor who is nobody, a malformed identifier of the
// resource, and a policy that fails while it is evaluated. An error is of kind
// Internal: a fault of ours, such as an action that is not asked of this type.
//
// An agent acting for a user may do what both may. The token's scopes narrow
// what the policies permit.
func (e *Engine) Authorize(_ context.Context, r Request) (Decision, error) {
	if err := sound(r.Action, r.Resource.Type, r.Now); err != nil {
		return Decision{}, clinical.Fail(clinical.Internal, "internal error", err)
	}
	r.Resource = r.Resource.whole()
	d := Decision{actor: r.Actor, action: r.Action, resource: r.Resource}
	if anonymous(r.Actor) {
		return d, nil
	}
	if fault := malformed(r.Resource); fault != "" {
		d.errors = []string{fault}
		return d, nil
	}
	sides, err := e.parties(r.Actor, r.Now)
	if err != nil {
		return Decision{}, clinical.Fail(clinical.Internal, "internal error", err)
	}
	verdicts := make([]verdict, len(sides))
	for i, side := range sides {
		verdicts[i] = e.judge(side, r.Action, r.Resource)
	}
	return d.conclude(verdicts), nil
}

// sound finds what only a fault of the caller can bring about.
func sound(a Action, t Type, now time.Time) error {
	switch {
	case !a.appliesTo(t):
		return fmt.Errorf("policy: %s is not asked of %s", a, t)
	case now.IsZero():
		return errors.New("policy: asked at no instant")
	}
	return nil
}

// whole fills in what follows from the type: a patient's chart is its own.
func (r Resource) whole() Resource {
	if (r.Type == Patient || r.Type == Bundle) && r.Patient == "" {
		r.Patient = clinical.PatientID(r.ID)
	}
	return r
}

// malformed says what in the resource is no identifier, or contradicts itself.
// Only the id of what is not made yet may be missing.
func malformed(r Resource) string {
	id, patient := r.ID == "" || wellFormed(r.ID), wellFormed(r.Patient)
	switch r.Type {
	case Patient:
		id, patient = id && r.ID == string(r.Patient), true
	case AuditLog:
		id, patient = true, patient || r.Patient == ""
	case Tenant:
		id, patient = r.ID == string(r.Tenant), true
	}
	switch {
	case !r.Tenant.Valid():
		return "malformed tenant"
	case !id:
		return "malformed resource id"
	case !patient:
		return "malformed patient id"
	}
	return ""
}

// verdict is what the policies say of one side of a request.
type verdict struct {
	permits, forbids []string
	errors           []string
	inScope          bool
}

func (v verdict) allows() bool {
	return len(v.permits) > 0 && len(v.forbids) == 0 && len(v.errors) == 0 && v.inScope
}

// judge evaluates the policies for one side. Cedar itself skips a policy that
// fails, which for a forbid would be a permit: here any failure denies.
func (e *Engine) judge(side party, a Action, r Resource) verdict {
	world := newWorld(side.entity, r)
	request := types.Request{
		Principal: side.entity.UID, Action: vocabulary().actions[a].uid,
		Resource: world.resource.UID, Context: side.context,
	}
	rules := e.rules[ruleKey{a, r.Type}]
	v := verdict{inScope: inScope(side.actor.Session.Scopes, a, r.fhirType())}
	decision, found := cedar.Authorize(rules.all, world, request)
	for _, err := range found.Errors {
		v.errors = append(v.errors, string(err.PolicyID)+": "+err.Message)
	}
	if decision == cedar.Allow || len(found.Reasons) == 0 {
		v.permits = idsOf(found)
		return v
	}
	v.forbids = idsOf(found)
	// Cedar then says nothing of the permits. How they fail is known already.
	_, found = cedar.Authorize(rules.permits(), world, request)
	v.permits = idsOf(found)
	return v
}

// idsOf are the ids of the policies that apply, in the order of the rules.
func idsOf(d cedar.Diagnostic) []string {
	if len(d.Reasons) == 0 {
		return nil
	}
	ids := make([]string, len(d.Reasons))
	for i, reason := range d.Reasons {
		ids[i] = string(reason.PolicyID)
	}
	return ids
}

// conclude makes the decision: all sides must allow it. The first side that
// does not gives the reason.
func (d Decision) conclude(sides []verdict) Decision {
	d.allowed = true
	for _, v := range sides {
		if !v.allows() {
			d.allowed, d.policies, d.errors, d.rule = false, v.forbids, v.errors, v.reason()
			break
		}
		d.policies = append(d.policies, v.permits...)
	}
	slices.Sort(d.policies)
	d.policies = slices.Compact(d.policies)
	if d.allowed {
		d.rule = d.policies[0]
	}
	d.quarantined = !d.allowed && !slices.ContainsFunc(sides, func(v verdict) bool { return !v.allowsButForScan() })
	return d
}

// reason names what denies.
func (v verdict) reason() string {
	switch {
	case len(v.forbids) > 0:
		return v.forbids[0]
	case len(v.errors) > 0:
		return RuleError
	case len(v.permits) > 0:
		return RuleScope
	}
	return RuleDefaultDeny
}

// allowsButForScan reports whether nothing but the quarantine stands in the way.
func (v verdict) allowsButForScan() bool {
	v.forbids = slices.DeleteFunc(slices.Clone(v.forbids), func(id string) bool { return slices.Contains(quarantineWalls, id) })
	return v.allows()
}

// world is all that Cedar may look up: the principal, the resource, its
// patient, and the actions.
type world struct {
	principal, resource types.Entity
	of                  Resource // whose patient is an entity only once it is looked up: mostly the panel says it all
}

func newWorld(principal types.Entity, r Resource) world {
	w := world{principal: principal, of: r}
	if r.Type == Patient {
		w.resource, _ = w.patient(patientUID(r))
		return w
	}
	m := make(types.RecordMap, len(attributes[r.Type]))
	for _, a := range attributes[r.Type] {
		if !a.bare && !a.absent(r) {
			m[types.String(a.name)] = a.cedar(r)
		}
	}
	w.resource = types.Entity{
		UID:        types.NewEntityUID(types.EntityType(r.Type), types.String(r.ID)),
		Attributes: types.NewRecord(m),
	}
	return w
}

// Get implements types.EntityGetter.
func (w world) Get(uid types.EntityUID) (types.Entity, bool) {
	switch uid {
	case w.principal.UID:
		return w.principal, true
	case w.resource.UID:
		return w.resource, true
	}
	if e, ok := w.patient(uid); ok {
		return e, true
	}
	e, ok := vocabulary().entities[uid]
	return e, ok
}

// patient is the resource's patient, if that is who is looked up.
func (w world) patient(uid types.EntityUID) (types.Entity, bool) {
	if w.of.Patient == "" || uid != patientUID(w.of) {
		return types.Entity{}, false
	}
	groups := make([]types.EntityUID, len(w.of.CareGroups))
	for i, g := range w.of.CareGroups {
		groups[i] = types.NewEntityUID("CareGroup", types.String(g))
	}
	return types.Entity{
		UID: uid, Parents: types.NewEntityUIDSet(groups...),
		Attributes: types.NewRecord(types.RecordMap{"tenant": tenantAttr.cedar(w.of), "patient": uid}),
	}, true
}

func patientUID(r Resource) types.EntityUID {
	return types.NewEntityUID("Patient", types.String(r.Patient))
}
