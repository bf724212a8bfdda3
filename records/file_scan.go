package records

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/bonfiredb/bonfire/clinical"
	"github.com/bonfiredb/bonfire/policy"
)

// verdicts are what a pipeline can report.
var verdicts = []clinical.ScanStatus{clinical.ScanClean, clinical.ScanInfected, clinical.ScanFailed, clinical.ScanSkipped}

// ReportScan is the verdict of the pipeline on a file.
type ReportScan struct {
	File   clinical.FileID
	Status clinical.ScanStatus
	Engine string // which program, in which version
	Detail string // what it says
}

// ReportScan records a verdict. Where the kind requires a scan, only "clean" opens
// the file; an infected one is given to nobody, and every link to it ends. A
// later verdict takes the place of an earlier one; all of them are kept.
func (r *Records) ReportScan(ctx context.Context, actor clinical.Actor, in ReportScan) (f clinical.File, err error) {
	if err := in.check(); err != nil {
		return f, err
	}
	err = r.act(ctx, actor, "reportScan", func(ctx context.Context, c *call) error {
		d, was, err := c.holdFile(ctx, policy.ReportScan, in.File)
		if err != nil {
			return onField("fileId", err)
		}
		f = was
		f.ScanStatus = in.Status
		f, err = c.changeFile(ctx, d, was, f, clinical.Provenance{
			Activity: clinical.ActivityScan, Agents: []clinical.ProvenanceAgent{c.took("verifier")},
		}, "file.scanned")
		if err != nil {
			return err
		}
		if err := c.AppendScan(ctx, clinical.Scan{
			ID: clinical.NewID[string](c.now), Tenant: f.Tenant, File: f.ID, Version: f.Version, Status: in.Status,
			Engine: in.Engine, Detail: in.Detail, By: actor.ID, At: c.now,
		}); err != nil {
			return err
		}
		if in.Status == clinical.ScanInfected {
			if _, err := c.RevokeFileLinks(ctx, d, c.now); err != nil {
				return err
			}
		}
		_, err = c.audit(ctx, d, touched(refOfFile(f)), detail("scan", string(in.Status)))
		return err
	})
	return f, err
}

func (in ReportScan) check() error {
	switch {
	case !slices.Contains(verdicts, in.Status):
		return clinical.Bad("status", "not a verdict").WithAllowed("CLEAN", "INFECTED", "FAILED", "SKIPPED")
	case strings.TrimSpace(in.Engine) == "" || utf8.RuneCountInString(in.Engine) > 100:
		return clinical.Bad("engine", "name the program in 1 to 100 characters")
	case utf8.RuneCountInString(in.Detail) > 1000:
		return clinical.Bad("detail", "longer than 1,000 characters")
	}
	return nil
}
