package auth

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/bonfiredb/bonfire/clinical"
)

// PurposeHeader names the purpose of use of a request, an HL7 v3 PurposeOfUse code.
const PurposeHeader = "Bonfire-Purpose-Of-Use"

// Middleware puts the actor of each request into its context. A request
// without a token goes on as nobody; one with a bad token ends with 401, one
// with a purpose of use that is not open to the actor with 403.
func (a *Authenticator) Middleware(next http.Handler) http.Handler {
	return a.MiddlewareWith(refuse)(next)
}

// MiddlewareWith is Middleware for an edge with errors of its own form: answer
// is called in place of the handler. It sends a failure's constant words and
// nothing else.
func (a *Authenticator) MiddlewareWith(answer func(http.ResponseWriter, *http.Request, error)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			actor, err := a.authenticate(r)
			if err != nil {
				prepare(w, r, err)
				answer(w, r, err)
				return
			}
			next.ServeHTTP(w, r.WithContext(WithActor(r.Context(), actor)))
		})
	}
}

func (a *Authenticator) authenticate(r *http.Request) (clinical.Actor, error) {
	authorization, ok := single(r.Header, "Authorization")
	if !ok {
		return clinical.Actor{}, clinical.Fail(clinical.Unauthenticated, "more than one Authorization header", nil)
	}
	purpose, ok := single(r.Header, PurposeHeader)
	if !ok {
		return clinical.Actor{}, clinical.Bad("purposeOfUse", "more than one "+PurposeHeader+" header")
	}
	return a.Authenticate(r.Context(), authorization, clinical.PurposeOfUse(purpose))
}

// single is a header's value; false when it was sent more than once, which a
// proxy and we could read differently.
func single(h http.Header, name string) (string, bool) {
	values := h.Values(name)
	return h.Get(name), len(values) <= 1
}

// statuses are those of the failures that this package makes.
var statuses = map[clinical.Kind]struct {
	status int
	code   string
}{
	clinical.Unauthenticated: {http.StatusUnauthorized, "UNAUTHENTICATED"},
	clinical.Forbidden:       {http.StatusForbidden, "FORBIDDEN"},
	clinical.Invalid:         {http.StatusBadRequest, "BAD_USER_INPUT"},
	clinical.Unavailable:     {http.StatusServiceUnavailable, "UNAVAILABLE"},
	clinical.Internal:        {http.StatusInternalServerError, "INTERNAL_SERVER_ERROR"},
}

// prepare notes why a request was refused, and sets what such answers have in common.
func prepare(w http.ResponseWriter, r *http.Request, err error) {
	if req := requestOf(r.Context()); req != nil {
		var why reason
		if errors.As(err, &why) {
			req.noteReason(string(why))
		} else {
			req.noteReason(clinical.KindOf(err).String())
		}
		if clinical.Is(err, clinical.Unavailable) || clinical.Is(err, clinical.Internal) {
			req.noteFault(err)
		}
	}
	if clinical.Is(err, clinical.Unauthenticated) { // RFC 6750 section 3
		w.Header().Set("WWW-Authenticate", `Bearer realm="bonfire", error="invalid_token"`)
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
}

// refuse answers in place of the handler: GraphQL's error form on /graphql,
// plain words elsewhere. Only the failure's constant words go out.
func refuse(w http.ResponseWriter, r *http.Request, err error) {
	failure := clinical.AsFailure(err)
	if failure == nil {
		failure = clinical.Fail(clinical.Internal, "internal error", err)
	}
	answer, ok := statuses[failure.Kind]
	if !ok {
		answer = statuses[clinical.Internal]
	}
	prepare(w, r, err)
	if r.URL.Path != "/graphql" {
		http.Error(w, failure.Words, answer.status)
		return
	}
	extensions := map[string]any{"code": answer.code, "requestId": RequestID(r.Context())}
	if failure.Field != "" {
		extensions["field"] = failure.Field
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(answer.status)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"errors": []any{map[string]any{"message": failure.Words, "extensions": extensions}},
	})
}
