package server

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/bonfiredb/bonfire/internal/config"
	"github.com/bonfiredb/bonfire/internal/demo"
	"github.com/bonfiredb/bonfire/web"
)

// consoleSettingsPath is where the console reads how people sign in here.
const consoleSettingsPath = "/console.json"

// consoleSettings is what the console has to know before anybody has signed in.
// Anybody may read it.
type consoleSettings struct {
	Principals []demoPrincipal `json:"principals"` // of the demo clinic; none in production
	OIDC       *oidcSettings   `json:"oidc"`       // null without BONFIRE_OIDC_CLIENT_ID
	Playground bool            `json:"playground"`
}

type demoPrincipal struct {
	Name    string `json:"name"`
	Display string `json:"display"`
	Does    string `json:"does"`
}

type oidcSettings struct {
	Issuer        string `json:"issuer"`
	ClientID      string `json:"clientId"`
	Scope         string `json:"scope"`
	Authorization string `json:"authorizationEndpoint"`
	Token         string `json:"tokenEndpoint"`
}

// console mounts the console and what it asks before anybody has signed in.
func (r *Rooms) console(o Options, mux *http.ServeMux) error {
	bucket, err := r.Bucket.Origin(context.Background())
	if err != nil {
		return err
	}
	mux.Handle(web.ConsolePath, web.Console(func(ctx context.Context) web.Reach {
		reach := web.Reach{Bucket: bucket, API: []string{origin(o.Config.PublicURL)}}
		if provider, err := r.provider(ctx, o.Config); err == nil && provider != nil {
			reach.API = append(reach.API, origin(provider.Token))
		}
		return reach
	}))
	mux.Handle("GET "+consoleSettingsPath, r.consoleSettings(o))
	return nil
}

func (r *Rooms) consoleSettings(o Options) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		provider, err := r.provider(req.Context(), o.Config)
		if err != nil {
			http.Error(w, "the identity provider does not answer; try again", http.StatusServiceUnavailable)
			return
		}
		settings := consoleSettings{Principals: []demoPrincipal{}, OIDC: provider, Playground: o.Config.PlaygroundOn(o.Dev)}
		if o.Dev {
			for _, p := range demo.Principals() {
				settings.Principals = append(settings.Principals, demoPrincipal{p.Name, p.Actor.Display, p.Does})
			}
		}
		writeJSON(w, settings)
	})
}

// provider is where people sign in, by the issuer's own words; nil where the
// console has no client id.
func (r *Rooms) provider(ctx context.Context, c config.Config) (*oidcSettings, error) {
	if c.OIDCClient == "" || r.oidc == nil {
		return nil, nil
	}
	found, err := r.oidc.Endpoints(ctx)
	if err != nil {
		return nil, err
	}
	return &oidcSettings{
		Issuer: c.OIDCIssuer, ClientID: c.OIDCClient, Scope: c.OIDCScope, Authorization: found.Authorization, Token: found.Token,
	}, nil
}

// origin is the web origin of an address; "" where it has none.
func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// writeJSON answers with what no cache may keep.
func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(v)
}
