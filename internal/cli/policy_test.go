package cli_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bonfiredb/bonfire/policy"
)

// policies is a copy of the shipped set with files over it.
func policies(t *testing.T, over map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	err := fs.WalkDir(policy.Shipped(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(policy.Shipped(), path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, path), text, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range over {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const compartment = `@id("department-compartment")
forbid (principal is User, action in Action::"readChart", resource is File)
when { resource has department && !principal.departments.contains(resource.department) };
`

func TestPolicyCheckSaysWhatToMend(t *testing.T) {
	t.Parallel()
	good := policies(t, map[string]string{"own.cedar": compartment})
	if r := bonfire(t.Context(), nil, nil, "policy", "check", good); r.code != 0 || !strings.Contains(r.out, "is sound") {
		t.Errorf("%+v", r)
	}
	for name, tc := range map[string]struct{ text, says string }{
		"no id":            {`permit (principal, action, resource);`, "own.cedar:1:1"},
		"misspelt":         {`@id("x") permit (principal, action == Action::"readFyle", resource);`, "own.cedar"},
		"no Cedar":         {`who knows`, "own.cedar:1"},
		"not for a list":   {`@id("x") permit (principal, action == Action::"listFiles", resource) when { resource.kind like "a*" };`, `policy "x"`},
		"taken by another": {`@id("tenant-wall") permit (principal, action, resource);`, "tenant-wall"},
	} {
		dir := policies(t, map[string]string{"own.cedar": tc.text})
		r := bonfire(t.Context(), nil, nil, "policy", "check", dir)
		if r.code != 1 || !strings.Contains(r.out, tc.says) || !strings.Contains(r.out, "to mend") || r.err != "" {
			t.Errorf("%s: %+v", name, r)
		}
	}
	for _, dir := range []string{"/no/such/directory", "policy.go"} {
		if r := bonfire(t.Context(), nil, nil, "policy", "check", dir); r.code != 2 {
			t.Errorf("%s: %+v", dir, r)
		}
	}
}

const table = `
people:
  doctor: { roles: [clinician], panel: [anna], departments: [derm] }
patients:
  anna: {}
things:
  photo: { type: File, kind: wound-photo, department: eyes }
cases:
  - { who: doctor, does: [readFile, downloadFile], what: photo, on: anna, expect: allow }
`

func TestPolicyTestAsksATable(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "table.yaml")
	if err := os.WriteFile(file, []byte(table), 0o600); err != nil {
		t.Fatal(err)
	}
	r := bonfire(t.Context(), nil, nil, "policy", "test", file)
	if r.code != 0 || r.out != "2 questions asked, 0 answered otherwise than the table says\n" {
		t.Errorf("the shipped set: %+v", r)
	}
	dir := policies(t, map[string]string{"own.cedar": compartment})
	want := file + ":"
	for _, r := range []ran{
		bonfire(t.Context(), nil, nil, "policy", "test", file, "--policies", dir),
		bonfire(t.Context(), []string{"BONFIRE_POLICY_DIR=" + dir}, nil, "policy", "test", file),
	} {
		if r.code != 1 || strings.Count(r.out, want) != 2 || !strings.Contains(r.out, "line 9: doctor, readFile, photo on anna: expected allow, got deny (department-compartment)") {
			t.Errorf("the clinic's own: %+v", r)
		}
	}
	broken := policies(t, map[string]string{"own.cedar": "who knows"})
	if r := bonfire(t.Context(), nil, nil, "policy", "test", file, "--policies", broken); r.code != 1 || !strings.Contains(r.err, "own.cedar:1") {
		t.Errorf("a broken set: %+v", r)
	}
	if err := os.WriteFile(file, []byte("cases: [{ who: ghost, does: readFile, what: photo, expect: allow }]"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := bonfire(t.Context(), nil, nil, "policy", "test", file); r.code != 1 || !strings.Contains(r.err, "ghost") {
		t.Errorf("a broken table: %+v", r)
	}
	if r := bonfire(t.Context(), nil, nil, "policy", "test", "/no/such/table"); r.code != 2 {
		t.Errorf("%+v", r)
	}
}
