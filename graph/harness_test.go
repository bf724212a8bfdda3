package graph

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/fhir"
	"github.com/bonfiredb/bonfire/graph/generated"
	"github.com/bonfiredb/bonfire/graph/model"
	"github.com/bonfiredb/bonfire/records"
)

// These tests need no rows: they end at the edge, or put resolvers of their
// own under it. The verbs behind it are tested end to end elsewhere.

// tokens is the issuer of the tests: a token is "test:" and a subject.
type tokens struct{}

func (tokens) Recognizes(token string) bool { return strings.HasPrefix(token, "test:") }

func (tokens) Verify(_ context.Context, token string) (auth.Login, error) {
	return auth.Login{Issuer: "test", Subject: strings.TrimPrefix(token, "test:"), MFA: true}, nil
}

// members are the principals of the tests; remove ends a membership.
type members struct {
	mu   sync.Mutex
	gone map[string]bool
}

func (m *members) remove(subject string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.gone == nil {
		m.gone = map[string]bool{}
	}
	m.gone[subject] = true
}

func (m *members) MemberOfLogin(_ context.Context, _, subject string) (clinical.Actor, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	known := map[string]clinical.Actor{
		"clinician": {ID: clinicianID, Kind: clinical.User, Tenant: "clinic", Display: "Dr. Grace", Roles: []clinical.Role{clinical.Clinician}},
		"scribe":    {ID: scribeID, Kind: clinical.Agent, Tenant: "clinic", Display: "Scribe"},
	}
	a, ok := known[subject]
	if !ok || m.gone[subject] {
		return clinical.Actor{}, clinical.Fail(clinical.Unauthenticated, "no such member", nil)
	}
	return a, nil
}

const (
	clinicianID clinical.ActorID = "00000000-0000-7000-8000-000000000001"
	scribeID    clinical.ActorID = "00000000-0000-7000-8000-000000000002"
	clinician                    = "Bearer test:clinician"
)

// journalBuffer is a log that tests read while the server writes it.
type journalBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (j *journalBuffer) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(p)
}

func (j *journalBuffer) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.String()
}

// edge is a server with the handler behind the real middleware.
type edge struct {
	*httptest.Server
	t       *testing.T
	log     *journalBuffer
	members *members
}

// stage replaces what is under the handler.
type stage struct {
	options func(*Options)
	viewer  func(context.Context) (*model.Viewer, error)
	file    func(context.Context, string) (*model.File, error)
	files   func(context.Context) (*model.FileConnection, error)
	upload  func(context.Context, model.CreateUploadInput) (*model.CreateUploadPayload, error)
	actors  func(context.Context, []clinical.ActorID) (map[clinical.ActorID]clinical.Actor, error)
}

func start(t *testing.T, s stage) *edge {
	t.Helper()
	e := &edge{t: t, log: &journalBuffer{}, members: &members{}}
	log := slog.New(slog.NewJSONHandler(e.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	authenticator := auth.New(e.members, tokens{})
	opts := Options{
		Records: records.New(records.Options{Log: log}), Auth: authenticator, Log: log,
		FHIR:      fhir.Renderer{Base: "https://bonfire.test/fhir/R4", Systems: "https://bonfire.test/fhir"},
		PublicURL: "https://bonfire.test/", ChunkSize: 8 << 20, Introspection: true,
	}
	if s.options != nil {
		s.options(&opts)
	}
	h, err := serve(opts, stageRoot{&resolver{
		records: opts.Records, fhir: opts.FHIR, publicURL: "https://bonfire.test", chunkSize: opts.ChunkSize,
	}, s})
	if err != nil {
		t.Fatal(err)
	}
	e.Server = httptest.NewServer(auth.Requests(log, authenticator.Middleware(h)))
	t.Cleanup(e.Close)
	return e
}

type stageRoot struct {
	*resolver
	stage stage
}

func (r stageRoot) Query() generated.QueryResolver { return stageQuery{query{r.resolver}, r.stage} }

func (r stageRoot) Mutation() generated.MutationResolver {
	return stageMutation{mutation{r.resolver}, r.stage}
}

// Subscription gives streams that end at the edge.
func (r stageRoot) Subscription() generated.SubscriptionResolver { return stageSubscription{} }

type stageSubscription struct{}

func notYet() error { return clinical.Fail(clinical.NotImplemented, "not implemented", nil) }

func (stageSubscription) UploadProgress(context.Context, string) (<-chan *model.Upload, error) {
	return nil, notYet()
}

func (stageSubscription) FileEvents(context.Context, string, *string) (<-chan *model.FileEvent, error) {
	return nil, notYet()
}

// File gives the fields of File loaders that ask the stage for principals.
func (r stageRoot) File() generated.FileResolver {
	return stageFile{fileFields{r.resolver}, r.stage}
}

type stageFile struct {
	fileFields
	stage stage
}

func (f stageFile) with(ctx context.Context) context.Context {
	return context.WithValue(ctx, loadersKey{}, &loaders{actors: newLoader(together(f.stage.actors))})
}

func (f stageFile) Resource(ctx context.Context, of *model.File) (fhir.FileResource, error) {
	return f.fileFields.Resource(f.with(ctx), of)
}

func (f stageFile) Fhir(ctx context.Context, of *model.File) (json.RawMessage, error) {
	return f.fileFields.Fhir(f.with(ctx), of)
}

func (f stageFile) UploadedBy(ctx context.Context, of *model.File) (*model.Actor, error) {
	return f.fileFields.UploadedBy(f.with(ctx), of)
}

type stageQuery struct {
	query
	stage stage
}

func (q stageQuery) Viewer(ctx context.Context) (*model.Viewer, error) {
	if q.stage.viewer != nil {
		return q.stage.viewer(ctx)
	}
	return q.query.Viewer(ctx)
}

func (q stageQuery) File(ctx context.Context, id string) (*model.File, error) {
	if q.stage.file != nil {
		return q.stage.file(ctx, id)
	}
	return q.query.File(ctx, id)
}

func (q stageQuery) Files(
	ctx context.Context, patient string, first *int, after *string, last *int, before *string,
	filter *model.FileFilter, order *model.FileOrder,
) (*model.FileConnection, error) {
	if q.stage.files != nil {
		return q.stage.files(ctx)
	}
	return q.query.Files(ctx, patient, first, after, last, before, filter, order)
}

type stageMutation struct {
	mutation
	stage stage
}

func (m stageMutation) CreateUpload(ctx context.Context, in model.CreateUploadInput) (*model.CreateUploadPayload, error) {
	if m.stage.upload != nil {
		return m.stage.upload(ctx, in)
	}
	return m.mutation.CreateUpload(ctx, in)
}

// answer is a GraphQL response.
type answer struct {
	status int
	header http.Header
	body   string
	Data   map[string]any `json:"data"`
	Errors []answerError  `json:"errors"`
}

type answerError struct {
	Message    string         `json:"message"`
	Path       []any          `json:"path"`
	Extensions map[string]any `json:"extensions"`
}

func (a answer) code() string {
	if len(a.Errors) == 0 {
		return ""
	}
	code, _ := a.Errors[0].Extensions["code"].(string)
	return code
}

func (a answer) field() string {
	if len(a.Errors) == 0 {
		return ""
	}
	field, _ := a.Errors[0].Extensions["field"].(string)
	return field
}

// send sends a request; headers are "Name: value".
func (e *edge) send(method, target, body string, headers ...string) answer {
	e.t.Helper()
	r, err := http.NewRequestWithContext(e.t.Context(), method, e.URL+target, strings.NewReader(body))
	if err != nil {
		e.t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		e.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		e.t.Fatal(err)
	}
	out := answer{status: res.StatusCode, header: res.Header, body: string(raw)}
	if strings.Contains(res.Header.Get("Content-Type"), "json") {
		if err := json.Unmarshal(raw, &out); err != nil {
			e.t.Fatalf("answer is no JSON: %v: %s", err, raw)
		}
		e.checkErrors(out)
	}
	return out
}

// checkErrors holds every error to what all have: words, a code, the request's id.
func (e *edge) checkErrors(a answer) {
	e.t.Helper()
	id := a.header.Get("X-Request-Id")
	for _, err := range a.Errors {
		if code, _ := err.Extensions["code"].(string); code == "" || err.Message == "" {
			e.t.Errorf("an error without code or words: %+v", err)
		}
		if err.Extensions["requestId"] != id || id == "" {
			e.t.Errorf("request id %v of an error, want %q", err.Extensions["requestId"], id)
		}
	}
}

// ask posts an operation as the clinician.
func (e *edge) ask(query string, variables ...map[string]any) answer {
	e.t.Helper()
	return e.askAs(clinician, query, variables...)
}

func (e *edge) askAs(authorization, query string, variables ...map[string]any) answer {
	e.t.Helper()
	request := map[string]any{"query": query}
	if len(variables) > 0 {
		request["variables"] = variables[0]
	}
	body, err := json.Marshal(request)
	if err != nil {
		e.t.Fatal(err)
	}
	headers := []string{"Content-Type: application/json"}
	if authorization != "" {
		headers = append(headers, "Authorization: "+authorization)
	}
	return e.send(http.MethodPost, "/graphql", string(body), headers...)
}

func wantCode(t *testing.T, a answer, code string) {
	t.Helper()
	if a.code() != code {
		t.Errorf("code %q, want %q: %s", a.code(), code, a.body)
	}
}
