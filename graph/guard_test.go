package graph

import (
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/bonfiredb/bonfire/graph/generated"
)

func bonfireSchema() *ast.Schema {
	return generated.NewExecutableSchema(generated.Config{}).Schema()
}

// P4: no field of the API is reached without an access rule.
func TestP4_EveryFieldHasItsAccessRule(t *testing.T) {
	for _, err := range CheckSchema(bonfireSchema()) {
		t.Error(err)
	}
}

const guarded = `
directive @policy(action: String, resource: String, arg: String, phase: String = "BEFORE") on FIELD_DEFINITION
directive @authenticated on FIELD_DEFINITION
directive @public(reason: String!) on FIELD_DEFINITION
directive @shout on FIELD_DEFINITION
directive @cost(weight: Int) on FIELD_DEFINITION
directive @constraint(pattern: String) on ARGUMENT_DEFINITION | INPUT_FIELD_DEFINITION
interface Node { id: ID! }
type Patient implements Node { id: ID! files: FileConnection! @authenticated @cost(weight: 2) }
type File implements Node { id: ID! patient: Patient! @policy arrow: Arrow }
type Arrow { text: String }
type FileConnection { edges: [FileEdge!]! nodes: [File!]! }
type FileEdge { node: File! }
union Thing = File | Patient
input FileInput { patientId: ID! inner: InnerInput note: String @constraint(pattern: "^a$") }
input InnerInput { fileId: ID }
type MakePayload { file: File }
type Query { file(id: ID!): File @policy(arg: "id", phase: "AFTER") hello: String @public(reason: "for a probe") }
type Mutation { make(input: FileInput!): MakePayload! @policy(arg: "input.inner.fileId") }
type Subscription { changes: File @authenticated }
`

func TestGuardFindsPlantedMistakes(t *testing.T) {
	if errs := check(t, guarded); len(errs) > 0 {
		t.Fatalf("the schema without a mistake: %v", errs)
	}
	mistakes := map[string]struct{ from, to, found string }{
		"query without a rule":        {`@policy(arg: "id", phase: "AFTER")`, ``, "Query.file"},
		"mutation without a rule":     {`@policy(arg: "input.inner.fileId")`, ``, "Mutation.make"},
		"subscription without a rule": {`changes: File @authenticated`, `changes: File`, "Subscription.changes"},
		"scalar root without a rule":  {`@public(reason: "for a probe")`, ``, "Query.hello"},
		"crossing without a rule":     {`patient: Patient! @policy`, `patient: Patient!`, "File.patient"},
		"connection without a rule":   {`@authenticated @cost(weight: 2)`, `@cost(weight: 2)`, "Patient.files"},
		"crossing in a list":          {`text: String`, `text: [File!]!`, "Arrow.text"},
		"crossing by a union":         {`text: String`, `text: Thing`, "Arrow.text"},
		"crossing by Node":            {`text: String`, `text: Node`, "Arrow.text"},
		"an edge outside its list":    {`text: String`, `text: FileEdge`, "Arrow.text"},
		"a payload outside":           {`text: String`, `text: MakePayload`, "Arrow.text"},
		"a false payload":             {`type Arrow { text: String }`, `type Arrow { text: APayload } type APayload { file: File }`, "APayload.file"},
		"a false edge":                {`type Arrow { text: String }`, `type Arrow { text: AnEdge } type AnEdge { file: File }`, "AnEdge.file"},
		"a rule on an interface":      {`interface Node { id: ID! }`, `interface Node { id: ID! } interface Held { file: File }`, "Held.file"},
		"two rules":                   {`changes: File @authenticated`, `changes: File @authenticated @policy`, "Subscription.changes"},
		"two rules on a plain field":  {`text: String`, `text: String @policy @authenticated`, "Arrow.text"},
		"another directive that runs": {`changes: File @authenticated`, `changes: File @authenticated @shout`, "Subscription.changes"},
		"no such argument":            {`arg: "id"`, `arg: "ident"`, "Query.file"},
		"no such input field":         {`input.inner.fileId`, `input.inner.patientId`, "Mutation.make"},
		"path beyond a scalar":        {`input.inner.fileId`, `input.patientId.x`, "Mutation.make"},
		"path to no id":               {`input.inner.fileId`, `input.note`, "Mutation.make"},
		"after without an id":         {`arg: "id", phase: "AFTER"`, `phase: "AFTER"`, "Query.file"},
		"public without a reason":     {`for a probe`, ` `, "Query.hello"},
		"pattern of an input":         {`"^a$"`, `"^(a$"`, "FileInput.note"},
		"pattern of an argument":      {`file(id: ID!)`, `file(id: ID! @constraint(pattern: "["))`, "Query.file.id"},
	}
	for name, m := range mistakes {
		t.Run(name, func(t *testing.T) {
			if strings.Count(guarded, m.from) != 1 {
				t.Fatalf("%q stands %d times in the schema", m.from, strings.Count(guarded, m.from))
			}
			errs := check(t, strings.Replace(guarded, m.from, m.to, 1))
			if len(errs) != 1 || !strings.HasPrefix(errs[0].Error(), m.found+":") {
				t.Errorf("found %v, want one about %s", errs, m.found)
			}
		})
	}
}

func check(t *testing.T, text string) []error {
	t.Helper()
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: text})
	if err != nil {
		t.Fatal(err)
	}
	return CheckSchema(schema)
}

// Of the directives on a field only one runs, so their order cannot matter:
// gqlgen runs the last one listed first, which is easily read the other way.
func TestOneDirectiveRunsOnAField(t *testing.T) {
	schema := bonfireSchema()
	for _, def := range schema.Types {
		for _, f := range def.Fields {
			running := 0
			for _, d := range f.Directives {
				if !slices.Contains(inert, d.Name) && d.Name != "constraint" {
					running++
				}
			}
			if running > 1 {
				t.Errorf("%s.%s: %d directives run", def.Name, f.Name, running)
			}
		}
	}
}
