package graph

import (
	"context"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/graph/model"
)

// Node resolves Query.node. An id does not say what it names: each noun's own
// verb is asked, under that noun's own rule, and what is hidden from the
// caller is as missing there as here.
func (q query) Node(ctx context.Context, id string) (model.Node, error) {
	finders := []func(context.Context, string) (model.Node, error){
		asNode(q.File), asNode(q.Note), asNode(q.Patient), asNode(q.encounter), asNode(q.Upload), asNode(q.auditEvent),
	}
	for _, find := range finders {
		if node, err := find(ctx, id); !clinical.Is(err, clinical.NotFound) {
			return node, err
		}
	}
	return nil, clinical.Missing()
}

func (q query) encounter(ctx context.Context, id string) (*model.Encounter, error) {
	e, err := q.records.Encounter(ctx, auth.Actor(ctx), clinical.EncounterID(id))
	return translated(e, err, encounterOf)
}

// asNode keeps a nil pointer from becoming a Node that is not nil.
func asNode[N model.Node](find func(context.Context, string) (N, error)) func(context.Context, string) (model.Node, error) {
	return func(ctx context.Context, id string) (model.Node, error) {
		n, err := find(ctx, id)
		if err != nil {
			return nil, err
		}
		return n, nil
	}
}
