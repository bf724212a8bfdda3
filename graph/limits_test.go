package graph

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

const asJSON = "Content-Type: application/json"

func TestLimits(t *testing.T) {
	e := start(t, stage{options: func(o *Options) {
		o.Limits = Limits{Body: 20_000, Tokens: 2000, Depth: 6, Aliases: 5, Cost: 500}
	}})
	nested := func(n int) string { // files -> nodes -> supersedes -> ... -> id: n+3 deep
		return `{ files(patientId: "x", first: 1) { nodes {` + strings.Repeat(" supersedes {", n) + " id " +
			strings.Repeat("}", n) + ` } } }`
	}
	aliases := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, " a%d: id", i)
		}
		return "{ viewer {" + b.String() + " } }"
	}
	page := func(n int) string {
		return fmt.Sprintf(`{ files(patientId: "x", first: %d) { nodes { patient { id } uploadedBy { id } } } }`, n)
	}
	tests := map[string]struct {
		query string
		over  bool
	}{
		"depth":                {nested(4), true},
		"depth at the limit":   {nested(3), false},
		"depth in fragments":   {`query { ...a } fragment a on Query { files(patientId: "x", first: 1) { ...b } } fragment b on FileConnection { nodes { supersedes { supersedes { supersedes { supersedes { id } } } } } }`, true},
		"aliases":              {aliases(6), true},
		"aliases at the limit": {aliases(5), false},
		"aliases in fragments": {`{ a: viewer { ...f } b: viewer { ...f } } fragment f on Viewer { x: id y: id }`, true},
		"tokens":               {`{ viewer { ` + strings.Repeat("id ", 2000) + ` } }`, true},
		"cost":                 {page(100), false}, // 2 + 100*3
		"cost of two pages":    {`{ patients(first: 100) { nodes { files(first: 100) { nodes { id } } } } }`, true},
		"cost in a fragment":   {`{ patients(first: 100) { nodes { ...f } } } fragment f on Patient { files(first: 100) { nodes { id } } }`, true},
		"default page counts":  {`{ patients { nodes { files { nodes { patient { id } } } } } }`, true}, // 25 * (1 + 2 + 25*2)
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a := e.ask(tt.query)
			if over := a.code() == "QUERY_LIMIT_EXCEEDED"; over != tt.over {
				t.Errorf("over the limit is %v, want %v: %s", over, tt.over, a.body)
			}
			if tt.over && a.status != http.StatusUnprocessableEntity {
				t.Errorf("status %d", a.status)
			}
		})
	}

	a := e.ask(`{ viewer { id } }`, map[string]any{"x": strings.Repeat("a", 20_000)})
	if a.code() != "QUERY_LIMIT_EXCEEDED" || a.status != http.StatusRequestEntityTooLarge {
		t.Errorf("body: %d %s", a.status, a.body)
	}
	a = e.askAs("", `{ viewer { id } }`, map[string]any{"x": strings.Repeat("a", anonymousBody)})
	if a.code() != "UNAUTHENTICATED" || a.status != http.StatusUnauthorized {
		t.Errorf("body of nobody: %d %s", a.status, a.body)
	}
	a = e.send(http.MethodPost, "/graphql", ` [{"query":"{ viewer { id } }"}]`, asJSON, "Authorization: "+clinician)
	if a.code() != "QUERY_LIMIT_EXCEEDED" || a.status != http.StatusBadRequest {
		t.Errorf("batch: %d %s", a.status, a.body)
	}
}

// A page size past its maximum is counted as the maximum, and then refused as
// bad input: never as cost, never cut down.
func TestPageOutOfRangeIsBadInput(t *testing.T) {
	e := start(t, stage{options: func(o *Options) { o.Limits.Cost = 500 }})
	for _, args := range []string{"first: 101", "first: 0", "first: -1", "first: 2147483647", "last: 101", "last: 0"} {
		a := e.ask(`{ files(patientId: "x", ` + args + `) { nodes { id } } }`)
		wantCode(t, a, "BAD_USER_INPUT")
		if field, _, _ := strings.Cut(args, ":"); a.field() != field {
			t.Errorf("%s: field %q", args, a.field())
		}
	}
	a := e.ask(`query($n: Int) { notes(patientId: "x", last: $n) { nodes { id } } }`, map[string]any{"n": 101})
	if a.code() != "BAD_USER_INPUT" || a.field() != "last" {
		t.Errorf("variable: %s", a.body)
	}
}

// Documents built to keep a server busy are answered at once.
func TestCostlyDocumentsAreAnsweredQuickly(t *testing.T) {
	e := start(t, stage{})
	doubling := `{ viewer { ...f0 } }`
	for i := range 60 {
		doubling += fmt.Sprintf(" fragment f%d on Viewer { ...f%d ...f%d }", i, i+1, i+1)
	}
	doubling += " fragment f60 on Viewer { a: id }"
	var conflicts strings.Builder
	for i := range 200 {
		fmt.Fprintf(&conflicts, " fragment g%d on Viewer { ...g%d id }", i, i+1)
	}
	documents := map[string]string{
		"doubling fragments": doubling,
		"repeated fields":    `{ viewer { ` + strings.Repeat("id ", 1900) + ` } }`,
		"chained fragments":  `{ viewer { ...g0 } }` + conflicts.String() + ` fragment g200 on Viewer { id }`,
		"repeated objects":   `{ ` + strings.Repeat("viewer { id } ", 450) + ` }`,
		"nested lists":       `{ files(patientId: ` + strings.Repeat("[", 3000) + `) { nodes { id } } }`,
	}
	for name, query := range documents {
		began := time.Now()
		a := e.ask(query)
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s: %v, %.80s", name, took, a.body)
		} else {
			t.Logf("%s: %v, %.100s", name, took, a.body)
		}
	}
	wantCode(t, e.ask(doubling), "QUERY_LIMIT_EXCEEDED")
}

// The limits let through what real clients send.
func TestOrdinaryOperationsPass(t *testing.T) {
	e := start(t, stage{})
	a := e.ask(`query Chart($patient: ID!) {
	  files(patientId: $patient, first: 50) {
	    totalCount pageInfo { hasNextPage endCursor }
	    edges { cursor node {
	      id title size viewerCan { download } uploadedBy { display } patient { displayName }
	      provenance { activity { code } agents { type { code } who { reference } } }
	      resource { __typename
	        ... on DocumentReference { type { coding { code } } content { attachment { url } } }
	        ... on Media { photo: content { url } }
	      }
	    } }
	  }
	}`, map[string]any{"patient": "x"})
	if code := a.code(); code == "QUERY_LIMIT_EXCEEDED" || code == "GRAPHQL_VALIDATION_FAILED" {
		t.Errorf("refused: %s", a.body)
	}
}
