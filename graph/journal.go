package graph

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/bonfiredb/bonfire/auth"
)

// journal tells the log of each response: the root fields by the schema's names,
// the codes of its errors. Of a plain request that goes into the event which the
// edge writes of it; what a stream or a socket answers has events of its own, with
// request, actor and latency. Names that the client chose (operation, aliases,
// variables) stay out: they are free text.
type journal struct{ log *slog.Logger }

// ExtensionName names the extension to gqlgen.
func (journal) ExtensionName() string { return "Journal" }

// Validate has nothing to check.
func (journal) Validate(graphql.ExecutableSchema) error { return nil }

// InterceptResponse logs what next answers.
func (j journal) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	began := time.Now()
	response := next(ctx)
	if response == nil { // the end of a stream
		return nil
	}
	attrs, stream := []slog.Attr{}, false
	if graphql.HasOperationContext(ctx) {
		if op := graphql.GetOperationContext(ctx).Operation; op != nil {
			attrs = append(attrs, slog.String("operation", string(op.Operation)), slog.Any("verbs", rootFields(op)))
			stream = op.Operation == ast.Subscription
		}
	}
	if len(response.Errors) > 0 {
		attrs = append(attrs, slog.Any("codes", errorCodes(response.Errors)))
	}
	if !stream && auth.Describe(ctx, attrs...) {
		return response
	}
	attrs = append(attrs, slog.String("request", auth.RequestID(ctx)), slog.Duration("latency", time.Since(began)))
	if actor := auth.Actor(ctx); !actor.Anonymous() {
		attrs = append(attrs, slog.String("actor", string(actor.ID)))
	}
	j.log.LogAttrs(ctx, slog.LevelInfo, "graphql", attrs...)
	return response
}

// rootFields are the distinct root fields of an operation.
func rootFields(op *ast.OperationDefinition) []string {
	var names []string
	var walk func(ast.SelectionSet)
	walk = func(set ast.SelectionSet) {
		for _, s := range set {
			switch s := s.(type) {
			case *ast.Field:
				if !slices.Contains(names, s.Name) {
					names = append(names, s.Name)
				}
			case *ast.InlineFragment:
				walk(s.SelectionSet)
			case *ast.FragmentSpread:
				walk(s.Definition.SelectionSet)
			}
		}
	}
	walk(op.SelectionSet)
	return names
}

func errorCodes(errs gqlerror.List) []string {
	var out []string
	for _, err := range errs {
		code, _ := err.Extensions["code"].(string)
		if !slices.Contains(out, code) {
			out = append(out, code)
		}
	}
	return out
}
