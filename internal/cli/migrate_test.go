package cli_test

import (
	"strings"
	"testing"

	"github.com/bonfiredb/bonfire/internal/devstack/devtest"
)

func TestMigrate(t *testing.T) {
	t.Parallel()
	environ := devtest.New(t).Environ()
	status := bonfire(t.Context(), environ, nil, "migrate", "status")
	if status.code != 1 || !strings.Contains(status.out, "pending") || status.err != "" {
		t.Errorf("before: %+v", status)
	}
	up := bonfire(t.Context(), environ, nil, "migrate", "up")
	if up.code != 0 || strings.Count(up.out, "applied ") != strings.Count(status.out, "pending") {
		t.Errorf("up: %+v", up)
	}
	status = bonfire(t.Context(), environ, nil, "migrate", "status")
	if status.code != 0 || strings.Contains(status.out, "pending") {
		t.Errorf("after: %+v", status)
	}
	if again := bonfire(t.Context(), environ, nil, "migrate", "up"); again.code != 0 || again.out != "nothing to do\n" {
		t.Errorf("again: %+v", again)
	}
	app := append(environ, "BONFIRE_MIGRATE_DATABASE_URL=postgres://nobody@127.0.0.1:1/none")
	if r := bonfire(t.Context(), app, nil, "migrate", "up"); r.code != 1 {
		t.Errorf("no database: %+v", r)
	}
}
