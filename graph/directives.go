package graph

import (
	"context"
	"reflect"
	"regexp"
	"sync"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/graph/model"
)

// Where a field carries several directives, the last one listed runs first.
// CheckSchema leaves no choice: one access rule, and none beside it that runs.

// policy is the first check of a field under a rule: somebody is asking, for
// something there are rules about. Whether they may is decided inside the verb
// of package records, in the transaction of its effect.
func policy(
	ctx context.Context, _ any, next graphql.Resolver,
	action model.PolicyAction, resource model.PolicyResource, _ *string, _ model.PolicyPhase,
) (any, error) {
	if auth.Actor(ctx).Anonymous() {
		return nil, unauthenticated()
	}
	if !action.IsValid() || !resource.IsValid() {
		return nil, clinical.Fail(clinical.Internal, "access rule without a known action or resource", nil)
	}
	return next(ctx)
}

// authenticated lets any principal of a tenant pass; the resolver scopes the rows.
func authenticated(ctx context.Context, _ any, next graphql.Resolver) (any, error) {
	if auth.Actor(ctx).Anonymous() {
		return nil, unauthenticated()
	}
	return next(ctx)
}

// public lets everybody pass, for the reason that the schema states.
func public(ctx context.Context, _ any, next graphql.Resolver, _ string) (any, error) {
	return next(ctx)
}

func unauthenticated() error {
	return clinical.Fail(clinical.Unauthenticated, "send a bearer token", nil)
}

// constraint checks one input value against its limits. Null passes: whether
// a value must be there is for its type to say.
func constraint(
	ctx context.Context, _ any, next graphql.Resolver,
	least, most, minLength, maxLength *int, pattern *string,
) (any, error) {
	value, err := next(ctx)
	if err != nil {
		return nil, err
	}
	v := reflect.ValueOf(value)
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	words := ""
	switch v.Kind() {
	case reflect.Int, reflect.Int64:
		if outside(v.Int(), least, most) {
			words = "is out of range"
		}
	case reflect.String:
		words = checkText(v.String(), minLength, maxLength, pattern)
	case reflect.Slice:
		if outside(int64(v.Len()), minLength, maxLength) {
			words = "has too few or too many items"
		}
	}
	if words != "" {
		return nil, clinical.Bad(inputField(ctx), words)
	}
	return value, nil
}

func checkText(s string, minLength, maxLength *int, pattern *string) string {
	switch {
	case outside(int64(utf8.RuneCountInString(s)), minLength, maxLength):
		return "is too short or too long"
	case pattern != nil && !compiled(*pattern).MatchString(s):
		return "is malformed"
	}
	return ""
}

func outside(n int64, least, most *int) bool {
	return least != nil && n < int64(*least) || most != nil && n > int64(*most)
}

// inputField is the name of the argument or input field being read.
func inputField(ctx context.Context) string {
	for path := graphql.GetPathContext(ctx); path != nil; path = path.Parent {
		if path.Field != nil {
			return *path.Field
		}
	}
	return ""
}

// patterns holds the compiled ones: as many as the schema has.
var patterns sync.Map

// compiled is the pattern's expression; CheckSchema has seen that it compiles.
func compiled(pattern string) *regexp.Regexp {
	if re, ok := patterns.Load(pattern); ok {
		return re.(*regexp.Regexp)
	}
	re := regexp.MustCompile(pattern)
	patterns.Store(pattern, re)
	return re
}
