package graph

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestP10_MalformedRequestsAreNotRepeated(t *testing.T) {
	e := start(t, stage{})
	const stream = "Accept: text/event-stream"
	bodies := []string{
		`{"query": "{ viewer { id } }", "variables": {"title": "JaneDoe"`,
		`JaneDoe`, `"JaneDoe"`, `{"query": {"JaneDoe": 1}}`, `{"variables": "JaneDoe"}`, `{"operationName": ["JaneDoe"]}`,
		`{"query": "{ viewer { id } }"} JaneDoe`, "{\"query\": \"JaneDoe\x01\"}", "",
	}
	for _, body := range bodies {
		for _, headers := range [][]string{{asJSON}, {asJSON, stream}} {
			a := e.send(http.MethodPost, "/graphql", body, append(headers, "Authorization: "+clinician)...)
			if a.code() != "BAD_REQUEST" || a.status != http.StatusBadRequest || strings.Contains(a.body, "JaneDoe") {
				t.Errorf("%v %q: %d %s", headers, body, a.status, a.body)
			}
		}
	}
	for _, query := range []string{
		"extensions=JaneDoe", "extensions=%7B%7D&variables=JaneDoe", "extensions=%ZZJaneDoe", "extensions=%5B%5D",
		"query=JaneDoe&extensions=%7B%7D", "JaneDoe",
	} {
		a := e.send(http.MethodGet, "/graphql?"+query, "", "Apollo-Require-Preflight: 1", "Authorization: "+clinician)
		if a.code() != "BAD_REQUEST" || a.status != http.StatusBadRequest || strings.Contains(a.body, "JaneDoe") {
			t.Errorf("GET %q: %d %s", query, a.status, a.body)
		}
	}
	if strings.Contains(e.log.String(), "JaneDoe") {
		t.Errorf("the log repeats a request: %s", e.log)
	}
}

func TestOnlyRequestsThatNeedAPreflightAreTaken(t *testing.T) {
	e := start(t, stage{})
	const body = `{"query":"{ viewer { id } }"}`
	as := "Authorization: " + clinician
	for _, contentType := range []string{"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/graphql"} {
		a := e.send(http.MethodPost, "/graphql", body, "Content-Type: "+contentType, as, "Apollo-Require-Preflight: 1")
		if a.status != http.StatusUnsupportedMediaType || a.code() != "BAD_REQUEST" {
			t.Errorf("content type %q: %d %s", contentType, a.status, a.body)
		}
	}
	a := e.send(http.MethodPost, "/graphql", body, "Content-Type: application/json; charset=utf-8", as, "Upgrade: h2c")
	if a.status != http.StatusOK || a.Data == nil {
		t.Errorf("JSON: %d %s", a.status, a.body)
	}
	get := "/graphql?extensions=" + url.QueryEscape(`{"persistedQuery":{"version":1,"sha256Hash":"`+digestOf("{ viewer { id } }")+`"}}`)
	wantCode(t, e.send(http.MethodGet, get, "", as), "BAD_REQUEST")
	for _, header := range []string{"Apollo-Require-Preflight: true", "X-Apollo-Operation-Name: A", asJSON} {
		wantCode(t, e.send(http.MethodGet, get, "", as, header), "PERSISTED_QUERY_NOT_FOUND")
	}
	for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodOptions, http.MethodPatch} {
		if a := e.send(method, "/graphql", body, asJSON, as); a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") == "" {
			t.Errorf("%s: %d %s", method, a.status, a.body)
		}
	}
}

func TestAnswersAreNotKept(t *testing.T) {
	e := start(t, stage{})
	for _, query := range []string{`{ viewer { id } }`, `{`} {
		if a := e.ask(query); a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("Cache-Control %q", a.header.Get("Cache-Control"))
		}
	}
}

func TestPersistedQueries(t *testing.T) {
	e := start(t, stage{})
	const query = `query A($x: ID = "y") { viewer { id } node(id: $x) @skip(if: true) { id } }`
	as := "Authorization: " + clinician
	extension := func(digest string) string {
		return `{"persistedQuery":{"version":1,"sha256Hash":"` + digest + `"}}`
	}
	post := func(query, digest string) answer {
		return e.send(http.MethodPost, "/graphql", `{"query":`+quote(query)+`,"extensions":`+extension(digest)+`}`, asJSON, as)
	}
	get := func(digest string) answer {
		return e.send(http.MethodGet, "/graphql?variables=%7B%7D&extensions="+url.QueryEscape(extension(digest)), "", as, "Apollo-Require-Preflight: 1")
	}

	if a := post("", digestOf(query)); a.Errors[0].Message != "PersistedQueryNotFound" || a.status != http.StatusOK {
		t.Errorf("unknown: %d %s", a.status, a.body)
	}
	wantCode(t, post(query, digestOf("another")), "BAD_REQUEST")
	wantCode(t, post(query, "short"), "BAD_REQUEST")
	if a := post(query, digestOf(query)); len(a.Errors) > 0 {
		t.Fatalf("register: %s", a.body)
	}
	if a := get(digestOf(query)); len(a.Errors) > 0 || a.Data["viewer"] == nil {
		t.Errorf("GET: %s", a.body)
	}

	const write = `mutation { cancelUpload(input: {uploadId: "x"}) { upload { id } } }`
	post(write, digestOf(write))
	if a := get(digestOf(write)); a.code() != "BAD_REQUEST" || !strings.Contains(a.Errors[0].Message, "queries only") {
		t.Errorf("a mutation by GET: %s", a.body)
	}

	// Nobody fills the cache without a token, or with texts without end.
	const anonymous = `{ viewer { display } }`
	e.send(http.MethodPost, "/graphql", `{"query":`+quote(anonymous)+`,"extensions":`+extension(digestOf(anonymous))+`}`, asJSON)
	wantCode(t, get(digestOf(anonymous)), "PERSISTED_QUERY_NOT_FOUND")
	long := `{ viewer { id } } #` + strings.Repeat("x", maxCached)
	post(long, digestOf(long))
	wantCode(t, get(digestOf(long)), "PERSISTED_QUERY_NOT_FOUND")
}

func TestIntrospection(t *testing.T) {
	const query = `{ __schema { queryType { name } types { fields { type { ofType { ofType { ofType { ofType { ofType { ofType { ofType { name } } } } } } } } } } } }`
	e := start(t, stage{})
	if a := e.ask(query); len(a.Errors) > 0 {
		t.Errorf("on: %s", a.body)
	}
	if a := e.ask(`{ viever { id } }`); !strings.Contains(a.body, "Did you mean") {
		t.Errorf("no suggestion: %s", a.body)
	}
	e = start(t, stage{options: func(o *Options) { o.Introspection = false }})
	for _, query := range []string{query, `{ __type(name: "File") { name } }`} {
		a := e.ask(query)
		wantCode(t, a, "GRAPHQL_VALIDATION_FAILED")
		if strings.Contains(a.body, "queryType\":{") {
			t.Errorf("off: %s", a.body)
		}
	}
	if a := e.ask(`{ viever { id } }`); strings.Contains(a.body, "Did you mean") {
		t.Errorf("a suggestion: %s", a.body)
	}
	if a := e.ask(`{ __typename viewer { __typename } }`); len(a.Errors) > 0 {
		t.Errorf("__typename: %s", a.body)
	}
}

func TestJournalHoldsTheSchemasNamesOnly(t *testing.T) {
	e := start(t, stage{})
	e.ask(`query JaneDoe { JaneDoe: viewer { id } kinds { JaneDoe: code } }`)
	e.ask(`query JaneDoe($JaneDoe: ID!) { file(id: $JaneDoe) @include(if: false) { id } }`, map[string]any{"JaneDoe": "JaneDoe"})
	log := e.log.String()
	for _, want := range []string{`"verbs":["viewer","kinds"]`, `"operation":"query"`, string(clinicianID), `"request":"`} {
		if !strings.Contains(log, want) {
			t.Errorf("log lacks %s: %s", want, log)
		}
	}
	if strings.Contains(log, "JaneDoe") {
		t.Errorf("log: %s", log)
	}
}

// Each request leaves one event, served or refused at the door.
func TestOneEventForEachRequest(t *testing.T) {
	e := start(t, stage{})
	for name, body := range map[string]string{"an answer": `{ viewer { id } }`, "an error": `{ nothing }`, "no query": ``} {
		before := e.log.String()
		e.ask(body)
		if got := strings.TrimPrefix(e.log.String(), before); strings.Count(got, "\n") != 1 || !strings.Contains(got, `"msg":"request"`) ||
			(name == "an answer") == strings.Contains(got, `"codes"`) {
			t.Errorf("%s left these events:\n%s", name, got)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	valid := func() Options {
		var o Options
		start(t, stage{options: func(from *Options) { o = *from }})
		return o
	}
	wrong := map[string]func(*Options){
		"no records":       func(o *Options) { o.Records = nil },
		"no authenticator": func(o *Options) { o.Auth = nil },
		"no public URL":    func(o *Options) { o.PublicURL = "" },
		"relative URL":     func(o *Options) { o.PublicURL = "/here" },
		"no chunk size":    func(o *Options) { o.ChunkSize = 0 },
		"origin's path":    func(o *Options) { o.Origins = []string{"https://a.test/x"} },
		"origin's pattern": func(o *Options) { o.Origins = []string{"https://*.a.test"} },
		"bare host":        func(o *Options) { o.Origins = []string{"a.test"} },
	}
	for name, change := range wrong {
		o := valid()
		change(&o)
		if _, err := New(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := New(valid()); err != nil {
		t.Error(err)
	}
}

func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
