package fhirapi

import (
	"cmp"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/fhir"
	"github.com/bonfiredb/bonfire/records"
)

// BasePath is where the facade is mounted.
const BasePath = "/fhir/R4/"

// Options are what the facade is made of.
type Options struct {
	Records *records.Records
	// FHIR renders; its Base is the facade's own public address.
	FHIR fhir.Renderer
	// Authenticate puts the actor into the context of a request, or answers with
	// the function given.
	Authenticate func(refuse func(http.ResponseWriter, *http.Request, error)) func(http.Handler) http.Handler
	// Version and Released are the program's, for its CapabilityStatement.
	Version  string
	Released time.Time
	// Log is slog.Default() when nil.
	Log *slog.Logger
}

// New makes the handler of BasePath. It expects the id of the request in its
// context, put there by package auth.
func New(o Options) (http.Handler, error) {
	if o.Records == nil || o.Authenticate == nil || o.FHIR.Base == "" {
		return nil, errors.New("fhirapi: Records, FHIR and Authenticate are required")
	}
	f := &facade{Options: o}
	f.Log = cmp.Or(o.Log, slog.Default())
	return f.Authenticate(f.fail)(f), nil
}

type facade struct{ Options }

// request is one request on its way: who asks, for what, in which words.
type request struct {
	*http.Request
	actor clinical.Actor
	w     http.ResponseWriter
	// asked are the parameters, without those about the answer's form.
	asked parameters
	// summary is which elements are wanted; "" is all.
	summary fhir.Summary
	// native: the accepted type is not FHIR's.
	native bool
}

// ServeHTTP answers one request.
func (f *facade) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Vary", "Accept, Authorization, Prefer")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		f.fail(w, r, status{http.StatusMethodNotAllowed, clinical.Fail(clinical.Unsupported, "this facade reads only", nil)})
		return
	}
	req := &request{Request: r, w: w, actor: auth.Actor(r.Context())}
	if err := f.route(req); err != nil {
		f.fail(w, r, err)
	}
}

// route finds what is asked for by the path and answers it.
func (f *facade) route(r *request) error {
	path := strings.Split(strings.Trim(strings.TrimPrefix(r.URL.Path, strings.TrimSuffix(BasePath, "/")), "/"), "/")
	if err := r.negotiate(path[0] == string(clinical.Binary) && len(path) == 2); err != nil {
		return err
	}
	switch {
	case len(path) == 1 && path[0] == "metadata":
		return f.write(r, f.FHIR.CapabilityStatement(f.Version, f.Released))
	case r.actor.Anonymous():
		return clinical.Fail(clinical.Unauthenticated, "sign in first", nil)
	case len(path) == 3 && path[0] == "Patient" && path[2] == "$everything":
		return f.everything(r, clinical.PatientID(path[1]))
	case len(path) == 1 && fhir.SearchParameters(path[0]) != nil:
		return f.search(r, path[0])
	case len(path) == 2 && readers[path[0]] != nil:
		return f.read(r, path[0], path[1])
	case len(path) == 4 && readers[path[0]] != nil && path[2] == "_history":
		return f.readVersion(r, path[0], path[1], path[3])
	}
	return clinical.Missing()
}
