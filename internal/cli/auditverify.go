package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/server"
	"github.com/bonfiredb/bonfire/seal"
)

type verifyFlags struct {
	tenant, export, seals string
	anchors               bool
}

func (p *program) auditVerifyCommand() *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Hold the audit trail against its seals and their anchors in the bucket",
		Long: "Computes every seal anew, from the rows of the database, and compares it with the seal in the database and\n" +
			"with its anchor in the bucket. Names the first row that was changed, removed or inserted. Changes nothing.\n\n" +
			"With --from-export it checks the files that `bonfire audit export` has written, and needs no database.\n\n" +
			"Exit code 0: everything fits; 1: something was found; 2: it could not be checked.",
		Args: cobra.NoArgs,
		RunE: do(func(ctx context.Context, _ []string) error {
			err := p.auditVerify(ctx, f)
			if err == nil || errors.As(err, new(*found)) || errors.As(err, new(*misused)) {
				return err
			}
			return &misused{fmt.Errorf("the trail could not be checked: %w", err)}
		}),
	}
	tenantFlag(cmd, &f.tenant, "check this tenant's trail only")
	cmd.Flags().StringVar(&f.export, "from-export", "", "check an exported file of events")
	cmd.Flags().StringVar(&f.seals, "seals", "", "the seals that were exported with it (default: the file's name and "+sealsSuffix+")")
	cmd.Flags().BoolVar(&f.anchors, "anchors", false, "with --from-export: compare its seals with their anchors in the bucket, too")
	return cmd
}

func (p *program) auditVerify(ctx context.Context, f verifyFlags) (err error) {
	if f.export == "" && (f.seals != "" || f.anchors) {
		return &misused{errors.New("--seals and --anchors go with --from-export")}
	}
	if f.export != "" {
		return p.verifyExport(ctx, f)
	}
	trail, err := p.openTrail(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, trail.Close()) }()
	tenants, err := trail.Records.AuditTenants(ctx)
	if err != nil {
		return err
	}
	if f.tenant != "" {
		t, err := pickTenant(tenants, f.tenant)
		if err != nil {
			return err
		}
		tenants = []clinical.TenantID{t}
	}
	clean := true
	for _, t := range tenants {
		report, err := p.verifyTenant(ctx, trail, t)
		if err != nil {
			return err
		}
		clean = p.tellReport(report) && clean
	}
	if !clean {
		return &found{}
	}
	return nil
}

func (p *program) verifyTenant(ctx context.Context, trail *server.Trail, t clinical.TenantID) (seal.Report, error) {
	steps := p.steps("checking " + string(t))
	defer steps.end()
	return trail.Records.VerifyAudit(ctx, t, steps.step)
}

// tellReport prints what a check has seen, and whether everything fits.
func (p *program) tellReport(r seal.Report) bool {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(p.out, format+"\n", args...) }
	for _, f := range r.Findings {
		say("%s", f)
	}
	if more := r.Found - len(r.Findings); more > 0 {
		say("tenant %s: and %d more", r.Tenant, more)
	}
	say("tenant %s: %s in %s, %d of them anchored, the last is seal %d", r.Tenant, counted(r.Rows, "event"), counted(r.Seals, "seal"), r.Anchored, r.End.Number)
	say("tenant %s: head %s", r.Tenant, r.End.Head)
	if r.Unsealed > 0 || r.AwaitingAnchor > 0 {
		say("tenant %s: %d events wait for their seal, %d seals for their anchor", r.Tenant, r.Unsealed, r.AwaitingAnchor)
	}
	if !r.OK() {
		say("tenant %s: NOT INTACT, %s; the first: %s", r.Tenant, counted(r.Found, "finding"), r.First)
		return false
	}
	say("tenant %s: intact", r.Tenant)
	return true
}

// counted is a number of things, such as "1 event" and "2 events".
func counted[N int | int64](n N, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
