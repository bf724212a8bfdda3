package scalar

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/bonfiredb/bonfire/clinical"
)

func written(m graphql.Marshaler) string {
	var b bytes.Buffer
	m.MarshalGQL(&b)
	return b.String()
}

// refuses checks a refusal: bad input, in words that do not hold the value.
func refuses(t *testing.T, value any, err error) {
	t.Helper()
	f := clinical.AsFailure(err)
	if f == nil || f.Kind != clinical.Invalid {
		t.Errorf("%#v gave %v", value, err)
		return
	}
	if s, ok := value.(string); ok && len(s) > 3 && strings.Contains(err.Error(), s) {
		t.Errorf("the refusal of %q repeats it: %v", s, err)
	}
}

func TestInstant(t *testing.T) {
	for in, out := range map[string]string{
		"2026-03-01T09:30:00Z":             `"2026-03-01T09:30:00Z"`,
		"2026-03-01T09:30:00+01:00":        `"2026-03-01T08:30:00Z"`,
		"2026-03-01T09:30:00.1-05:30":      `"2026-03-01T15:00:00.1Z"`,
		"2026-03-01T09:30:00.123456Z":      `"2026-03-01T09:30:00.123456Z"`,
		"9999-12-31T23:59:59.999999Z":      `"9999-12-31T23:59:59.999999Z"`,
		"2024-02-29T00:00:00Z":             `"2024-02-29T00:00:00Z"`,
		"2026-03-01T09:30:00.100000-00:00": `"2026-03-01T09:30:00.1Z"`,
	} {
		got, err := UnmarshalInstant(in)
		if err != nil || written(MarshalInstant(got)) != out || got.Location() != time.UTC {
			t.Errorf("%s: %s, %v", in, written(MarshalInstant(got)), err)
		}
	}
	for _, in := range []any{
		"", "2026-04-01", "2026-04-01T09:30:00", "2026-03-01T09:30Z", "2026-03-01 09:30:00Z", "2026-03-01t09:30:00z",
		"2026-03-01T09:30:00.1234567Z", "2026-03-01T09:30:00,5Z", "2026-02-30T00:00:00Z", "2026-03-01T24:00:00Z",
		"2026-03-01T09:30:60Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59-01:00", "2026-03-01T09:30:00+0100",
		"2026-03-01T09:30:00Z\n", 1767225600, json.Number("1767225600"), true, nil, []any{},
	} {
		_, err := UnmarshalInstant(in)
		refuses(t, in, err)
	}
	fine := time.Date(2026, 3, 1, 9, 30, 0, 123456789, time.FixedZone("", 7200))
	if got := written(MarshalInstant(fine)); got != `"2026-03-01T07:30:00.123456Z"` {
		t.Errorf("nanoseconds: %s", got)
	}
}

func TestFhirDate(t *testing.T) {
	for _, in := range []string{"1948", "1948-03", "1948-03-07", "2024-02-29"} {
		if got, err := UnmarshalFhirDate(in); err != nil || written(MarshalFhirDate(got)) != `"`+in+`"` {
			t.Errorf("%s: %s, %v", in, got, err)
		}
	}
	for _, in := range []any{"", "48", "0000", "1948-13", "1948-02-30", "1948-3-7", "1948-03-07T00:00:00Z", "07.03.1948", 1948, nil} {
		_, err := UnmarshalFhirDate(in)
		refuses(t, in, err)
	}
}

func TestLong(t *testing.T) {
	for _, in := range []any{0, int64(9007199254740991), json.Number("0"), json.Number("9007199254740991"), json.Number("2147483648")} {
		got, err := UnmarshalLong(in)
		if n, _ := json.Marshal(in); err != nil || written(MarshalLong(got)) != string(n) {
			t.Errorf("%v: %d, %v", in, got, err)
		}
	}
	for _, in := range []any{
		-1, int64(9007199254740992), int64(math.MinInt64), json.Number("9007199254740992"), json.Number("-1"),
		json.Number("1.5"), json.Number("1e3"), json.Number("99999999999999999999"), 1.5, "12", "", true, nil,
	} {
		_, err := UnmarshalLong(in)
		refuses(t, in, err)
	}
}

func TestSha256(t *testing.T) {
	digest := strings.Repeat("0a", 32)
	if got, err := UnmarshalSha256(digest); err != nil || len(got) != 32 || written(MarshalSha256(got)) != `"`+digest+`"` {
		t.Errorf("%x, %v", got, err)
	}
	for _, in := range []any{"", digest[:62], digest + "00", strings.ToUpper(digest), strings.Repeat("zz", 32), 12, nil} {
		_, err := UnmarshalSha256(in)
		refuses(t, in, err)
	}
}

func TestURL(t *testing.T) {
	for _, in := range []string{"https://a.test", "https://a.test:8443/b?c=d#e"} {
		if got, err := UnmarshalURL(in); err != nil || got != in || written(MarshalURL(got)) != `"`+in+`"` {
			t.Errorf("%s: %v", in, err)
		}
	}
	for _, in := range []any{"", "http://a.test", "//a.test", "/a", "https:///a", "https://user:secret@a.test", "javascript:alert(1)", "https://a b", 1, nil} {
		_, err := UnmarshalURL(in)
		refuses(t, in, err)
	}
}

func TestStringAndID(t *testing.T) {
	for _, in := range []string{"", "Grüße \"x\"\n", "日本"} {
		got, err := UnmarshalString(in)
		if want, _ := json.Marshal(in); err != nil || written(MarshalString(got)) != string(want) {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	for _, in := range []any{"Jane\x00Doe", "Jane\xffDoe", 1, nil} {
		_, err := UnmarshalString(in)
		refuses(t, in, err)
	}
	for in, want := range map[any]string{"a": "a", 7: "7", int64(8): "8", json.Number("9"): "9"} {
		if got, err := UnmarshalID(in); err != nil || got != want || written(MarshalID(got)) != `"`+want+`"` {
			t.Errorf("%v: %q, %v", in, got, err)
		}
	}
	for _, in := range []any{1.5, true, nil} {
		_, err := UnmarshalID(in)
		refuses(t, in, err)
	}
}

// Decimals keep their digits, which a map of float64 would lose.
func TestFhirJSONIsWrittenAsItIs(t *testing.T) {
	const resource = `{"valueDecimal":1.50,"n":12345678901234567890}`
	if got := written(MarshalFhirJSON(json.RawMessage(resource))); got != resource {
		t.Errorf("got %s", got)
	}
	_, err := UnmarshalFhirJSON(map[string]any{})
	refuses(t, nil, err)
}
