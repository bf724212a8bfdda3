package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bonfiredb/bonfire/internal/server"
	"github.com/bonfiredb/bonfire/records"
)

func (p *program) auditIngestCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "ingest-access-log FILE... | s3://BUCKET/PREFIX",
		Short: "Record the downloads that the bucket's access log tells of",
		Long: "Reads S3 server access logs, files or the objects under a prefix (- is standard input), and records each\n" +
			"download by a signed URL as an event in the audit trail. The same line is recorded once, however often it is\n" +
			"read. Exit code 1 when lines could not be read, or name links that were never issued for the object.",
		Args: cobra.MinimumNArgs(1),
		RunE: do(p.auditIngest),
	}
}

func (p *program) auditIngest(ctx context.Context, args []string) (err error) {
	trail, err := p.openTrail(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, trail.Close()) }()
	if err := trail.Check(ctx); err != nil {
		return err
	}
	in := &ingestion{p: p, trail: trail}
	for _, name := range args {
		if err := in.source(ctx, name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	r := in.total
	_, _ = fmt.Fprintf(p.out, "%d lines in %d logs\n%d downloads recorded, %d known already, %d requests refused by the bucket, %d other lines\n",
		r.Lines, in.logs, r.Recorded, r.Known, r.Refused, r.Other)
	if r.Malformed+r.Unknown == 0 {
		return nil
	}
	_, _ = fmt.Fprintf(p.out, "%d lines could not be read, %d name links that were never issued for the object\n", r.Malformed, r.Unknown)
	return &found{}
}

// ingestion reads logs, one after another.
type ingestion struct {
	p     *program
	trail *server.Trail
	total records.AccessLogReport
	logs  int
}

func (in *ingestion) source(ctx context.Context, name string) error {
	if place, ok := strings.CutPrefix(name, "s3://"); ok {
		bucket, prefix, _ := strings.Cut(place, "/")
		return in.bucket(ctx, bucket, prefix)
	}
	if name == "-" {
		return in.log(ctx, name, in.p.in)
	}
	f, err := os.Open(name)
	if err != nil {
		return &misused{err}
	}
	defer f.Close()
	return in.log(ctx, name, f)
}

func (in *ingestion) bucket(ctx context.Context, bucket, prefix string) error {
	logs, err := in.trail.Logs(ctx, bucket)
	if err != nil {
		return &misused{err}
	}
	steps := in.p.steps("reading s3://" + bucket + "/" + prefix)
	defer steps.end()
	for o, err := range logs.List(ctx, prefix) {
		if err != nil {
			return err
		}
		body, err := logs.Get(ctx, o.Key, 0, -1)
		if err != nil {
			return err
		}
		err = in.log(ctx, o.Key, body)
		_ = body.Close()
		if err != nil {
			return err
		}
		steps.step(int64(in.logs), 0)
	}
	return nil
}

func (in *ingestion) log(ctx context.Context, name string, r io.Reader) error {
	report, err := in.trail.Records.IngestAccessLog(ctx, r)
	in.total.Add(report)
	in.logs++
	for _, line := range report.Odd {
		_, _ = fmt.Fprintf(in.p.err, "%s: line %d is not understood, or names no link of ours\n", name, line)
	}
	return err
}
