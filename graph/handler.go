package graph

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/fhir"
	"github.com/bonfiredb/bonfire/graph/generated"
	"github.com/bonfiredb/bonfire/records"
)

// Authenticator proves who stands behind an Authorization value. A WebSocket
// may bring its own in connection_init, after the HTTP middleware has run.
type Authenticator interface {
	// Authenticate gives the actor of an Authorization value ("Bearer ..."),
	// asking for the purpose of use given or, when that is empty, for its own.
	// An empty value is the zero Actor.
	Authenticate(ctx context.Context, authorization string, purpose clinical.PurposeOfUse) (clinical.Actor, error)
}

// Options are what the handler is made of.
type Options struct {
	Records *records.Records
	FHIR    fhir.Renderer
	Auth    Authenticator
	// PublicURL is the absolute address of this server as clients see it;
	// upload URLs start with it.
	PublicURL string
	// ChunkSize is how many bytes clients should send in one PATCH.
	ChunkSize int64
	// Introspection lets clients read the schema, and suggests names for misspelt ones.
	Introspection bool
	// Origins are the web origins ("https://app.example") whose pages may open
	// streams, beside PublicURL and the host asked; "*" is any.
	Origins []string
	// Limits of a request; zero fields take the defaults.
	Limits Limits
	// Log is slog.Default() when nil.
	Log *slog.Logger
}

// keepAlive is how often an idle stream sends something: well below the
// minute after which common proxies close a silent connection.
const keepAlive = 20 * time.Second

// New makes the handler of /graphql, ready for production. It expects the
// actor and the id of a request in its context, put there by package auth.
// It fails when an option is missing or malformed, or when CheckSchema finds
// a field without its access rule.
func New(opts Options) (http.Handler, error) {
	return serve(opts, &resolver{
		records:   opts.Records,
		fhir:      opts.FHIR,
		publicURL: strings.TrimRight(opts.PublicURL, "/"),
		chunkSize: opts.ChunkSize,
	})
}

// serve is New with the resolvers given.
func serve(opts Options, root generated.ResolverRoot) (http.Handler, error) {
	origins, err := opts.check()
	if err != nil {
		return nil, err
	}
	opts.Log = cmp.Or(opts.Log, slog.Default())
	opts.Limits = opts.Limits.orDefaults()
	schema := generated.NewExecutableSchema(generated.Config{
		Resolvers:  root,
		Directives: generated.DirectiveRoot{Policy: policy, Authenticated: authenticated, Public: public, Constraint: constraint},
	})
	if errs := CheckSchema(schema.Schema()); len(errs) > 0 {
		return nil, fmt.Errorf("graphql schema: %w", errors.Join(errs...))
	}

	return &door{inside: newServer(opts, schema), origins: origins, body: opts.Limits.Body, log: opts.Log}, nil
}

// newServer sets gqlgen up. Its own defaults are for examples: it shows errors
// and panics as they are, and knows no limits.
func newServer(opts Options, schema graphql.ExecutableSchema) *handler.Server {
	show := &presenter{log: opts.Log}
	live := &streams{auth: opts.Auth, presenter: show, limit: opts.Limits.Body}
	srv := handler.New(schema)
	srv.SetErrorPresenter(show.present)
	srv.SetRecoverFunc(show.recover)
	srv.SetParserTokenLimit(opts.Limits.Tokens)
	srv.SetDisableSuggestion(!opts.Introspection)
	srv.SetQueryCache(newCache[*ast.QueryDocument](queryCacheSize))
	// The first that fits answers: POST fits what the ones before it want.
	srv.AddTransport(live.websocket())
	srv.AddTransport(transport.SSE{KeepAlivePingInterval: keepAlive})
	srv.AddTransport(transport.MultipartMixed{Boundary: "graphql", DeliveryTimeout: 10 * time.Millisecond})
	srv.AddTransport(transport.GET{})
	srv.AddTransport(transport.POST{})
	srv.Use(persisted{queries: newCache[string](persistedCacheSize)})
	srv.Use(admission{limits: opts.Limits, schema: schema.Schema()})
	srv.Use(live)
	srv.Use(journal{log: opts.Log})
	srv.Use(endings{show}) // inside the journal, which hears of them
	srv.Use(perResponse{records: opts.Records})
	if opts.Introspection {
		srv.Use(extension.Introspection{})
	}
	return srv
}

// check refuses options that would only fail later, and gives the origins
// whose pages may open streams.
func (o Options) check() (origins, error) {
	public, err := url.Parse(o.PublicURL)
	switch {
	case o.Records == nil || o.Auth == nil:
		return nil, errors.New("graphql: Records and Auth are required")
	case err != nil || public.Host == "" || public.Scheme != "https" && public.Scheme != "http":
		return nil, errors.New("graphql: PublicURL must be an absolute http or https URL")
	case o.ChunkSize <= 0:
		return nil, errors.New("graphql: ChunkSize must be above zero")
	}
	return parseOrigins(append([]string{public.Scheme + "://" + public.Host}, o.Origins...))
}
