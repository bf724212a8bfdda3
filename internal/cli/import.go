package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/internal/server"
	"github.com/bonfiredb/bonfire/records"
)

func (p *program) importCommand() *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:   "import DIR|BUNDLE.json",
		Short: "Restore charts that `bonfire export` wrote, or take documents out of another server's Bundle",
		Long: "Restores an export into a clinic of this deployment: ids, versions, signatures and bytes as they were. The manifest\n" +
			"is checked first, and a byte that changed is named. Of each chart everything is restored or nothing; an id that\n" +
			"exists here with another content is named and that chart left alone. Doing it again does nothing.\n\n" +
			"People are known here by name afterwards; nobody is let in.\n\n" +
			"A file is a FHIR R4 Bundle of another server, with the bytes of its documents inside as base64: documents, their\n" +
			"patients and visits are taken, and whatever has no place here is listed. A directory of such files is taken file by\n" +
			"file, in the order of their names.\n\n" +
			"Exit code 1 when a chart was not restored, or anything of a Bundle was not taken.",
		Args: cobra.ExactArgs(1),
		RunE: do(func(ctx context.Context, args []string) error {
			if info, err := os.Stat(args[0]); err == nil && info.Mode().IsRegular() {
				return p.importBundle(ctx, args[0], f)
			}
			if bundles := bundlesIn(args[0]); len(bundles) > 0 {
				return p.importBundles(ctx, bundles, f)
			}
			return p.importFrom(ctx, args[0], f.tenant)
		}),
	}
	tenantFlag(cmd, &f.tenant, "into which clinic (default: the one that the export is of, or the only one)")
	cmd.Flags().StringVar(&f.kind, "kind", "", "of a Bundle: the kind of documents whose codes name none")
	cmd.Flags().StringVar(&f.patient, "patient", "", "of a Bundle: the chart of documents whose patient is not in it")
	return cmd
}

func (p *program) importFrom(ctx context.Context, dir, named string) (err error) {
	e, err := readExport(dir)
	if err != nil {
		return &misused{err}
	}
	wrong, err := e.verify(ctx, p.steps("checking "+dir))
	if err != nil {
		return err
	}
	for _, w := range wrong {
		_, _ = fmt.Fprintln(p.err, w)
	}
	if len(wrong) > 0 {
		return errors.New("this is not what was exported, nothing was restored")
	}
	port, err := p.openPort(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, port.Close()) }()
	tenant, err := p.importTenant(ctx, port, named, e.Tenant)
	if err != nil {
		return err
	}
	list := make([]records.ImportChart, len(e.patients))
	for i, patient := range e.patients {
		list[i] = records.ImportChart{
			Patient: patient, Origin: "the export of the manifest " + e.manifest,
			Rows: func(take rowTaker) error { return e.rows(patient, take) },
			Open: func(id clinical.FileID) (records.Bytes, error) { return e.open(id) },
		}
	}
	return p.restore(ctx, port, operator(tenant), list)
}

// importTenant is the clinic to restore into; it has to be here.
func (p *program) importTenant(ctx context.Context, port *server.Trail, named string, of clinical.TenantID) (clinical.TenantID, error) {
	if named == "" {
		named = string(of)
	}
	all, err := port.Store.Tenants(ctx)
	if err != nil {
		return "", err
	}
	if len(all) == 0 {
		return "", &misused{fmt.Errorf("there is no clinic here; make one with: %s clinic set %s --name NAME", p.name, named)}
	}
	return pickTenant(all, named)
}

// restore restores chart by chart. What stands in the way of one keeps no other waiting.
func (p *program) restore(ctx context.Context, port *server.Trail, actor clinical.Actor, list []records.ImportChart) error {
	var sum records.ImportedChart
	var failed, fresh int
	steps := p.steps("restoring")
	for i, in := range list {
		steps.step(int64(i), int64(len(list)))
		out, err := port.Records.ImportChart(ctx, actor, in)
		switch {
		case ctx.Err() != nil || clinical.Is(err, clinical.Unavailable):
			return err // the rest would fail, too
		case err != nil:
			failed++
			_, _ = fmt.Fprintf(p.err, "chart %s was not restored: %s\n", in.Patient, whyNot(err))
		case out.Rows > 0:
			fresh++
		}
		sum.Files, sum.Notes = sum.Files+out.Files, sum.Notes+out.Notes
	}
	steps.end()
	_, _ = fmt.Fprintf(p.out, "%d of %d charts restored with %d files and %d notes, %d were here already\n",
		fresh, len(list), sum.Files, sum.Notes, len(list)-fresh-failed)
	if failed > 0 {
		return &found{}
	}
	return nil
}

// whyNot is why a chart was not restored, in words for people.
func whyNot(err error) error {
	var conflict *records.ChartConflict
	var missing *os.PathError
	switch {
	case errors.As(err, &conflict):
		return conflict
	case errors.As(err, &missing):
		return missing
	}
	return plain(err)
}
