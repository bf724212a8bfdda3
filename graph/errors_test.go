package graph

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/graph/model"
)

// Every kind has a code, and a new kind without one fails here.
func TestEveryKindOfFailureHasItsCode(t *testing.T) {
	want := []string{
		"INTERNAL_SERVER_ERROR", "UNAUTHENTICATED", "NOT_FOUND", "FORBIDDEN", "BAD_USER_INPUT", "CONFLICT",
		"UNAVAILABLE", "TOO_LARGE", "UNSUPPORTED", "GONE", "CHECKSUM_MISMATCH", "QUARANTINED", "UNAVAILABLE",
		"NOT_IMPLEMENTED",
	}
	for kind := clinical.Internal; kind == clinical.Internal || kind.String() != "internal"; kind++ {
		if int(kind) >= len(want) || codes[kind] != want[kind] {
			t.Fatalf("kind %v has the code %q", kind, codes[kind])
		}
		var failure error = clinical.Fail(kind, "constant words", errors.New("cause: select * from patient"))
		e := start(t, stage{viewer: func(context.Context) (*model.Viewer, error) { return nil, failure }})
		a := e.ask(`{ viewer { id } }`)
		wantCode(t, a, want[kind])
		words := "constant words"
		if kind == clinical.Internal {
			words = "internal error"
		}
		if a.Errors[0].Message != words || strings.Contains(a.body, "select") {
			t.Errorf("%v: the client got %s", kind, a.body)
		}
		ours := kind == clinical.Internal || kind == clinical.Unavailable
		if logged := strings.Contains(e.log.String(), "select * from patient"); logged != ours {
			t.Errorf("%v: cause in the log is %v, want %v", kind, logged, ours)
		}
		e.Close()
	}
}

func TestErrorsNameFieldPathAndAllowedValues(t *testing.T) {
	var failure error
	e := start(t, stage{viewer: func(context.Context) (*model.Viewer, error) { return nil, failure }})

	failure = clinical.Bad("kind", "unknown kind").WithAllowed("consent", "raw")
	a := e.ask(`{ v: viewer { id } }`)
	allowed, _ := a.Errors[0].Extensions["allowed"].([]any)
	if a.code() != "BAD_USER_INPUT" || a.field() != "kind" || len(allowed) != 2 || a.Errors[0].Path[0] != "v" {
		t.Errorf("got %s", a.body)
	}

	failure = errors.New("connection refused to 10.0.0.3")
	if a = e.ask(`{ viewer { id } }`); a.code() != "INTERNAL_SERVER_ERROR" || strings.Contains(a.body, "10.0.0.3") {
		t.Errorf("an unclassified error gave %s", a.body)
	}
	failure = context.DeadlineExceeded
	wantCode(t, e.ask(`{ viewer { id } }`), "UNAVAILABLE")

	e = start(t, stage{viewer: func(context.Context) (*model.Viewer, error) { return nil, nil }})
	wantCode(t, e.ask(`{ viewer { id } }`), "INTERNAL_SERVER_ERROR") // null for a field that must not be
}

func TestPanicSaysNothing(t *testing.T) {
	for _, value := range []any{"Jane Doe", errors.New("Jane Doe"), struct{ Name string }{"Jane Doe"}} {
		e := start(t, stage{viewer: func(context.Context) (*model.Viewer, error) { panic(value) }})
		a := e.ask(`{ viewer { id } }`)
		wantCode(t, a, "INTERNAL_SERVER_ERROR")
		if log := e.log.String(); strings.Contains(a.body+log, "Jane") || !strings.Contains(log, "errors_test.go") ||
			!strings.Contains(log, "Query.viewer") {
			t.Errorf("answer %s, log %s", a.body, log)
		}
	}
}

// What is not valid is answered without repeating the value at fault.
func TestP10_ValidationRepeatsNoValue(t *testing.T) {
	e := start(t, stage{options: func(o *Options) { o.Introspection = false }})
	const files = `query($p: ID!, $f: FileFilter, $n: Int) { files(patientId: $p, filter: $f, first: $n) { nodes { id } } }`
	tests := map[string]struct {
		query     string
		variables map[string]any
		code      string
		field     string
	}{
		"token":            {query: `{ viewer "JaneDoe" }`, code: "GRAPHQL_PARSE_FAILED"},
		"stray token":      {query: `{ viewer { id } } "JaneDoe"`, code: "GRAPHQL_PARSE_FAILED"},
		"stray name":       {query: `JaneDoe { id }`, code: "GRAPHQL_PARSE_FAILED"},
		"unicode escape":   {query: `{ file(id: "\uJaneDoe`, code: "GRAPHQL_PARSE_FAILED"},
		"escape":           {query: `{ file(id: "\qJaneDoe") { id } }`, code: "GRAPHQL_PARSE_FAILED"},
		"number":           {query: `{ file(id: 0JaneDoe) { id } }`, code: "GRAPHQL_PARSE_FAILED"},
		"character":        {query: "{ file(id: \u00a7JaneDoe) }", code: "GRAPHQL_PARSE_FAILED"},
		"literal int":      {query: `{ uploads(first: "JaneDoe") { nodes { id } } }`, code: "GRAPHQL_VALIDATION_FAILED"},
		"literal enum":     {query: `{ uploads(states: [JaneDoe]) { nodes { id } } }`, code: "GRAPHQL_VALIDATION_FAILED"},
		"literal for enum": {query: `{ uploads(states: ["JaneDoe"]) { nodes { id } } }`, code: "GRAPHQL_VALIDATION_FAILED"},
		"literal object":   {query: `{ uploads(patientId: {a: "JaneDoe"}) { nodes { id } } }`, code: "GRAPHQL_VALIDATION_FAILED"},
		"literal text":     {query: `{ patients(text: JaneDoe) { nodes { id } } }`, code: "GRAPHQL_VALIDATION_FAILED"},
		"literal scalar":   {query: `{ files(patientId: "x", filter: {createdFrom: "JaneDoe"}) { nodes { id } } }`, code: "BAD_USER_INPUT", field: "createdFrom"},
		"operation":        {query: `query A { viewer { id } } query B { viewer { id } }`, code: "GRAPHQL_VALIDATION_FAILED"},
		"variable enum":    {query: files, variables: map[string]any{"p": "x", "f": map[string]any{"statuses": "JaneDoe"}}, code: "BAD_USER_INPUT", field: "statuses"},
		"variable scalar":  {query: files, variables: map[string]any{"p": "x", "f": map[string]any{"createdFrom": "JaneDoe"}}, code: "BAD_USER_INPUT", field: "createdFrom"},
		"variable int":     {query: files, variables: map[string]any{"p": "x", "n": "JaneDoe"}, code: "BAD_USER_INPUT", field: "n"},
		"variable input":   {query: files, variables: map[string]any{"p": "x", "f": "JaneDoe"}, code: "BAD_USER_INPUT", field: "f"},
		"variable missing": {query: files, variables: map[string]any{"JaneDoe": 1}, code: "BAD_USER_INPUT", field: "p"},
		"enum's case":      {query: files, variables: map[string]any{"p": "x", "f": map[string]any{"statuses": []any{"current"}}}, code: "BAD_USER_INPUT", field: "statuses"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a := e.ask(tt.query, tt.variables)
			wantCode(t, a, tt.code)
			if a.field() != tt.field {
				t.Errorf("field %q, want %q: %s", a.field(), tt.field, a.body)
			}
			if strings.Contains(a.body, "JaneDoe") {
				t.Errorf("the answer repeats the value: %s", a.body)
			}
		})
	}
	if strings.Contains(e.log.String(), "JaneDoe") {
		t.Errorf("the log repeats the value: %s", e.log)
	}
}

// Arguments that do not fit are reported with the path of the field, and
// nothing that stands inside them.
func TestBadArgumentsKeepTheResponsePath(t *testing.T) {
	e := start(t, stage{})
	a := e.ask(`mutation { c: createUpload(input: {patientId: "x", kind: "raw", contentType: "text/plain", size: "12"}) { problems { __typename } } }`)
	if a.code() != "BAD_USER_INPUT" || a.field() != "size" || len(a.Errors[0].Path) != 1 || a.Errors[0].Path[0] != "c" {
		t.Errorf("got %s", a.body)
	}
}
