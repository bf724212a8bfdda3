package web

import (
	"context"
	"embed"
	"io/fs"
	"net/http"
	"slices"
	"strings"
)

// ConsolePath is where [Console] is mounted. The page looks for the API beside itself.
const ConsolePath = "/"

//go:embed all:console/dist
var consoleFiles embed.FS

// consolePermissions lends the console the microphone, to record with, and nothing else.
var consolePermissions = strings.Replace(permissions, "microphone=()", "microphone=(self)", 1)

// Reach is whom the console may speak with beside the server that it came from.
type Reach struct {
	// API are origins that it may call: the server's public one, where the page was opened under
	// another name of it, and the identity provider's. Empty ones are left out.
	API []string
	// Bucket is the origin of signed URLs. Pages, pictures and recordings are shown from there.
	Bucket string
}

// consoleCSP lets the page load what is served beside it, call its API and show what signed URLs
// lead to, and nothing else: no evaluated code, no inline script or style, no other host. Frames
// are for PDFs, which the browser's own viewer shows.
func consoleCSP(to Reach) string {
	api := slices.DeleteFunc(slices.Clone(to.API), func(origin string) bool { return origin == "" })
	slices.Sort(api)
	return strings.Join([]string{
		"default-src 'none'",
		"script-src 'self'",
		"style-src 'self'",
		allow("img-src", "'self'", to.Bucket),
		allow("media-src", "'self'", to.Bucket),
		allow("frame-src", "'self'", to.Bucket),
		allow("connect-src", append([]string{"'self'"}, slices.Compact(api)...)...),
		"worker-src 'self'",
		"base-uri 'none'",
		"form-action 'none'",
		"frame-ancestors 'none'",
	}, "; ")
}

// allow writes one directive.
func allow(directive string, origins ...string) string {
	return strings.TrimSpace(directive + " " + strings.Join(origins, " "))
}

// Console serves the console at [ConsolePath]: a workbench in the browser, complete in this
// program. Tokens, patients and signed URLs stay in the page's memory.
//
// reach is asked for each page, because an identity provider may be found later than the first one
// is served; scripts and styles do not wait for it. The page is for anyone, like the playground's; what it shows is the API's to give.
func Console(reach func(context.Context) Reach) http.Handler {
	dist, err := fs.Sub(consoleFiles, "console/dist")
	if err != nil {
		panic("web: the console is not embedded: " + err.Error())
	}
	built := http.StripPrefix(ConsolePath, mustLoadSite(dist))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Permissions-Policy", consolePermissions)
			built.ServeHTTP(w, r)
		})
		var to Reach
		if !strings.HasPrefix(r.URL.Path, ConsolePath+"assets/") {
			to = reach(r.Context())
		}
		SecurityHeaders(consoleCSP(to))(page).ServeHTTP(w, r)
	})
}
