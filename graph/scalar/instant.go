package scalar

import (
	"regexp"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/bonfiredb/bonfire/clinical"
)

// instantForm is FHIR's instant (http://hl7.org/fhir/R4/datatypes.html#instant),
// to the microsecond: a finer one would come back changed from Postgres.
var instantForm = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})$`)

// MarshalInstant writes t in UTC, to the microsecond.
func MarshalInstant(t time.Time) graphql.Marshaler {
	return graphql.MarshalString(t.UTC().Format("2006-01-02T15:04:05.999999Z07:00"))
}

// UnmarshalInstant takes RFC 3339 with an offset and at most microseconds,
// from the year 1 on, and gives it in UTC.
func UnmarshalInstant(v any) (time.Time, error) {
	s, ok := v.(string)
	if ok && instantForm.MatchString(s) {
		if t, err := time.Parse(time.RFC3339Nano, s); err == nil && inCalendar(t.UTC()) {
			return t.UTC(), nil
		}
	}
	return time.Time{}, clinical.Fail(clinical.Invalid,
		"must be an instant with offset and at most microseconds, such as 2026-03-01T09:30:00Z", nil)
}

// inCalendar keeps out years which FHIR and RFC 3339 cannot write.
func inCalendar(t time.Time) bool { return t.Year() >= 1 && t.Year() <= 9999 }
