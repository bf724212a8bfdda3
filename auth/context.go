package auth

import (
	"context"

	"github.com/bonfiredb/bonfire/clinical"
)

type contextKey int

const (
	actorKey contextKey = iota
	requestKey
)

// Actor is who makes the request of ctx; the zero Actor when nobody proved to
// be anybody. Its Session carries the request's id in either case. Only edges
// read it: verbs take an actor as a parameter.
func Actor(ctx context.Context) clinical.Actor {
	a, _ := ctx.Value(actorKey).(clinical.Actor)
	if a.Session.RequestID == "" {
		a.Session.RequestID = RequestID(ctx)
	}
	return a
}

// WithActor returns ctx with the actor of the request, and puts the actor's id
// into the request's log event.
func WithActor(ctx context.Context, a clinical.Actor) context.Context {
	if r := requestOf(ctx); r != nil {
		r.noteActor(a.ID)
	}
	return context.WithValue(ctx, actorKey, a)
}

// RequestID is the id of the request of ctx; "" outside of [Requests].
func RequestID(ctx context.Context) string {
	if r := requestOf(ctx); r != nil {
		return r.id
	}
	return ""
}

func requestOf(ctx context.Context) *request {
	r, _ := ctx.Value(requestKey).(*request)
	return r
}
