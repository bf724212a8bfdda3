package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/server"
)

func (p *program) auditCommand() *cobra.Command {
	return group("audit", "Check, export and complete the audit trail",
		p.auditVerifyCommand(), p.auditExportCommand(), p.auditIngestCommand())
}

// openTrail opens what these commands work with. What stands in the way is a
// matter of the configuration, or of the machines that it names.
func (p *program) openTrail(ctx context.Context) (*server.Trail, error) {
	cfg, err := p.load()
	if err != nil {
		return nil, err
	}
	for name, value := range map[string]string{"BONFIRE_DATABASE_URL": cfg.DatabaseURL.Reveal(), "BONFIRE_S3_BUCKET": cfg.S3Bucket} {
		if value == "" {
			return nil, &misused{errors.New(name + ": not set; the commands of the audit trail take the server's own settings")}
		}
	}
	log := slog.New(slog.NewTextHandler(p.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	trail, err := server.OpenTrail(ctx, cfg, awsCredentials(p.vars), log)
	if err != nil {
		return nil, &misused{err}
	}
	return trail, nil
}

// tenantFlag names one clinic. The other commands call it --clinic: that is
// taken, too.
func tenantFlag(cmd *cobra.Command, tenant *string, usage string) {
	cmd.Flags().StringVar(tenant, "tenant", "", usage)
	cmd.Flags().StringVar(tenant, "clinic", "", usage)
	_ = cmd.Flags().MarkHidden("clinic") // it was defined above
}

// pickTenant is the tenant that is named, or the only one.
func pickTenant(all []clinical.TenantID, named string) (clinical.TenantID, error) {
	names := make([]string, len(all))
	for i, t := range all {
		if names[i] = string(t); names[i] == named {
			return t, nil
		}
	}
	switch {
	case named != "":
		return "", &misused{fmt.Errorf("there is no tenant %q; there is: %s", named, strings.Join(names, ", "))}
	case len(all) != 1:
		return "", &misused{fmt.Errorf("which tenant? --tenant %s", strings.Join(names, ", "))}
	}
	return all[0], nil
}

// instantFlag reads an instant of a flag: a day of UTC, or RFC 3339; nil when it
// is not given.
func instantFlag(name, value string) (*time.Time, error) {
	if value == "" {
		return nil, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339Nano} {
		if t, err := time.Parse(layout, value); err == nil {
			t = t.UTC()
			return &t, nil
		}
	}
	return nil, &misused{fmt.Errorf("--%s: write a day of UTC (2026-03-01) or an instant (2026-03-01T08:30:00Z)", name)}
}
