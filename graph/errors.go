package graph

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
)

// codes translate kinds of failure to extensions.code: the one place.
var codes = map[clinical.Kind]string{
	clinical.Internal:         codeInternal,
	clinical.Unauthenticated:  "UNAUTHENTICATED",
	clinical.NotFound:         "NOT_FOUND",
	clinical.Forbidden:        "FORBIDDEN",
	clinical.Invalid:          codeInput,
	clinical.Conflict:         "CONFLICT",
	clinical.Busy:             codeUnavailable,
	clinical.TooLarge:         "TOO_LARGE",
	clinical.Unsupported:      "UNSUPPORTED",
	clinical.Gone:             "GONE",
	clinical.ChecksumMismatch: "CHECKSUM_MISMATCH",
	clinical.Quarantined:      "QUARANTINED",
	clinical.Unavailable:      codeUnavailable,
	clinical.NotImplemented:   "NOT_IMPLEMENTED",
}

// Codes that the edge itself answers with, beside gqlgen's
// GRAPHQL_PARSE_FAILED and GRAPHQL_VALIDATION_FAILED.
const (
	codeInternal    = "INTERNAL_SERVER_ERROR"
	codeUnavailable = "UNAVAILABLE"
	codeInput       = "BAD_USER_INPUT"
	codeBadRequest  = "BAD_REQUEST"
	codeLimit       = "QUERY_LIMIT_EXCEEDED"
)

// These end a request before it runs: HTTP 422, a WebSocket's "error" message.
func init() {
	for _, code := range []string{codeBadRequest, codeLimit, codeInput} {
		errcode.RegisterErrorType(code, errcode.KindProtocol)
	}
}

// refusal is an error of the edge, in constant words.
func refusal(code, words string) *gqlerror.Error {
	return &gqlerror.Error{Message: words, Extensions: map[string]any{"code": code}}
}

// refusalOf is bad input in one field.
func refusalOf(field, words string) *gqlerror.Error {
	return &gqlerror.Error{Message: words, Extensions: map[string]any{"code": codeInput, "field": field}}
}

// presenter turns every error into what a client may see: a code, constant
// words, the field at fault and the request's id. The cause of a fault of ours
// goes to the log.
type presenter struct{ log *slog.Logger }

func (p *presenter) present(ctx context.Context, err error) *gqlerror.Error {
	out := p.classify(ctx, err)
	out.Extensions["requestId"] = auth.RequestID(ctx)
	var known *gqlerror.Error
	if errors.As(err, &known) {
		out.Locations = known.Locations
		if responsePath(known.Path) {
			out.Path = known.Path
		}
	}
	if fc, ok := failedArguments(ctx); ok {
		out.Path = fc.Path() // and not the path inside the arguments
	}
	return out
}

func (p *presenter) classify(ctx context.Context, err error) *gqlerror.Error {
	var known *gqlerror.Error
	errors.As(err, &known)
	if failure := clinical.AsFailure(err); failure != nil {
		return p.failure(ctx, failure, known)
	}
	if known != nil && known.Extensions["code"] != nil {
		return rewordLibrary(known)
	}
	if _, ok := failedArguments(ctx); ok && known != nil {
		return refusalOf(lastName(known.Path), "is not a value of its type")
	}
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return refusal(codeUnavailable, "the request ended before its answer was ready")
	case known != nil && known.Message == "introspection disabled":
		return refusal(errcode.ValidationFailed, "introspection is off")
	}
	p.fault(ctx, slog.LevelError, err)
	return refusal(codeInternal, "internal error")
}

// failure gives a failure's own words, but those of a fault of ours.
func (p *presenter) failure(ctx context.Context, f *clinical.Failure, known *gqlerror.Error) *gqlerror.Error {
	code, ok := codes[f.Kind]
	switch {
	case !ok, f.Kind == clinical.Internal:
		p.fault(ctx, slog.LevelError, f)
		return refusal(codeInternal, "internal error")
	case f.Kind == clinical.Unavailable:
		p.fault(ctx, slog.LevelWarn, f)
	}
	out := refusal(code, f.Words)
	field := f.Field
	if _, inArguments := failedArguments(ctx); inArguments && field == "" && known != nil {
		field = lastName(known.Path)
	}
	if field != "" {
		out.Extensions["field"] = field
	}
	if len(f.Allowed) > 0 {
		out.Extensions["allowed"] = f.Allowed
	}
	return out
}

// recover answers a panic. Its value may be anything, a patient's name too:
// neither the client nor the log gets it, but for the runtime's own errors.
func (p *presenter) recover(ctx context.Context, value any) error {
	what := fmt.Sprintf("%T", value)
	if fault, ok := value.(runtime.Error); ok {
		what = fault.Error()
	}
	p.log.LogAttrs(ctx, slog.LevelError, "graphql panic", slog.String("request", auth.RequestID(ctx)),
		slog.String("field", fieldName(ctx)), slog.String("panic", what), slog.String("stack", string(debug.Stack())))
	return refusal(codeInternal, "internal error")
}

// fault logs the cause of a failure with the schema's name of the field.
func (p *presenter) fault(ctx context.Context, level slog.Level, err error) {
	p.log.LogAttrs(ctx, level, "graphql fault", slog.String("request", auth.RequestID(ctx)),
		slog.String("field", fieldName(ctx)), slog.String("error", err.Error()))
}

func fieldName(ctx context.Context) string {
	fc := graphql.GetFieldContext(ctx)
	if fc == nil || fc.Field.Field == nil {
		return ""
	}
	return fc.Object + "." + fc.Field.Name
}

// failedArguments is the field whose arguments could not be read: it has some,
// and they are not there yet.
func failedArguments(ctx context.Context) (*graphql.FieldContext, bool) {
	fc := graphql.GetFieldContext(ctx)
	if fc == nil || fc.Field.Field == nil || fc.Field.Definition == nil {
		return nil, false
	}
	return fc, fc.Args == nil && len(fc.Field.Definition.Arguments) > 0
}

// lastName is the innermost name of a path: the input field at fault.
func lastName(path ast.Path) string {
	for i := len(path) - 1; i >= 0; i-- {
		if name, ok := path[i].(ast.PathName); ok {
			return string(name)
		}
	}
	return ""
}

// responsePath reports whether path is one of the answer: gqlparser's paths of
// variables are not.
func responsePath(path ast.Path) bool {
	return len(path) == 0 || path[0] != ast.PathName(variablePath)
}
