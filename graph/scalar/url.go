package scalar

import (
	"net/url"

	"github.com/99designs/gqlgen/graphql"

	"github.com/bonfiredb/bonfire/clinical"
)

// MarshalURL writes the URL as it is.
func MarshalURL(u string) graphql.Marshaler { return graphql.MarshalString(u) }

// UnmarshalURL takes an absolute https URL without a user or password.
func UnmarshalURL(v any) (string, error) {
	s, _ := v.(string)
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		return "", clinical.Fail(clinical.Invalid, "must be an absolute https URL", nil)
	}
	return s, nil
}
