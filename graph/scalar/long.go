package scalar

import (
	"encoding/json"
	"io"
	"strconv"

	"github.com/99designs/gqlgen/graphql"

	"github.com/bonfiredb/bonfire/clinical"
)

// maxLong is the largest whole number that every JSON reader holds exactly
// (RFC 8259 section 6).
const maxLong = 1<<53 - 1

// MarshalLong writes n as a JSON number.
func MarshalLong(n int64) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		_, _ = io.WriteString(w, strconv.FormatInt(n, 10))
	})
}

// UnmarshalLong takes a JSON number written as an integer from 0 to 2^53-1. A
// string of digits is refused: it would hide a client which lost precision.
func UnmarshalLong(v any) (int64, error) {
	n, ok := int64(0), false
	switch v := v.(type) {
	case int:
		n, ok = int64(v), true
	case int64:
		n, ok = v, true
	case json.Number:
		parsed, err := strconv.ParseInt(v.String(), 10, 64)
		n, ok = parsed, err == nil
	}
	if !ok || n < 0 || n > maxLong {
		return 0, clinical.Fail(clinical.Invalid, "must be a whole number from 0 to 9007199254740991, not a string", nil)
	}
	return n, nil
}
