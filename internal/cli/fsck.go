package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/bonfiredb/bonfire/internal/config"
	"github.com/bonfiredb/bonfire/internal/server"
	"github.com/bonfiredb/bonfire/records"
)

// graceMin is the shortest --older-than: requests to S3 take their time.
const graceMin = time.Minute

type fsckFlags struct {
	check     records.DriftCheck
	tenant    string
	json, dev bool
	data      string
}

func (p *program) fsckCommand() *cobra.Command {
	var f fsckFlags
	cmd := &cobra.Command{
		Use:   "fsck",
		Short: "Compare bucket and database both ways",
		Long: "Looks for objects without a row, rows without their object, sizes and (with --deep) digests that differ,\n" +
			"uploads in parts that nobody needs, and uploads that nobody finished. Servers may go on meanwhile: what is\n" +
			"new or has just changed is left alone. Prints ids and keys only.\n\n" +
			"With --repair it removes what is ours and no row names, and finishes uploads; each is on the audit trail.\n" +
			"What is not named as Bonfire names objects is told apart and never touched.\n\n" +
			"Exit code 0: nothing is left that differs; 1: something is; 2: wrong usage, or it could not be compared.",
		Args: cobra.NoArgs,
		RunE: do(func(ctx context.Context, _ []string) error {
			err := p.fsck(ctx, f)
			if err == nil || errors.As(err, new(*found)) || errors.As(err, new(*misused)) {
				return err
			}
			return &misused{fmt.Errorf("bucket and database could not be compared: %w", err)}
		}),
	}
	tenantFlag(cmd, &f.tenant, "look at this tenant only")
	cmd.Flags().BoolVar(&f.check.Deep, "deep", false, "read each object and compare its SHA-256")
	cmd.Flags().BoolVar(&f.check.Repair, "repair", false, "remove what no row names, finish uploads")
	cmd.Flags().BoolVar(&f.check.Force, "force", false, "repair though most of the bucket would be removed")
	cmd.Flags().DurationVar(&f.check.Grace, "older-than", records.DriftGrace, "say nothing about what is newer")
	cmd.Flags().BoolVar(&f.json, "json", false, "a line of JSON for each finding, and one for the summary")
	cmd.Flags().BoolVar(&f.dev, "dev", false, "take the embedded database and bucket where none is named, of a server that runs or started for this")
	cmd.Flags().StringVar(&f.data, "data", dataDir, "data directory of --dev")
	return cmd
}

func (p *program) fsck(ctx context.Context, f fsckFlags) (err error) {
	if f.check.Grace < graceMin {
		return &misused{fmt.Errorf("--older-than: choose %s or longer", graceMin)}
	}
	if f.check.Force && !f.check.Repair {
		return &misused{errors.New("--force goes with --repair")}
	}
	rooms, end, err := p.openStores(ctx, f.dev, f.data)
	if err != nil {
		return err
	}
	defer end(&err)
	if f.tenant != "" {
		tenants, err := rooms.Store.Tenants(ctx)
		if err != nil {
			return err
		}
		if f.check.Tenant, err = pickTenant(tenants, f.tenant); err != nil {
			return err
		}
	}
	steps := p.steps("looking at objects")
	defer steps.end()
	f.check.Step = func(objects int64) { steps.step(objects, 0) }
	tell := driftTeller(p.out, f.json)
	report, err := rooms.Records.CompareBucket(ctx, f.check, tell.drift)
	if err != nil {
		return plain(err)
	}
	steps.end()
	if err := tell.summary(report, f.check); err != nil {
		return err
	}
	if report.Left() > 0 {
		return &found{}
	}
	return nil
}

// openStores opens the rooms of a server over what the environment names, with
// dev over the embedded stack where it names nothing, be it running or not, and
// refuses a database that a server would refuse.
func (p *program) openStores(ctx context.Context, dev bool, data string) (_ *server.Rooms, end func(*error), err error) {
	cfg, err := p.load()
	if err != nil {
		return nil, nil, err
	}
	var stack stopper = nothing{}
	var over []string
	if dev {
		if stack, over, err = p.startOrJoin(ctx, cfg, data); err != nil {
			return nil, nil, err
		}
		cfg, err = p.load(over...)
	}
	if err == nil && (cfg.DatabaseURL == "" || cfg.S3Bucket == "") {
		err = &misused{errors.New("set BONFIRE_DATABASE_URL and BONFIRE_S3_BUCKET as the server has them, or add --dev")}
	}
	end = func(err *error) { stopStack(stack, err) }
	if err != nil {
		end(&err)
		return nil, nil, err
	}
	rooms, err := server.Open(ctx, server.Options{
		Config: cfg, Credentials: awsCredentials(config.Vars(append(append([]string{}, p.environ...), over...))),
		Log: slog.New(slog.NewTextHandler(p.err, &slog.HandlerOptions{Level: slog.LevelError})),
	})
	if err == nil {
		end = func(err *error) { *err = errors.Join(*err, rooms.Close()); stopStack(stack, err) }
		err = errors.Join(rooms.Store.Check(ctx), rooms.Bucket.Check(ctx))
	}
	if err != nil {
		end(&err)
		return nil, nil, err
	}
	return rooms, end, nil
}
