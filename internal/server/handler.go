package server

import (
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/rs/cors"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/fhir"
	"github.com/bonfiredb/bonfire/fhirapi"
	"github.com/bonfiredb/bonfire/graph"
	"github.com/bonfiredb/bonfire/uploads"
	"github.com/bonfiredb/bonfire/web"
)

// handler is everything that clients reach. Streams and uploads end when
// stopping does; other requests are let finish.
func (r *Rooms) handler(o Options, m *metrics, stopping lifetimes) (http.Handler, error) {
	c := o.Config
	origins := append(append([]string{}, o.Origins...), c.CORSOrigins...)
	graphql, err := graph.New(graph.Options{
		Records: r.Records, Auth: r.Auth, PublicURL: c.PublicURL, ChunkSize: int64(c.PartSize),
		Introspection: c.IntrospectionOn(o.Dev), Origins: origins, Log: o.Log, FHIR: renderer(c.PublicURL, c.FHIRSystems),
	})
	if err != nil {
		return nil, err
	}
	tus, err := uploads.New(uploads.Options{
		Records: r.Records, Authenticate: r.Auth.Middleware, Origins: origins, PublicURL: c.PublicURL, Log: o.Log,
	})
	if err != nil {
		return nil, err
	}
	facade, err := r.facade(o)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/graphql", crossOrigin(origins).Handler(inTime(r.Auth.Middleware(stopping.endStreams(graphql)))))
	mux.Handle(fhirapi.BasePath, crossOrigin(origins).Handler(inTime(facade)))
	mux.Handle(uploads.BasePath, stopping.endUploads(tus))
	mux.Handle("/links/{token}", r.followLink(o.Log))
	mux.Handle("GET "+jwksPath, r.jwks())
	mux.HandleFunc("GET /healthz", alive)
	mux.Handle("GET /readyz", r.readiness())
	if err := r.pages(o, mux); err != nil {
		return nil, err
	}
	return auth.Requests(o.Log, headers(c.PublicURL, mux), m.answered), nil
}

// pages mounts what is for a browser: the console and the playground, which
// answers for the front door where there is no console.
func (r *Rooms) pages(o Options, mux *http.ServeMux) error {
	console, playground := o.Config.ConsoleOn(o.Dev), o.Config.PlaygroundOn(o.Dev)
	if playground {
		mux.Handle(web.PlaygroundPath, web.Playground())
	}
	if playground && !console {
		mux.Handle("GET /{$}", http.RedirectHandler(web.PlaygroundPath, http.StatusFound))
	}
	if !console {
		return nil
	}
	if o.Dev {
		mux.Handle("POST "+devSignInPath, devSignIn(o.DevKey))
	}
	return r.console(o, mux)
}

// facade is the FHIR REST facade, with a token checked in its own words.
func (r *Rooms) facade(o Options) (http.Handler, error) {
	version, released := built()
	return fhirapi.New(fhirapi.Options{
		Records: r.Records, FHIR: renderer(o.Config.PublicURL, o.Config.FHIRSystems), Authenticate: r.Auth.MiddlewareWith,
		Version: version, Released: released, Log: o.Log,
	})
}

// built is the program's version and when its source was, as the compiler
// noted; where it did not, when it was started.
func built() (version string, at time.Time) {
	at = time.Now()
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "", at
	}
	for _, s := range info.Settings {
		if noted, err := time.Parse(time.RFC3339, s.Value); s.Key == "vcs.time" && err == nil {
			at = noted
		}
	}
	return info.Main.Version, at
}

func renderer(publicURL, systems string) fhir.Renderer {
	base := strings.TrimRight(publicURL, "/")
	if systems == "" {
		systems = base + "/fhir"
	}
	host := ""
	if u, err := url.Parse(publicURL); err == nil {
		host = u.Hostname()
	}
	return fhir.Renderer{Base: base + "/fhir/R4", Systems: systems, Server: host}
}

// headers confines whatever is answered; pages widen it for themselves.
func headers(publicURL string, next http.Handler) http.Handler {
	confined := web.SecurityHeaders("default-src 'none'; frame-ancestors 'none'")(next)
	if !strings.HasPrefix(publicURL, "https://") {
		return confined
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { // RFC 6797
		w.Header().Set("Strict-Transport-Security", "max-age=31536000")
		confined.ServeHTTP(w, r)
	})
}

// crossOrigin lets pages of the named origins call the API, compared whole:
// the library's own patterns are not used. No cookies are taken anywhere, so
// credentials stay off.
func crossOrigin(origins []string) *cors.Cors {
	allowed := make(map[string]bool, len(origins))
	for _, o := range origins {
		allowed[o] = true
	}
	return cors.New(cors.Options{
		AllowOriginFunc: func(origin string) bool { return allowed[origin] },
		AllowedMethods:  []string{http.MethodGet, http.MethodHead, http.MethodPost},
		AllowedHeaders: []string{
			"Authorization", "Content-Type", auth.PurposeHeader, auth.RequestIDHeader,
			"If-None-Match", "If-Modified-Since", "Prefer",
			"Apollo-Require-Preflight", "X-Apollo-Operation-Name", "GraphQL-Require-Preflight",
		},
		ExposedHeaders: []string{auth.RequestIDHeader, "ETag", "Last-Modified", "Location"},
		MaxAge:         7200,
	})
}
