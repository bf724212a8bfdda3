package records

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
	"github.com/bonfiredb/bonfire/store"
)

// Categories are what a file can always be filed under; those that kinds of the
// registry name come on top.
var Categories = []string{"clinical-note", "media", "administrative", "laboratory", "raw"}

// kindsFresh is how long a tenant's registry is believed without asking again.
const kindsFresh = 5 * time.Second

// registry is what one tenant takes: its own entries over those of the
// deployment's file over the shipped ones.
type registry struct {
	kinds   []clinical.FileKind
	retired map[string]clinical.FileKind
	read    time.Time
}

// find gives a kind that new files may be of.
func (g registry) find(code string) (clinical.FileKind, bool) {
	i := slices.IndexFunc(g.kinds, func(k clinical.FileKind) bool { return k.Code == code })
	if i < 0 {
		return clinical.FileKind{}, false
	}
	return g.kinds[i], true
}

// everKnown gives a kind that files may be of which came in earlier, too.
func (g registry) everKnown(code string) (clinical.FileKind, bool) {
	if k, ok := g.find(code); ok {
		return k, true
	}
	k, ok := g.retired[code]
	return k, ok
}

// categories lists what files may be filed under.
func (g registry) categories() []string {
	out := slices.Clone(Categories)
	for _, k := range g.kinds {
		if !slices.Contains(out, k.Category) {
			out = append(out, k.Category)
		}
	}
	return out
}

func (g registry) knowsCategory(name string) bool { return slices.Contains(g.categories(), name) }

// with lays a tenant's own entries over the deployment's.
func (g registry) with(own []clinical.TenantKind) registry {
	out := registry{kinds: slices.Clone(g.kinds), retired: maps.Clone(g.retired), read: g.read}
	if out.retired == nil {
		out.retired = map[string]clinical.FileKind{}
	}
	for _, k := range own {
		at := slices.IndexFunc(out.kinds, func(o clinical.FileKind) bool { return o.Code == k.Code })
		switch {
		case k.Retired && at >= 0:
			out.retired[k.Code], out.kinds = k.FileKind, slices.Delete(out.kinds, at, at+1)
		case k.Retired:
			out.retired[k.Code] = k.FileKind
		case at >= 0:
			out.kinds[at] = k.FileKind
		default:
			out.kinds = append(out.kinds, k.FileKind)
		}
	}
	return out
}

// registries remembers each tenant's registry for a few seconds.
type registries struct {
	mu   sync.Mutex
	seen map[clinical.TenantID]registry
}

// registryOf is the tenant's registry as it was seconds ago. It reads on its
// own: not to be asked within a verb's transaction. When the database does not
// answer, what was known before is better than nothing.
func (r *Records) registryOf(ctx context.Context, tenant clinical.TenantID) (registry, error) {
	if r.Store == nil { // an edge on its own, without rows
		return registry{kinds: r.Options.Kinds}, nil
	}
	r.kinds.mu.Lock()
	known, ok := r.kinds.seen[tenant]
	r.kinds.mu.Unlock()
	if now := r.Now(); ok && now.Sub(known.read) < kindsFresh && !now.Before(known.read) {
		return known, nil
	}
	var own []clinical.TenantKind
	err := r.Store.InTx(ctx, tenant, func(ctx context.Context, tx *store.Tx) (err error) {
		own, err = tx.Kinds(ctx)
		return err
	})
	if err != nil {
		if ok {
			return known, nil
		}
		return registry{}, err
	}
	fresh := registry{kinds: r.Options.Kinds, read: r.Now()}.with(own)
	r.kinds.mu.Lock()
	r.kinds.seen[tenant] = fresh
	r.kinds.mu.Unlock()
	return fresh, nil
}

// registry is that of the actor's tenant.
func (r *Records) registry(ctx context.Context, actor clinical.Actor) (registry, error) {
	if actor.Anonymous() {
		return registry{}, clinical.Fail(clinical.Unauthenticated, "sign in first", nil)
	}
	return r.registryOf(ctx, actor.Tenant)
}

// Kinds lists the registry of the actor's tenant.
func (r *Records) Kinds(ctx context.Context, actor clinical.Actor) ([]clinical.FileKind, error) {
	g, err := r.registry(ctx, actor)
	return slices.Clone(g.kinds), err
}

// Kind finds an entry of a tenant's registry, for showing a file of that kind;
// retired ones are found, too.
func (r *Records) Kind(ctx context.Context, tenant clinical.TenantID, code string) (clinical.FileKind, bool) {
	g, err := r.registryOf(ctx, tenant)
	if err != nil {
		g = registry{kinds: r.Options.Kinds}
	}
	return g.everKnown(code)
}

// SetKind adds an entry to the clinic's own registry, or replaces one as a whole;
// the earlier versions are kept. Other servers take it up within seconds.
// Uploads under way keep the terms that they began with. Invalid, naming the
// field, for an entry that makes no sense.
func (r *Records) SetKind(ctx context.Context, actor clinical.Actor, k clinical.FileKind) (clinical.TenantKind, error) {
	if wrong := k.Check(); len(wrong) > 0 && !actor.Anonymous() {
		return clinical.TenantKind{}, wrong[0]
	}
	return r.addKind(ctx, actor, "setKind", clinical.TenantKind{FileKind: k})
}

// RetireKind takes a kind out of the clinic's registry, a shipped one included:
// no new files of it, those that are there keep it. SetKind brings it back.
// NotFound when the registry has none of that code.
func (r *Records) RetireKind(ctx context.Context, actor clinical.Actor, code string) (clinical.TenantKind, error) {
	g, err := r.registry(ctx, actor)
	if err != nil {
		return clinical.TenantKind{}, err
	}
	k, ok := g.find(code)
	if !ok {
		return clinical.TenantKind{}, clinical.Missing().WithField("code")
	}
	return r.addKind(ctx, actor, "retireKind", clinical.TenantKind{FileKind: k, Retired: true})
}

func (r *Records) addKind(ctx context.Context, actor clinical.Actor, verb string, k clinical.TenantKind) (clinical.TenantKind, error) {
	err := r.act(ctx, actor, verb, func(ctx context.Context, c *call) error {
		d, err := c.permit(ctx, policy.Administer, policy.OfTenant(actor.Tenant))
		if err != nil {
			return err
		}
		k.SetBy, k.SetAt = actor.ID, c.now
		if k, err = c.AddKind(ctx, k); err != nil {
			return err
		}
		_, err = c.audit(ctx, d, detail("kind", k.Code))
		return err
	})
	if err == nil {
		r.kinds.mu.Lock()
		delete(r.kinds.seen, actor.Tenant)
		r.kinds.mu.Unlock()
	}
	return k, err
}
