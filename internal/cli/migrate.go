package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/bonfiredb/bonfire/store"
)

func (p *program) migrateCommand() *cobra.Command {
	up := &cobra.Command{
		Use: "up", Short: "Apply pending migrations, as the role in BONFIRE_MIGRATE_DATABASE_URL", Args: cobra.NoArgs,
		RunE: do(func(ctx context.Context, _ []string) error { return p.migrateUp(ctx) }),
	}
	status := &cobra.Command{
		Use: "status", Short: "List migrations; exit code 1 when some are pending", Args: cobra.NoArgs,
		RunE: do(func(ctx context.Context, _ []string) error { return p.migrateStatus(ctx) }),
	}
	return group("migrate", "Bring the database up to date", up, status)
}

func (p *program) migrateUp(ctx context.Context) error {
	cfg, err := p.load()
	if err != nil {
		return err
	}
	if cfg.MigrateDatabaseURL == "" {
		return &misused{errors.New("BONFIRE_MIGRATE_DATABASE_URL: not set; name the postgres:// URL of the role that owns the schema")}
	}
	applied, err := store.Migrate(ctx, cfg.MigrateDatabaseURL.Reveal())
	for _, name := range applied {
		_, _ = fmt.Fprintln(p.out, "applied", name)
	}
	if err == nil && len(applied) == 0 {
		_, _ = fmt.Fprintln(p.out, "nothing to do")
	}
	return err
}

func (p *program) migrateStatus(ctx context.Context) error {
	cfg, err := p.load()
	if err != nil {
		return err
	}
	database := cmp.Or(cfg.MigrateDatabaseURL, cfg.DatabaseURL)
	if database == "" {
		return &misused{errors.New("BONFIRE_DATABASE_URL: not set; name the database to look at")}
	}
	all, err := store.Status(ctx, database.Reveal())
	if err != nil {
		return err
	}
	pending := false
	for _, m := range all {
		when := "pending"
		if m.AppliedAt.IsZero() {
			pending = true
		} else {
			when = "applied " + m.AppliedAt.UTC().Format(time.RFC3339)
		}
		_, _ = fmt.Fprintf(p.out, "%-40s %s\n", m.Name, when)
	}
	if pending {
		return &found{}
	}
	return nil
}
