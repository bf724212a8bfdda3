package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/records"
)

// loaders are those of one response. They ask in the name of its actor, so
// that nobody sees through them what a verb would not show.
type loaders struct {
	actors   *loader[clinical.ActorID, clinical.Actor]
	patients *loader[clinical.PatientID, clinical.Patient]
	files    *loader[clinical.FileID, clinical.File]
	notes    *loader[clinical.NoteID, clinical.Note]
}

type loadersKey struct{}

func loadersOf(ctx context.Context) *loaders { return ctx.Value(loadersKey{}).(*loaders) }

// perResponse gives each response loaders of its own: what one event of a
// stream saw, the next looks up again.
type perResponse struct{ records *records.Records }

// ExtensionName names the extension to gqlgen.
func (perResponse) ExtensionName() string { return "Loaders" }

// Validate has nothing to check.
func (perResponse) Validate(graphql.ExecutableSchema) error { return nil }

// InterceptResponse puts the loaders into the context.
func (p perResponse) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	actor := auth.Actor(ctx)
	return next(context.WithValue(ctx, loadersKey{}, &loaders{
		actors: newLoader(together(func(ctx context.Context, ids []clinical.ActorID) (map[clinical.ActorID]clinical.Actor, error) {
			return p.records.Principals(ctx, actor, ids)
		})),
		patients: newLoader(each(func(ctx context.Context, id clinical.PatientID) (clinical.Patient, error) {
			return p.records.Patient(ctx, actor, id)
		})),
		files: newLoader(together(func(ctx context.Context, ids []clinical.FileID) (map[clinical.FileID]clinical.File, error) {
			return p.records.FilesByID(ctx, actor, ids)
		})),
		notes: newLoader(together(func(ctx context.Context, ids []clinical.NoteID) (map[clinical.NoteID]clinical.Note, error) {
			return p.records.NotesByID(ctx, actor, ids)
		})),
	}))
}
