package graph

import (
	"context"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/graph/model"
)

// Kinds resolves Query.kinds: the registry of the caller's tenant.
func (q query) Kinds(ctx context.Context) ([]*model.Kind, error) {
	kinds, err := q.records.Kinds(ctx, auth.Actor(ctx))
	if err != nil {
		return nil, err
	}
	out := make([]*model.Kind, 0, len(kinds))
	for _, k := range kinds {
		out = append(out, kindOf(k))
	}
	return out, nil
}

func kindOf(k clinical.FileKind) *model.Kind {
	return &model.Kind{
		Code: k.Code, Display: k.Display, ResourceType: k.Resource, Category: k.Category,
		ContentTypes: k.ContentTypes, MaxSize: k.MaxSize, RequiresEncounter: k.RequiresEncounter,
	}
}
