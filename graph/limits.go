package graph

import (
	"cmp"
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Limits of one request. Exceeding one is QUERY_LIMIT_EXCEEDED.
type Limits struct {
	// Body of a POST or a WebSocket message, bytes. A note of a million
	// characters must fit.
	Body int64
	// Tokens of the query's text. Validation compares fields in pairs: its time
	// grows with their square, 0.2 s for 2000.
	Tokens int
	// Depth of nested fields, fragments spread out; introspection not counted.
	Depth int
	// Aliases in all, fragments spread out.
	Aliases int
	// Cost by the schema's @cost: a field with sub-fields is 1 where it does
	// not say, a page multiplies what is below it.
	Cost int
}

func (l Limits) orDefaults() Limits {
	return Limits{
		Body:    cmp.Or(l.Body, 8<<20),
		Tokens:  cmp.Or(l.Tokens, 2000),
		Depth:   cmp.Or(l.Depth, 15),
		Aliases: cmp.Or(l.Aliases, 30),
		Cost:    cmp.Or(l.Cost, 10_000),
	}
}

// admission lets an operation run that is within the limits and fits the way
// it came in.
type admission struct {
	limits Limits
	schema *ast.Schema
}

// ExtensionName names the extension to gqlgen.
func (admission) ExtensionName() string { return "Admission" }

// Validate has nothing to check.
func (admission) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext refuses an operation, once it is parsed and valid and
// its variables are coerced.
func (a admission) MutateOperationContext(ctx context.Context, oc *graphql.OperationContext) *gqlerror.Error {
	e, kind := entryOf(ctx), oc.Operation.Operation
	switch {
	case kind == ast.Subscription && !e.stream:
		return refusal(codeBadRequest, "a subscription needs Server-Sent Events or a WebSocket")
	case kind != ast.Query && e.get && !e.socket():
		return refusal(codeBadRequest, "a GET takes queries only")
	}
	if name, ok := unknownEnum(a.schema, oc.Operation, oc.Variables); ok {
		return refusalOf(name, "must be one of the values of its type, in upper and lower case as there")
	}
	m := meter{vars: oc.Variables, fragments: map[string]measure{}}
	size := m.selections(oc.Operation.SelectionSet)
	switch {
	case size.depth > a.limits.Depth:
		return refusal(codeLimit, "the operation is nested too deeply")
	case size.aliases > a.limits.Aliases:
		return refusal(codeLimit, "the operation has too many aliases")
	case size.cost > a.limits.Cost:
		return refusal(codeLimit, "the operation costs too much: ask for fewer fields or smaller pages")
	case size.deferred && (kind != ast.Query || !e.inParts):
		return refusal(codeBadRequest, "@defer needs a query, and an answer in parts: multipart/mixed or text/event-stream")
	case size.deferred:
		oc.Stats.SetExtension(deferredKey, true)
	}
	return nil
}

// deferredKey marks an operation with @defer.
const deferredKey = "BonfireDeferred"

// InterceptOperation lets an operation with @defer run to its end when its
// client goes away. Were it cancelled, gqlgen might wait for ever for a part
// that has been given up.
func (a admission) InterceptOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	if graphql.GetOperationContext(ctx).Stats.GetExtension(deferredKey) != nil {
		ctx = context.WithoutCancel(ctx)
	}
	return next(ctx)
}
