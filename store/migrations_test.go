package store

import (
	"io/fs"
	"path"
	"strings"
	"testing"
)

// Two branches that each add a migration may give both the same number; then
// which of them comes first would be an accident, and one could be taken for done.
func TestMigrationsHaveNumbersOfTheirOwn(t *testing.T) {
	files, err := fs.Glob(migrationFiles, "migrations/*")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	taken := map[string]string{}
	for _, file := range files {
		name := path.Base(file)
		number, _, _ := strings.Cut(name, "_")
		switch {
		case len(number) != len("20261123000001") || strings.Trim(number, "0123456789") != "":
			t.Errorf("%s does not begin with 14 digits", name)
		case !strings.HasSuffix(name, ".tx.up.sql"):
			t.Errorf("%s is no *.tx.up.sql: migrations go forward, each in a transaction", name)
		case taken[number] != "":
			t.Errorf("%s and %s share a number", taken[number], name)
		}
		taken[number] = name
	}
}
