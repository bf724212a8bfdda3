package web

import (
	"embed"
	"io/fs"
	"net/http"
	"strings"
)

// PlaygroundPath is where [Playground] is mounted. The page looks for the API at ../graphql.
const PlaygroundPath = "/playground/"

//go:embed all:playground/dist
var playgroundFiles embed.FS

// playgroundCSP lets the page load what is served beside it and speak to its own origin, and
// nothing else: no evaluated code, no inline script, no other host.
//
// Inline styles are allowed because Monaco, GraphiQL's editor, writes its themes and measures
// into style elements. 'self' in connect-src covers the WebSocket of the same host and port
// (CSP Level 3, section 6.7.2.8).
var playgroundCSP = strings.Join([]string{
	"default-src 'none'",
	"script-src 'self'",
	"style-src 'self' 'unsafe-inline'",
	"img-src 'self' data:",
	"font-src 'self'",
	"connect-src 'self'",
	"worker-src 'self'",
	"base-uri 'none'",
	"form-action 'none'",
	"frame-ancestors 'none'",
}, "; ")

// Playground serves GraphiQL below [PlaygroundPath], complete and confined to its own origin: it
// works on a network without a way out, and keeps queries, variables and tokens in the page's
// memory only.
//
//	mux.Handle(web.PlaygroundPath, web.Playground())
//
// It answers GET and HEAD to anyone: the page holds nothing that is not public. Whether it is
// served at all is the caller's choice (BONFIRE_PLAYGROUND).
func Playground() http.Handler {
	dist, err := fs.Sub(playgroundFiles, "playground/dist")
	if err != nil {
		panic("web: the playground is not embedded: " + err.Error())
	}
	confine := SecurityHeaders(playgroundCSP)
	return confine(http.StripPrefix(PlaygroundPath, mustLoadSite(dist)))
}
