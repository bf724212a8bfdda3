package scalar

import (
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/bonfiredb/bonfire/clinical"
)

// MarshalFhirDate writes the date as it is.
func MarshalFhirDate(date string) graphql.Marshaler { return graphql.MarshalString(date) }

// UnmarshalFhirDate takes YYYY, YYYY-MM or YYYY-MM-DD of a real calendar day
// (http://hl7.org/fhir/R4/datatypes.html#date).
func UnmarshalFhirDate(v any) (string, error) {
	s, _ := v.(string)
	for _, layout := range []string{"2006", "2006-01", time.DateOnly} {
		if len(s) != len(layout) {
			continue
		}
		if t, err := time.Parse(layout, s); err == nil && inCalendar(t) {
			return s, nil
		}
	}
	return "", clinical.Fail(clinical.Invalid, "must be a date: YYYY, YYYY-MM or YYYY-MM-DD", nil)
}
