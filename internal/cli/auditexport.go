package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/fhir"
	"github.com/bonfiredb/bonfire/records"
	"github.com/bonfiredb/bonfire/seal"
)

// sealsSuffix is put after the name of a file of events for that of its seals.
const sealsSuffix = ".seals"

type exportFlags struct {
	tenant, from, before, output, seals string
}

func (p *program) auditExportCommand() *cobra.Command {
	var f exportFlags
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write the audit trail as FHIR AuditEvents, one a line, with the seals that prove them",
		Long: "Writes one tenant's audit trail as NDJSON of FHIR R4 AuditEvents, and beside it the rows and seals that\n" +
			"`bonfire audit verify --from-export` holds them against. The export is recorded in the trail.\n\n" +
			"The files hold ids of patients and of people; they are readable for you alone.",
		Args: cobra.NoArgs,
		RunE: do(func(ctx context.Context, _ []string) error { return p.auditExport(ctx, f) }),
	}
	tenantFlag(cmd, &f.tenant, "whose trail (default: the only tenant)")
	cmd.Flags().StringVar(&f.from, "from", "", "events recorded from this day of UTC or instant on")
	cmd.Flags().StringVar(&f.before, "to", "", "events recorded before this day of UTC or instant")
	cmd.Flags().StringVarP(&f.output, "output", "o", "", "file of events; must not exist (default: standard output)")
	cmd.Flags().StringVar(&f.seals, "seals", "", "file of seals; must not exist (default: the output's name and "+sealsSuffix+"; none for standard output)")
	return cmd
}

func (p *program) auditExport(ctx context.Context, f exportFlags) (err error) {
	from, err := instantFlag("from", f.from)
	if err != nil {
		return err
	}
	before, err := instantFlag("to", f.before)
	if err != nil {
		return err
	}
	trail, err := p.openTrail(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, trail.Close()) }()
	if err := trail.Check(ctx); err != nil {
		return err
	}
	all, err := trail.Store.Tenants(ctx)
	if err != nil {
		return err
	}
	tenant, err := pickTenant(all, f.tenant)
	if err != nil {
		return err
	}
	x := &exporting{fhir: trail.FHIR, header: seal.Header{
		Tenant: string(tenant), From: from, Before: before, Base: trail.FHIR.Base, Systems: trail.FHIR.Systems, Server: trail.FHIR.Server,
	}}
	if f.seals == "" && f.output != "" {
		f.seals = f.output + sealsSuffix
	}
	if err := x.open(p.out, f.output, f.seals); err != nil {
		return err
	}
	steps := p.steps("exporting " + string(tenant))
	err = trail.Records.ExportAudit(ctx, operator(tenant), from, before, func(i seal.Item) error {
		steps.step(x.events, 0)
		return x.write(i)
	})
	steps.end()
	if err = x.close(err); err == nil {
		_, _ = fmt.Fprintf(p.err, "%s in %s\n", counted(x.events, "event"), counted(x.sealed, "seal"))
	}
	return plain(err)
}

// exporting is an export under way: the file of events, and that of seals.
type exporting struct {
	fhir           fhir.Renderer
	header         seal.Header
	only           clinical.PatientID // events of this patient; "" for all
	out            *bufio.Writer
	seals          *seal.Writer
	sealsOut       *bufio.Writer
	files          []*os.File
	events, sealed int64
}

func (x *exporting) open(out io.Writer, events, seals string) error {
	if events != "" {
		f, err := x.create(events)
		if err != nil {
			return err
		}
		out = f
	}
	x.out = bufio.NewWriter(out)
	sealsTo := io.Discard
	if seals != "" {
		f, err := x.create(seals)
		if err != nil {
			return x.close(err)
		}
		sealsTo = f
	}
	x.sealsOut = bufio.NewWriter(sealsTo)
	var err error
	if x.seals, err = seal.NewWriter(x.sealsOut, x.header); err != nil {
		return x.close(err)
	}
	return nil
}

// create makes a file that only its owner reads, and overwrites none.
func (x *exporting) create(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, &misused{err}
	}
	x.files = append(x.files, f)
	return f, nil
}

func (x *exporting) write(i seal.Item) error {
	if err := x.seals.Write(i); err != nil {
		return err
	}
	if i.Seal != nil {
		x.sealed++
		return nil
	}
	if !x.header.Holds(i.Row.RecordedAt) {
		return nil
	}
	e, err := records.AuditEventOf(i)
	if err != nil {
		return err
	}
	if x.only != "" && e.Patient != x.only {
		return nil
	}
	x.events++
	return fhir.Write(x.out, x.fhir.AuditEvent(e))
}

// close ends both files. After an error they are removed: half an export looks
// like a whole one.
func (x *exporting) close(err error) error {
	if err == nil {
		err = errors.Join(x.seals.Close(), x.sealsOut.Flush(), x.out.Flush())
	}
	for _, f := range x.files {
		if err == nil {
			err = f.Sync()
		}
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		for _, f := range x.files {
			_ = os.Remove(f.Name())
		}
	}
	return err
}

// rendererOf is the renderer that an export was written with.
func rendererOf(h seal.Header) fhir.Renderer {
	return fhir.Renderer{Base: h.Base, Systems: h.Systems, Server: h.Server}
}

// period is the time that an export is of, in words.
func period(h seal.Header) string {
	day := func(t *time.Time, open string) string {
		if t == nil {
			return open
		}
		return t.Format(time.RFC3339)
	}
	return "from " + day(h.From, "the beginning") + " to " + day(h.Before, "the end")
}
