package graph

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/bonfiredb/bonfire/auth"
)

// Sizes of the caches, in entries of at most maxCached bytes of query text.
const (
	persistedCacheSize = 1000
	queryCacheSize     = 250
	maxCached          = 8 << 10
)

// cache is an LRU that nobody can fill without a token, and no single entry
// of which is large: memory stays bounded whoever calls.
type cache[T any] struct{ *lru.LRU[T] }

func newCache[T any](entries int) cache[T] { return cache[T]{lru.New[T](entries)} }

// Add keeps the value for an authenticated caller, if its query is not large.
func (c cache[T]) Add(ctx context.Context, key string, value T) {
	text, ok := any(value).(string)
	if !ok {
		text = key // parsed queries are kept by their text
	}
	if len(text) <= maxCached && !auth.Actor(ctx).Anonymous() {
		c.LRU.Add(ctx, key, value)
	}
}

// persisted are automatic persisted queries as Apollo clients use them: a
// query is named by the SHA-256 of its text once the server has seen it
// (https://www.apollographql.com/docs/apollo-server/performance/apq).
type persisted struct{ queries cache[string] }

// ExtensionName names the extension to gqlgen.
func (persisted) ExtensionName() string { return "PersistedQueries" }

// Validate has nothing to check.
func (persisted) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters puts in the text of a query that was sent by its
// digest, and remembers one that was sent with both.
func (p persisted) MutateOperationParameters(ctx context.Context, params *graphql.RawParams) *gqlerror.Error {
	extension, ok := params.Extensions["persistedQuery"]
	if !ok {
		return nil
	}
	fields, _ := extension.(map[string]any)
	digest, _ := fields["sha256Hash"].(string)
	switch {
	case fmt.Sprint(fields["version"]) != "1" || len(digest) != hex.EncodedLen(sha256.Size):
		return refusal(codeBadRequest, "persistedQuery needs version 1 and sha256Hash")
	case params.Query == "":
		text, found := p.queries.Get(ctx, digest)
		if !found {
			return refusal("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")
		}
		params.Query = text
	case digest != digestOf(params.Query):
		return refusal(codeBadRequest, "sha256Hash is not the digest of the query")
	default:
		p.queries.Add(ctx, digest, params.Query)
	}
	return nil
}

func digestOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
