package graph

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/bonfiredb/bonfire/auth"
	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/graph/model"
)

// P4: every root field refuses a caller without a token, with that and no
// other answer. The operations are made from the schema, so that a new field
// is asked as well.
func TestP4_EveryRootFieldRefusesNobody(t *testing.T) {
	e := start(t, stage{options: func(o *Options) { o.Limits.Cost = 1 << 20 }})
	schema := bonfireSchema()
	for kind, def := range map[string]*ast.Definition{"query": schema.Query, "mutation": schema.Mutation, "subscription": schema.Subscription} {
		asked := 0
		for _, f := range def.Fields {
			if strings.HasPrefix(f.Name, "__") {
				continue
			}
			asked++
			operation := kind + " { " + f.Name + arguments(schema, f) + selection(schema, f.Type) + " }"
			a := e.askAs("", operation)
			if kind == "subscription" {
				got, _ := events(t, e.send(http.MethodPost, "/graphql", `{"query":`+quote(operation)+`}`, asJSON, "Accept: text/event-stream"))
				a = got[0]
			}
			if a.code() != "UNAUTHENTICATED" || len(a.Errors) != 1 || a.Data[f.Name] != nil {
				t.Errorf("%s: %s", operation, a.body)
			}
		}
		if asked < 2 {
			t.Errorf("only %d fields of %s were asked", asked, kind)
		}
	}
}

// arguments gives the required arguments of a field values of their types.
func arguments(schema *ast.Schema, f *ast.FieldDefinition) string {
	var out []string
	for _, a := range f.Arguments {
		if a.Type.NonNull && a.DefaultValue == nil {
			out = append(out, a.Name+": "+example(schema, a.Type))
		}
	}
	if out == nil {
		return ""
	}
	return "(" + strings.Join(out, ", ") + ")"
}

func example(schema *ast.Schema, t *ast.Type) string {
	if t.Elem != nil {
		return "[" + example(schema, t.Elem) + "]"
	}
	def := schema.Types[t.NamedType]
	switch {
	case def.Kind == ast.Enum:
		return def.EnumValues[0].Name
	case def.Kind == ast.InputObject:
		var fields []string
		for _, f := range def.Fields {
			if f.Type.NonNull && f.DefaultValue == nil {
				fields = append(fields, f.Name+": "+example(schema, f.Type))
			}
		}
		return "{" + strings.Join(fields, ", ") + "}"
	case t.NamedType == "Int" || t.NamedType == "Long":
		return "1"
	case t.NamedType == "Boolean":
		return "true"
	case t.NamedType == "String":
		return `"text/plain"`
	}
	return `"00000000-0000-7000-8000-000000000101"`
}

func selection(schema *ast.Schema, t *ast.Type) string {
	switch schema.Types[t.Name()].Kind {
	case ast.Scalar, ast.Enum:
		return ""
	}
	return " { __typename }"
}

func TestAccessRulesRefuseNobody(t *testing.T) {
	ran := false
	next := func(context.Context) (any, error) { ran = true; return "value", nil }
	nobody := t.Context()
	somebody := auth.WithActor(nobody, clinical.Actor{ID: clinicianID, Tenant: "clinic"})
	rules := map[string]func(context.Context) (any, error){
		"policy": func(ctx context.Context) (any, error) {
			return policy(ctx, nil, next, model.PolicyActionRead, model.PolicyResourceFile, nil, model.PolicyPhaseBefore)
		},
		"authenticated": func(ctx context.Context) (any, error) { return authenticated(ctx, nil, next) },
	}
	for name, rule := range rules {
		if v, err := rule(nobody); v != nil || !clinical.Is(err, clinical.Unauthenticated) || ran {
			t.Errorf("%s: %v, %v, ran %v", name, v, err, ran)
		}
		if v, err := rule(somebody); v != "value" || err != nil {
			t.Errorf("%s: %v, %v", name, v, err)
		}
		ran = false
	}
	if _, err := policy(somebody, nil, next, "FLY", model.PolicyResourceFile, nil, model.PolicyPhaseBefore); err == nil || ran {
		t.Errorf("an unknown action: %v, ran %v", err, ran)
	}
	if v, err := public(nobody, nil, next, "a probe"); v != "value" || err != nil {
		t.Errorf("public: %v, %v", v, err)
	}
}

// The limits of inputs, and the names of the fields they report.
func TestConstraints(t *testing.T) {
	reached := false
	e := start(t, stage{upload: func(context.Context, model.CreateUploadInput) (*model.CreateUploadPayload, error) {
		reached = true
		return &model.CreateUploadPayload{}, nil
	}})
	upload := func(change map[string]any) answer {
		in := map[string]any{"patientId": "x", "kind": "raw", "contentType": "text/plain"}
		for k, v := range change {
			in[k] = v
		}
		return e.ask(`mutation($in: CreateUploadInput!) { createUpload(input: $in) { problems { __typename } } }`, map[string]any{"in": in})
	}
	tests := []struct {
		field string
		value any
		ok    bool
	}{
		{"contentType", "text/plain", true},
		{"contentType", "audio/webm;codecs=opus", true},
		{"contentType", "audio/webm; codecs=\"opus\"", true},
		{"contentType", "application/vnd.ms-excel", true},
		{"contentType", "text", false},
		{"contentType", "text/", false},
		{"contentType", "", false},
		{"contentType", "text/plain\nX: y", false},
		{"contentType", "text/" + strings.Repeat("x", 130), false},
		{"title", strings.Repeat("ä", 255), true}, // characters, not bytes
		{"title", strings.Repeat("ä", 256), false},
		{"title", nil, true},
		{"title", "a\u0000b", false},
		{"idempotencyKey", "1234567", false},
		{"idempotencyKey", "12345678", true},
		{"size", 0, true},
		{"size", int64(9007199254740991), true},
		{"size", int64(9007199254740992), false},
		{"size", -1, false},
		{"size", 1.5, false},
		{"size", "12", false},
		{"sha256", strings.Repeat("a", 64), true},
		{"sha256", strings.Repeat("A", 64), false},
		{"sha256", strings.Repeat("a", 63), false},
		{"capturedAt", "2026-03-01T09:30:00+01:00", true},
		{"capturedAt", "2026-03-01T09:30:00", false},
		{"kind", strings.Repeat("k", 101), false},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s=%.20v", tt.field, tt.value), func(t *testing.T) {
			reached = false
			a := upload(map[string]any{tt.field: tt.value})
			if tt.ok != reached || tt.ok != (a.code() == "") {
				t.Fatalf("reached the resolver %v, want %v: %s", reached, tt.ok, a.body)
			}
			if !tt.ok && (a.code() != "BAD_USER_INPUT" || a.field() != tt.field) {
				t.Errorf("got %s", a.body)
			}
		})
	}

	long := make([]string, 101)
	a := e.ask(`query($f: FileFilter) { files(patientId: "x", filter: $f) { nodes { id } } }`, map[string]any{"f": map[string]any{"kinds": long}})
	if a.code() != "BAD_USER_INPUT" || a.field() != "kinds" {
		t.Errorf("a long list: %s", a.body)
	}
}
