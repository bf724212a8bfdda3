package graph

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// origins are the web origins (RFC 6454) whose pages may open streams.
type origins []string

// parseOrigins takes "scheme://host[:port]" or "*" and refuses anything else:
// a pattern that is matched loosely lets https://clinic.example.evil.test in.
func parseOrigins(list []string) (origins, error) {
	out := make(origins, 0, len(list))
	for _, o := range list {
		u, err := url.Parse(o)
		whole := err == nil && u.Host != "" && u.Scheme+"://"+u.Host == o
		if o != "*" && (!whole || strings.Contains(o, "*")) {
			return nil, fmt.Errorf("graphql: %q is not an origin: scheme://host[:port]", o)
		}
		out = append(out, strings.ToLower(o))
	}
	return out, nil
}

// allow reports whether the page that sends r may open a stream: one without
// an Origin (no browser), one of the host asked, or one that is listed. Whole
// origins are compared, never parts of them.
func (o origins) allow(r *http.Request) bool {
	values := r.Header.Values("Origin")
	if len(values) == 0 {
		return true
	}
	if len(values) > 1 {
		return false
	}
	origin := strings.ToLower(values[0])
	for _, known := range o {
		if known == "*" || known == origin {
			return true
		}
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && u.Scheme+"://"+u.Host == origin && strings.EqualFold(u.Host, r.Host)
}
