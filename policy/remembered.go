package policy

import (
	"slices"
	"sync"

	"github.com/cedar-policy/cedar-go/types"

	"github.com/bonfiredb/bonfire/clinical"
)

// maxRemembered bounds the memory that remembered principals take.
const maxRemembered = 256

// principals remembers the Cedar entities of principals lately seen. To hash a
// panel of fifty patients costs more than the rest of a decision, and a page of
// files asks for dozens of decisions about one actor.
//
// It remembers by content: an entity is used again only for exactly the
// membership it was made of, so one that changed is seen at once.
type principals struct {
	mu   sync.Mutex
	seen map[principalKey]principal
}

// principalKey tells a user who asks from the same user for whom an agent asks.
type principalKey struct{ actor, asking clinical.ActorID }

type principal struct {
	made   clinical.Actor // what the entity was made of, and nothing else
	entity types.Entity
}

func newPrincipals() *principals { return &principals{seen: map[principalKey]principal{}} }

// of is the actor as an entity that owns what the ids in self own, its own the
// first of them; false when the membership holds a malformed identifier.
func (p *principals) of(a clinical.Actor, self ...clinical.ActorID) (types.Entity, bool) {
	key := principalKey{self[0], self[len(self)-1]}
	p.mu.Lock()
	last, ok := p.seen[key]
	p.mu.Unlock()
	if ok && sameMembership(last.made, a) {
		return last.entity, true
	}
	if !wellFormed(a.Panel...) || !wellFormed(self...) || !a.Tenant.Valid() {
		return types.Entity{}, false
	}
	made := principal{made: clinical.Actor{
		ID: a.ID, Kind: a.Kind, Tenant: a.Tenant, Clearance: a.Clearance, Roles: slices.Clone(a.Roles), Panel: slices.Clone(a.Panel),
		CareGroups: slices.Clone(a.CareGroups), Departments: slices.Clone(a.Departments),
	}, entity: entityOf(a, self)}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.seen) >= maxRemembered {
		clear(p.seen)
	}
	p.seen[key] = made
	return made.entity, true
}

// sameMembership compares whatever entityOf looks at.
func sameMembership(a, b clinical.Actor) bool {
	return a.ID == b.ID && a.Kind == b.Kind && a.Tenant == b.Tenant && a.Clearance == b.Clearance && slices.Equal(a.Roles, b.Roles) &&
		slices.Equal(a.Panel, b.Panel) && slices.Equal(a.CareGroups, b.CareGroups) && slices.Equal(a.Departments, b.Departments)
}

// entityOf is the principal that the policies see.
func entityOf(a clinical.Actor, self []clinical.ActorID) types.Entity {
	var parents []types.EntityUID
	if a.Kind == clinical.User { // roles are for people: on an agent or a device they mean nothing
		for _, r := range a.Roles {
			parents = append(parents, types.NewEntityUID("Role", types.String(r)))
		}
	}
	for _, g := range a.CareGroups {
		parents = append(parents, types.NewEntityUID("CareGroup", types.String(g)))
	}
	return types.Entity{
		UID:     types.NewEntityUID(principalTypes[a.Kind], types.String(a.ID)),
		Parents: types.NewEntityUIDSet(parents...),
		Attributes: types.NewRecord(types.RecordMap{
			"tenant":      types.NewEntityUID("Tenant", types.String(a.Tenant)),
			"panel":       uidSet("Patient", a.Panel),
			"careGroups":  uidSet("CareGroup", a.CareGroups),
			"clearance":   types.Long(a.Clearance),
			"departments": textSet(a.Departments),
			"self":        uidSet("Actor", self),
		}),
	}
}
