package arch_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// listed is what go list tells of a package.
type listed struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	Imports    []string
}

func (p listed) path() string { return strings.TrimPrefix(p.ImportPath, module+"/") }

func packages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,GoFiles,Imports", "./...")
	cmd.Dir = filepath.Join("..", "..")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var all []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(p.ImportPath, "/node_modules/") {
			all = append(all, p)
		}
	}
}

// TestImportsPointDown holds every import to the plan. Tests may import what
// they like: they drive the real thing from wherever they stand.
func TestImportsPointDown(t *testing.T) {
	for _, p := range packages(t) {
		if _, ok := roomOf(p.path()); !ok {
			t.Error(judge(p.path(), ""))
			continue
		}
		for _, imported := range p.Imports {
			if why := judge(p.path(), imported); why != "" {
				t.Errorf("%s imports %s: %s", p.path(), imported, why)
			}
		}
	}
}

// TestPlanForbids: the plan itself refuses what it is there to refuse.
func TestPlanForbids(t *testing.T) {
	for _, tc := range []struct {
		from, imported string
		allowed        bool
	}{
		{"clinical", "time", true},
		{"clinical", "golang.org/x/text/cases", false},
		{"clinical", module + "/policy", false},
		{"policy", module + "/clinical", true},
		{"policy", "github.com/cedar-policy/cedar-go", true},
		{"policy", "database/sql", false},
		{"policy", module + "/store", false},
		{"store", module + "/policy", true},
		{"store", "github.com/uptrace/bun/dialect/pgdialect", true},
		{"store", module + "/blob", false},
		{"store", "github.com/aws/aws-sdk-go-v2/service/s3", false},
		{"blob", module + "/policy", true},
		{"blob", "database/sql", false},
		{"ledger", module + "/store", true},
		{"records", module + "/ledger", true},
		{"records", module + "/graph", false},
		{"records", "net/http", false},
		{"records", "github.com/tus/tusd/v2/pkg/handler", false},
		{"records", module + "/internal/config", false},
		{"fhir", "os", false},
		{"fhir", "net/url", true}, // parses, does not speak
		{"fhir", "net/http", false},
		{"fhir", module + "/store", false},
		{"graph", module + "/auth", true},
		{"graph", module + "/graph/model", true},
		{"graph", "github.com/uptrace/bun", false},
		{"graph/generated", "github.com/aws/smithy-go", false},
		{"graph", module + "/uploads", false},
		{"uploads", "github.com/99designs/gqlgen/graphql", false},
		{"internal/cli", module + "/internal/server", true},
		{"internal/server", module + "/internal/cli", false},
		{"internal/cli", module + "/cmd/bonfire", false},
		{"cmd/bonfire", module + "/internal/cli", true},
		{"somewhere/new", "time", false},
		{"records", module + "/somewhere/new", false},
		{"storefront", "time", false}, // a name that only begins like a room's
	} {
		if why := judge(tc.from, tc.imported); (why == "") != tc.allowed {
			t.Errorf("%s imports %s: %q, want allowed %v", tc.from, tc.imported, why, tc.allowed)
		}
	}
}

// TestEveryPackageSaysWhatItIs: a doc.go with the package comment, what lives
// here and what does not. Generated packages are excused.
func TestEveryPackageSaysWhatItIs(t *testing.T) {
	for _, p := range packages(t) {
		if generated(t, p) {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, "doc.go"), nil, parser.ParseComments|parser.PackageClauseOnly)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			t.Errorf("%s has no doc.go", p.path())
		case err != nil:
			t.Error(err)
		case file.Doc == nil || !strings.HasPrefix(file.Doc.Text(), opening(file.Name.Name)):
			t.Errorf("%s/doc.go lacks a comment that begins %q", p.path(), opening(file.Name.Name))
		}
	}
}

func opening(name string) string {
	if name == "main" {
		return "Command "
	}
	return "Package " + name + " "
}

// generated reports whether all of the package was written by a program.
func generated(t *testing.T, p listed) bool {
	t.Helper()
	for _, name := range p.GoFiles {
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.ParseComments|parser.PackageClauseOnly)
		if err != nil {
			t.Fatal(err)
		}
		if !ast.IsGenerated(file) {
			return false
		}
	}
	return len(p.GoFiles) > 0
}

// TestOneSchema: schema.graphqls at the root is the only copy of the contract.
func TestOneSchema(t *testing.T) {
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() != "." && d.Name() != ".." && strings.HasPrefix(d.Name(), ".")) {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, ".graphqls") && path != filepath.Join(root, "schema.graphqls") {
			t.Errorf("%s: the schema is schema.graphqls at the root, and nowhere else", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
