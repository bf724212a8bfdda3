package scalar

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"

	"github.com/bonfiredb/bonfire/clinical"
)

// MarshalString writes s as a JSON string.
func MarshalString(s string) graphql.Marshaler { return graphql.MarshalString(s) }

// UnmarshalString takes valid Unicode without U+0000, which Postgres cannot
// hold: what is refused here is a fault of the caller, there it would be ours.
func UnmarshalString(v any) (string, error) {
	s, ok := v.(string)
	switch {
	case !ok:
		return "", clinical.Fail(clinical.Invalid, "must be a string", nil)
	case !utf8.ValidString(s) || strings.ContainsRune(s, 0):
		return "", clinical.Fail(clinical.Invalid, "must be Unicode text without U+0000", nil)
	}
	return s, nil
}

// MarshalID writes the id as a JSON string.
func MarshalID(id string) graphql.Marshaler { return graphql.MarshalString(id) }

// UnmarshalID takes any string or whole number. One that is no id of ours
// names nothing, which is for those to say who look it up.
func UnmarshalID(v any) (string, error) {
	switch id := v.(type) {
	case string:
		return id, nil
	case json.Number:
		return id.String(), nil
	case int64:
		return strconv.FormatInt(id, 10), nil
	case int:
		return strconv.Itoa(id), nil
	}
	return "", clinical.Fail(clinical.Invalid, "must be an id", nil)
}
