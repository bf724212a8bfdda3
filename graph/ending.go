package graph

import (
	"context"
	"iter"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/bonfiredb/bonfire/clinical"
)

// slowest is how long a stream waits for its client to take one event.
const slowest = 30 * time.Second

// ending holds the error that a stream ends with. gqlgen's channels carry
// values only, and its own way to end with an error is the WebSocket's alone.
type ending struct {
	mu   sync.Mutex
	err  error
	path ast.Path
}

type endingKey struct{}

// endWith makes err the last answer of the stream that ctx belongs to.
func endWith(ctx context.Context, err error) {
	e, ok := ctx.Value(endingKey{}).(*ending)
	if !ok {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.err, e.path = err, graphql.GetPath(ctx)
}

// take gives the error once.
func (e *ending) take() (path ast.Path, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	err, e.err = e.err, nil
	return e.path, err
}

// endings answer the error that a stream ended with, over whatever transport,
// before the stream is complete.
type endings struct{ presenter *presenter }

// ExtensionName names the extension to gqlgen.
func (endings) ExtensionName() string { return "Endings" }

// Validate has nothing to check.
func (endings) Validate(graphql.ExecutableSchema) error { return nil }

// InterceptOperation gives the operation a place for the error.
func (endings) InterceptOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	return next(context.WithValue(ctx, endingKey{}, &ending{}))
}

// InterceptResponse answers the error once there is nothing else to answer.
func (x endings) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	response := next(ctx)
	e, ok := ctx.Value(endingKey{}).(*ending)
	if response != nil || !ok {
		return response
	}
	path, err := e.take()
	if err == nil {
		return nil
	}
	shown := x.presenter.present(ctx, err)
	shown.Path = path
	return &graphql.Response{Errors: gqlerror.List{shown}}
}

// follow hands a verb's events on as the schema shows them, until it ends, the
// client goes away or is too slow. Nothing is kept for the slow: the next event
// is asked for when the last one was taken.
func follow[N, M any](ctx context.Context, events iter.Seq2[N, error], as func(N) M) <-chan M {
	out := make(chan M)
	go func() {
		defer close(out)
		defer func() { // this goroutine is ours: nobody else would catch it
			if v := recover(); v != nil {
				endWith(ctx, graphql.GetOperationContext(ctx).Recover(ctx, v))
			}
		}()
		for n, err := range events {
			if err != nil {
				endWith(ctx, err)
				return
			}
			patience := time.NewTimer(slowest)
			select {
			case out <- as(n):
			case <-ctx.Done():
			case <-patience.C:
				err = clinical.Fail(clinical.Unavailable, "events were taken too slowly: open the stream again", nil)
			}
			patience.Stop()
			if err != nil {
				endWith(ctx, err)
			}
			if err != nil || ctx.Err() != nil {
				return
			}
		}
	}()
	return out
}
