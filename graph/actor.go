package graph

import (
	"context"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/graph/model"
)

// Viewer resolves Query.viewer: who is asking.
func (q query) Viewer(ctx context.Context) (*model.Viewer, error) {
	a := auth.Actor(ctx)
	return &model.Viewer{ID: string(a.ID), Display: a.Display, TenantID: string(a.Tenant), Roles: roleNames(a)}, nil
}

// roleNames are a user's roles; the kind of any other principal is its role.
func roleNames(a clinical.Actor) []string {
	if a.Kind != clinical.User {
		return []string{string(a.Kind)}
	}
	names := make([]string, 0, len(a.Roles))
	for _, r := range a.Roles {
		names = append(names, string(r))
	}
	return names
}

// principal shows another principal of the tenant: by id alone where there is
// no more to be shown of it.
func principal(ctx context.Context, id clinical.ActorID) (*model.Actor, error) {
	a, err := loadersOf(ctx).actors.load(ctx, id)
	if clinical.Is(err, clinical.NotFound) {
		return &model.Actor{ID: string(id)}, nil
	}
	return translated(a, err, actorOf)
}

func actorOf(a clinical.Actor) *model.Actor {
	out := &model.Actor{ID: string(a.ID), Display: optional(a.Display)}
	if names := roleNames(a); len(names) > 0 {
		out.Role = &names[0]
	}
	return out
}
