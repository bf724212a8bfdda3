package server

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/rs/cors"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/fhir"
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
	mux := http.NewServeMux()
	mux.Handle("/graphql", crossOrigin(origins).Handler(inTime(r.Auth.Middleware(stopping.endStreams(graphql)))))
	mux.Handle(uploads.BasePath, stopping.endUploads(tus))
	mux.Handle("/links/{token}", r.followLink(o.Log))
	mux.Handle("GET "+jwksPath, r.jwks())
	mux.HandleFunc("GET /healthz", alive)
	mux.Handle("GET /readyz", r.readiness())
	if c.PlaygroundOn(o.Dev) {
		mux.Handle(web.PlaygroundPath, web.Playground())
		mux.Handle("GET /{$}", http.RedirectHandler(web.PlaygroundPath, http.StatusFound))
	}
	return auth.Requests(o.Log, headers(c.PublicURL, mux), m.answered), nil
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
		AllowedMethods:  []string{http.MethodGet, http.MethodPost},
		AllowedHeaders: []string{
			"Authorization", "Content-Type", auth.PurposeHeader, auth.RequestIDHeader,
			"Apollo-Require-Preflight", "X-Apollo-Operation-Name", "GraphQL-Require-Preflight",
		},
		ExposedHeaders: []string{auth.RequestIDHeader},
		MaxAge:         7200,
	})
}
