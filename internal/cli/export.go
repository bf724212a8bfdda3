package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/server"
)

func (p *program) exportCommand() *cobra.Command {
	var tenant, patient string
	cmd := &cobra.Command{
		Use:   "export DIR",
		Short: "Write whole charts to a directory: FHIR, bytes, history and evidence",
		Long: "Writes the charts of a clinic, or that of one patient: a FHIR R4 Bundle of each, the bytes of all files, the rows\n" +
			"that `bonfire import` restores it from, a manifest for `sha256sum -c`, and the audit trail. Drafts, old versions\n" +
			"and what was retracted are in it. Each chart that leaves is recorded in the trail.\n\n" +
			"The directory is for you alone, and is complete once it has a manifest.sha256. Interrupted, run it again: bytes\n" +
			"that are there and right are not fetched twice.",
		Args: cobra.ExactArgs(1),
		RunE: do(func(ctx context.Context, args []string) error { return p.export(ctx, args[0], tenant, patient) }),
	}
	tenantFlag(cmd, &tenant, "whose charts (default: that of the patient, or the only tenant)")
	cmd.Flags().StringVar(&patient, "patient", "", "id of the patient whose chart it is (default: all patients)")
	return cmd
}

// openPort opens what charts leave and enter by.
func (p *program) openPort(ctx context.Context) (*server.Trail, error) {
	cfg, err := p.load()
	if err != nil {
		return nil, err
	}
	for name, value := range map[string]string{"BONFIRE_DATABASE_URL": cfg.DatabaseURL.Reveal(), "BONFIRE_S3_BUCKET": cfg.S3Bucket} {
		if value == "" {
			return nil, &misused{errors.New(name + ": not set; export and import take the server's own settings")}
		}
	}
	log := slog.New(slog.NewTextHandler(p.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	port, err := server.OpenPort(ctx, cfg, awsCredentials(p.vars), log)
	if err != nil {
		return nil, &misused{err}
	}
	return port, nil
}

// chartTenant is the clinic that is named, or whose patient is named, or the only one.
func chartTenant(ctx context.Context, port *server.Trail, named string, patient clinical.PatientID) (clinical.TenantID, error) {
	if named != "" || patient == "" {
		all, err := port.Store.Tenants(ctx)
		if err != nil {
			return "", err
		}
		return pickTenant(all, named)
	}
	having, err := port.Records.ChartTenants(ctx, patient)
	if err != nil {
		return "", err
	}
	if len(having) == 0 {
		return "", &misused{fmt.Errorf("--patient: no clinic has a patient %q", patient)}
	}
	return pickTenant(having, "")
}

func (p *program) export(ctx context.Context, dir, named, patient string) (err error) {
	port, err := p.openPort(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, port.Close()) }()
	tenant, err := chartTenant(ctx, port, named, clinical.PatientID(patient))
	if err != nil {
		return err
	}
	d, err := openExport(dir, exportHeader{
		Format: exportFormat, Tenant: tenant, Patient: clinical.PatientID(patient), Base: port.FHIR.Base, Systems: port.FHIR.Systems,
	})
	if err != nil {
		return &misused{err}
	}
	x := &charts{trail: port, actor: operator(tenant), dir: d, steps: p.steps("exporting " + string(tenant))}
	err = x.export(ctx, clinical.PatientID(patient))
	x.steps.end()
	if err != nil {
		return fmt.Errorf("%s is not complete, run the same command again to go on: %w", dir, plain(err))
	}
	if len(x.lost) > 0 {
		return fmt.Errorf("%s is not complete: the bytes of these files are not in the bucket, or not as they were stored: %s", dir, strings.Join(x.lost, ", "))
	}
	if stray := d.strays(); len(stray) > 0 {
		_, _ = fmt.Fprintf(p.err, "not of this export, left by an earlier one: %s\n", strings.Join(stray, ", "))
	}
	_, _ = fmt.Fprintf(p.out, "%d charts, %d files of %d bytes, %d fetched now: %s\n", x.charts, x.files, x.bytes, x.fetched.Load(), dir)
	return nil
}
