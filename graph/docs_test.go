package graph_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

var graphqlBlock = regexp.MustCompile("(?s)```graphql\n(.*?)```")

// Every GraphQL example in the guides is an operation that the schema takes.
func TestDocumentedOperationsAreValid(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "schema.graphqls"))
	if err != nil {
		t.Fatal(err)
	}
	schema, err := gqlparser.LoadSchema(&ast.Source{Name: "schema.graphqls", Input: string(text)})
	if err != nil {
		t.Fatal(err)
	}
	guides, err := filepath.Glob(filepath.Join("..", "docs", "*.md"))
	if err != nil || len(guides) == 0 {
		t.Fatalf("no guides: %v", err)
	}
	examples := 0
	for _, guide := range guides {
		text, err := os.ReadFile(guide)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range graphqlBlock.FindAllStringSubmatch(string(text), -1) {
			examples++
			if _, err := gqlparser.LoadQueryWithRules(schema, block[1], nil); err != nil {
				t.Errorf("%s: %v in\n%s", filepath.Base(guide), err, block[1])
			}
		}
	}
	if examples < 8 {
		t.Errorf("only %d examples were found", examples)
	}
}
